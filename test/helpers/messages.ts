import { createParser, type EventSourceMessage } from 'eventsource-parser'
import fc from 'fast-check'

/** What a client would see of a stream's bytes. */
export interface Seen {
  events: EventSourceMessage[]
  retries: number[]
  comments: string[]
  /** Lines that are no field of an event: whatever was injected that is not among the others. */
  strange: string[]
}

/** Reads chunks of bytes as a client does, by a parser that is not ours. */
export function seen (chunks: Iterable<Uint8Array>): Seen {
  const all: Seen = { events: [], retries: [], comments: [], strange: [] }
  const parser = createParser({
    onEvent: event => all.events.push(event),
    onRetry: retry => all.retries.push(retry),
    onComment: comment => all.comments.push(comment),
    onError: error => all.strange.push(String(error.line ?? error.value))
  })
  const decoder = new TextDecoder()
  for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }))
  return all
}

/** What is left of a string when it went over the wire as UTF-8. */
export function wellFormed (text: string): string {
  return Buffer.from(text).toString()
}

/** What is left of text that went over the wire in `data:` lines. */
export function joined (text: string): string {
  return wellFormed(text).replace(/\r\n?/g, '\n')
}

const nasty = fc.constantFrom('\r', '\n', '\r\n', '\0', '\uFEFF', '\u2028', '\u2029', '\uD800', '\uDC00', '😀', ':', ' ', 'data: ', '\n\n', '\nid: 1', '\revent: x', '"', '\\')

/** Strings of all that is hard on the wire, and some that are not. */
export const text = fc.array(fc.oneof({ arbitrary: nasty, weight: 2 }, fc.constantFrom('a', 'é', 'b', '1')), { maxLength: 6 }).map(parts => parts.join(''))

/** Names and ids, most of which are not refused. */
export const line = fc.oneof({ arbitrary: text.map(string => string.replace(/[\r\n\0]/g, '')), weight: 4 }, text)

export const optional = <T> (arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
