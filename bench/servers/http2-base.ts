// What one writes by hand over HTTP/2: the same code on node:http2.
import { createServer } from 'node:http2'
import { handlerOf } from './base.ts'
import type { Start } from './server.ts'

export const start: Start = async (routes) => {
  const server = createServer(handlerOf(routes))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}
