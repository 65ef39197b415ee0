import { createRequire } from 'node:module'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import { nextMessage, publishing } from './fan-out.ts'
import type { Start } from './server.ts'

// required and not imported, because its types declare a `reply.sse` of their own and the compiler can hold only one
const fastifySse = createRequire(import.meta.url)('@fastify/sse') as FastifyPluginAsync
interface Stream { keepAlive (): void, sendHeaders (): void, send (message: { data: unknown }): Promise<void>, onClose (callback: () => void): void }

export const start: Start = async () => {
  const app = Fastify()
  await app.register(fastifySse)
  const streams = new Set<Stream>()
  const options: object = { sse: 'only' }
  app.get('/fan', options, async (_request, reply) => {
    const { sse } = reply as unknown as { sse: Stream }
    sse.keepAlive()
    sse.sendHeaders()
    // without it the head waits for the first message
    reply.raw.flushHeaders()
    streams.add(sse)
    sse.onClose(() => streams.delete(sse))
  })
  app.post('/publish', (request, reply) => {
    const { n, size } = publishing(request.url)
    for (let i = 0; i < n; i++) {
      const message = { data: nextMessage(size) }
      for (const stream of streams) stream.send(message).catch(() => { /* it has left */ })
    }
    reply.send()
  })
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  return app.server
}
