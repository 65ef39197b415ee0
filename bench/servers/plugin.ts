// The plugin as it is published: built, on a real Fastify, with a contract and its check.
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import type * as Plugin from '../../dist/index.js'
import type { Routes, Workload } from '../sources.ts'

// which build is the second argument of `host.ts`
const { default: typedSse, EventStream } = await import(process.argv[3] as string) as typeof Plugin

/** The contract of the sources. */
export const Events = EventStream(Type.Object({ id: Type.Integer(), token: Type.String(), logprob: Type.Number(), ts: Type.Integer() }))

/** The contract of the messages of fan-out cases. */
export const Messages = EventStream(Type.Object({ text: Type.String(), id: Type.Integer(), ts: Type.Integer() }))

/** An app with the plugin, and the routes of the sources. */
export async function createApp (routes: Routes, { heartbeat }: Pick<Workload, 'heartbeat'>, http2 = false): Promise<FastifyInstance> {
  const app = (http2 ? Fastify({ http2: true }) : Fastify()) as unknown as FastifyInstance
  await app.register(typedSse, { heartbeat })
  for (const [path, source] of Object.entries(routes)) {
    app.get(path, { schema: { response: { 200: Events } } }, (_request, reply) => { reply.sse(source()) })
  }
  return app
}

export async function listen (app: FastifyInstance): Promise<FastifyInstance['server']> {
  await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  return app.server
}
