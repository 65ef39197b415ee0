// Plain Fastify: a Readable of frames.
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import type { Source } from '../sources.ts'
import type { Start } from './server.ts'

async function * frames (source: Source) {
  for await (const payload of source()) yield 'data: ' + JSON.stringify(payload) + '\n\n'
}

export const start: Start = async (routes) => {
  const app = Fastify()
  for (const [path, source] of Object.entries(routes)) {
    app.get(path, (_request, reply) => {
      reply.header('content-type', 'text/event-stream; charset=utf-8').send(Readable.from(frames(source)))
    })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
