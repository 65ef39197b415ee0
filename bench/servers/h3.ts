import { createServer } from 'node:http'
import { createEventStream, H3, toNodeHandler, type EventStream } from 'h3'
import type { Source } from '../sources.ts'
import type { Start } from './server.ts'

async function pump (source: Source, stream: EventStream) {
  for await (const payload of source()) await stream.push(JSON.stringify(payload))
  await stream.close()
}

export const start: Start = async (routes) => {
  const app = new H3()
  for (const [path, source] of Object.entries(routes)) {
    app.get(path, event => {
      const stream = createEventStream(event)
      pump(source, stream).catch(console.error)
      return stream.send()
    })
  }
  const server = createServer(toNodeHandler(app) as Parameters<typeof createServer>[1])
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}
