import { createRequire } from 'node:module'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import type { Source } from '../sources.ts'
import type { Start } from './server.ts'

// required and not imported, because its types declare a `reply.sse` of their own and the compiler can hold only one
const { FastifySSEPlugin } = createRequire(import.meta.url)('fastify-sse-v2') as { FastifySSEPlugin: FastifyPluginAsync<{ retryDelay: false }> }
interface Reply { sse: (source: AsyncIterable<{ data: string }>) => void }

async function * messages (source: Source) {
  for await (const payload of source()) yield { data: JSON.stringify(payload) }
}

export const start: Start = async (routes) => {
  const app = Fastify()
  // else it opens with a frame that holds no event
  await app.register(FastifySSEPlugin, { retryDelay: false })
  for (const [path, source] of Object.entries(routes)) {
    app.get(path, (_request, reply) => { (reply as unknown as Reply).sse(messages(source)) })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
