// By hand on Fastify over HTTP/2: the reply is hijacked, its response written to.
import Fastify from 'fastify'
import { writeAll } from './base.ts'
import type { Start } from './server.ts'

export const start: Start = async (routes) => {
  const app = Fastify({ http2: true })
  for (const [path, source] of Object.entries(routes)) {
    app.get(path, async (_request, reply) => {
      reply.hijack()
      await writeAll(source, reply.raw)
    })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
