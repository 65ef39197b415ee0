// The least an open stream can cost: a node:http response with one event written, then held; no source waits behind it.
import { createServer } from 'node:http'
import { payloadOf } from '../payload.ts'
import { SAMPLE_EVENTS } from '../sources.ts'
import type { Start } from './server.ts'

export const start: Start = async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    const events = request.url === '/sample' ? SAMPLE_EVENTS : 1
    for (let id = 0; id < events; id++) response.write('data: ' + JSON.stringify(payloadOf(id)) + '\n\n')
    if (request.url === '/sample') response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}
