// What the fan-out servers share: GET /fan is a reader, POST /publish?n=16&size=100 publishes that many messages in one turn.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { microseconds } from '../payload.ts'

export interface Message { text: string, id: number, ts: number }

/** What a message takes beside its text, bytes. */
const AROUND = 50
let id = 0

/** The next message, about `size` bytes as JSON; `id` and `ts` come last, where the client looks for them. */
export function nextMessage (size: number): Message {
  return { text: 'x'.repeat(size - AROUND), id: id++, ts: microseconds() }
}

/** The numbers in the URL of a publishing request. */
export function publishing (url: string): { n: number, size: number } {
  const { searchParams } = new URL(url, 'http://localhost')
  return { n: Number(searchParams.get('n')), size: Number(searchParams.get('size')) }
}

/** A server of node:http alone. */
export async function fanOutServer (join: (request: IncomingMessage, response: ServerResponse) => unknown, publish: (message: Message) => void): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      join(request, response)
      return
    }
    const { n, size } = publishing(request.url as string)
    for (let i = 0; i < n; i++) publish(nextMessage(size))
    response.end()
  })
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  return server
}
