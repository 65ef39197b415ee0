import { createServer } from 'node:http'
import { createSession } from 'better-sse'
import type { Start } from './server.ts'

export const start: Start = async (routes) => {
  const server = createServer(async (request, response) => {
    const source = routes[request.url as string]
    if (source === undefined) {
      response.writeHead(404).end()
      return
    }
    const session = await createSession(request, response, { retry: null })
    await session.iterate(source())
    response.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}
