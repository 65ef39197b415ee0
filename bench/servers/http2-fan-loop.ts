// What one writes by hand over HTTP/2: the message is encoded once, and written to each stream in a loop.
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { nextMessage, publishing } from './fan-out.ts'
import type { Start } from './server.ts'

export const start: Start = async () => {
  const streams = new Set<ServerHttp2Stream>()
  const server = createServer()
  server.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    if (headers[':method'] !== 'POST') {
      streams.add(stream)
      stream.on('close', () => streams.delete(stream))
      return
    }
    const { n, size } = publishing(headers[':path'] as string)
    for (let i = 0; i < n; i++) {
      const frame = Buffer.from(`data: ${JSON.stringify(nextMessage(size))}\n\n`)
      for (const one of streams) one.write(frame)
    }
    stream.end()
  })
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  return server
}
