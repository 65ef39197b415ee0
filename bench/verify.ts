import { deepStrictEqual } from 'node:assert'
import { createParser } from 'eventsource-parser'
import { payloadOf } from './payload.ts'
import { Reader } from './reader.ts'
import { FINITE_EVENTS, SAMPLE_EVENTS } from './sources.ts'

/**
 * Proves a server before anything is counted: through fetch and a real parser its streams hold exactly the events they should, and the
 * counting reader sees as many.
 */
export async function verify ({ port, paths }: { port: number, paths: string[] }): Promise<void> {
  for (const path of paths) {
    const events = path === '/sample' ? SAMPLE_EVENTS : FINITE_EVENTS
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept: 'text/event-stream' } })
    deepStrictEqual(response.headers.get('content-type')?.split(';')[0], 'text/event-stream')
    const payloads: unknown[] = []
    const parser = createParser({ onEvent: event => payloads.push(JSON.parse(event.data)) })
    parser.feed(await response.text())
    deepStrictEqual(payloads, Array.from({ length: events }, (_, id) => payloadOf(id)))
    const reader = new Reader(port, path)
    await reader.ended
    deepStrictEqual([reader.frames, reader.lastId], [events, events - 1])
  }
}
