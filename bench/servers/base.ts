// What one writes by hand: node:http, no framework, no check.
import { createServer } from 'node:http'
import type { Start } from './server.ts'

export const start: Start = async (routes) => {
  const server = createServer(async (request, response) => {
    const source = routes[request.url as string]
    if (source === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    for await (const payload of source()) {
      if (!response.write('data: ' + JSON.stringify(payload) + '\n\n')) {
        await new Promise(resolve => response.once('drain', resolve))
      }
    }
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}
