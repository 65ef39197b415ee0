// The plugin as it is published: built, on a real Fastify, with a contract and its check.
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type * as Plugin from '../../dist/index.js'
import type { Start } from './server.ts'

// which build is the second argument of `host.ts`
const { default: typedSse, EventStream } = await import(process.argv[3] as string) as typeof Plugin

const Payload = Type.Object({ id: Type.Integer(), token: Type.String(), logprob: Type.Number(), ts: Type.Integer() })

export const start: Start = async (routes, workload) => {
  const app = Fastify()
  await app.register(typedSse, { heartbeat: workload.heartbeat })
  for (const [path, source] of Object.entries(routes)) {
    app.get(path, { schema: { response: { 200: EventStream(Payload) } } }, (_request, reply) => { reply.sse(source()) })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
