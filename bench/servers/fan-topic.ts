// The plugin's topics, in the memory of the process: checked, serialized and stored once, then written to all.
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type * as Plugin from '../../dist/index.js'
import { nextMessage, publishing } from './fan-out.ts'
import type { Start } from './server.ts'

// which build is the second argument of `host.ts`
const { default: typedSse, EventStream } = await import(process.argv[3] as string) as typeof Plugin

const Fan = EventStream(Type.Object({ text: Type.String(), id: Type.Integer(), ts: Type.Integer() }))

export const start: Start = async () => {
  const app = Fastify()
  await app.register(typedSse, { heartbeat: false })
  const topic = app.sse.topic('fan', Fan)
  app.get('/fan', { schema: { response: { 200: Fan } } }, (_request, reply) => reply.sse(topic))
  app.post('/publish', (request, reply) => {
    const { n, size } = publishing(request.url)
    for (let i = 0; i < n; i++) topic.publish(nextMessage(size)).catch((error: unknown) => { throw error })
    reply.send()
  })
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  return app.server
}
