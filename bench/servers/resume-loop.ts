// What one writes by hand: the frames are kept, and those after the client's id are written at once.
import { fanOutServer } from './fan-out.ts'
import { missed } from './resume.ts'
import type { Start } from './server.ts'

export const start: Start = () => {
  const frames = missed().map((message, id) => `id: ${id}\ndata: ${JSON.stringify(message)}\n\n`)
  return fanOutServer((request, response) => {
    if (request.url === '/ids') {
      response.end(JSON.stringify(frames.map((_, id) => `${id}`)))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    response.write(frames.slice(Number(request.headers['last-event-id']) + 1).join(''))
  }, () => {})
}
