import { deepStrictEqual } from 'node:assert'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { text } from 'node:stream/consumers'
import { createParser } from 'eventsource-parser'
import { payloadOf } from './payload.ts'
import { FINITE_EVENTS, SAMPLE_EVENTS } from './sources.ts'
import { openStream, type Target } from './transport.ts'

/**
 * Proves a server before anything is counted: through a real client and a real parser its streams hold exactly the events they should, and
 * the counting reader sees as many.
 */
export async function verify ({ paths, ...target }: Target & { paths: string[] }): Promise<void> {
  for (const path of paths) {
    const events = path === '/sample' ? SAMPLE_EVENTS : FINITE_EVENTS
    const { type, body } = await (target.sessions === undefined ? get(target.port, path) : getHttp2(target.port, path))
    deepStrictEqual(type?.split(';')[0], 'text/event-stream')
    const payloads: unknown[] = []
    const parser = createParser({ onEvent: event => payloads.push(JSON.parse(event.data)) })
    parser.feed(body)
    deepStrictEqual(payloads, Array.from({ length: events }, (_, id) => payloadOf(id)))
    const reader = openStream(target, path)
    await reader.ended
    deepStrictEqual([reader.frames, reader.lastId], [events, events - 1])
  }
}

interface Response { type: string | undefined, body: string }

/** Without an agent, which would keep the connection open. */
export async function get (port: number, path: string): Promise<Response> {
  const request = http.get({ port, path, agent: false, headers: { accept: 'text/event-stream' } })
  const [response] = await once(request, 'response') as [http.IncomingMessage]
  return { type: response.headers['content-type'], body: await text(response) }
}

async function getHttp2 (port: number, path: string): Promise<Response> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  const stream = session.request({ ':path': path, accept: 'text/event-stream' })
  const [headers] = await once(stream, 'response') as [http2.IncomingHttpHeaders]
  const body = await text(stream)
  session.close()
  return { type: headers['content-type'], body }
}
