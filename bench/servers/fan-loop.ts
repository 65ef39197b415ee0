// What one writes by hand: the message is encoded once, and written to each response in a loop.
import type { ServerResponse } from 'node:http'
import { fanOutServer } from './fan-out.ts'
import type { Start } from './server.ts'

export const start: Start = (_routes, { heartbeat }) => {
  const responses = new Set<ServerResponse>()
  if (heartbeat !== false) {
    setInterval(() => { for (const response of responses) response.write(':\n\n') }, heartbeat)
  }
  return fanOutServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    response.flushHeaders()
    responses.add(response)
    response.on('close', () => responses.delete(response))
  }, message => {
    const frame = Buffer.from(`data: ${JSON.stringify(message)}\n\n`)
    for (const response of responses) response.write(frame)
  })
}
