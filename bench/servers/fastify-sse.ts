import { createRequire } from 'node:module'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import type { Source } from '../sources.ts'
import type { Start } from './server.ts'

// required and not imported, because its types declare a `reply.sse` of their own and the compiler can hold only one
const fastifySse = createRequire(import.meta.url)('@fastify/sse') as FastifyPluginAsync
interface Reply { sse: { send: (source: AsyncIterable<{ data: unknown }>) => Promise<void> } }

async function * messages (source: Source) {
  for await (const data of source()) yield { data }
}

export const start: Start = async (routes) => {
  const app = Fastify()
  await app.register(fastifySse)
  for (const [path, source] of Object.entries(routes)) {
    const options: object = { sse: 'only' }
    app.get(path, options, async (_request, reply) => (reply as unknown as Reply).sse.send(messages(source)))
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
