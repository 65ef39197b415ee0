// What one writes by hand: node:http, no framework, no check.
import { createServer, type ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Routes, Source } from '../sources.ts'
import type { Start } from './server.ts'

type Response = ServerResponse | Http2ServerResponse

/** Writes what a source gives to a response of either protocol. */
export async function writeAll (source: Source, given: Response): Promise<void> {
  const response = given as ServerResponse
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  for await (const payload of source()) {
    if (!response.write('data: ' + JSON.stringify(payload) + '\n\n')) {
      await new Promise(resolve => response.once('drain', resolve))
    }
  }
  response.end()
}

export const handlerOf = (routes: Routes) => async (request: { url?: string | undefined }, response: Response): Promise<void> => {
  const source = routes[request.url as string]
  if (source === undefined) (response as ServerResponse).writeHead(404).end()
  else await writeAll(source, response)
}

export const start: Start = async (routes) => {
  const server = createServer(handlerOf(routes))
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  return server
}
