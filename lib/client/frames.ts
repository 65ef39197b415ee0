import { createParser } from 'eventsource-parser'

/** One dispatched event as text, before its data is decoded. */
export interface Frame {
  /** The event's name, `message` where it has none. */
  event: string
  data: string
  /** The id that stands in this very event, if any. */
  id: string | undefined
}

/** The `read` of a web stream's reader, or the `next` of an async iterator: they answer alike. */
export type Pull = () => Promise<{ done?: boolean | undefined, value?: string | Uint8Array | undefined }>

/**
 * Parses the bytes of one connection. What is incomplete at the end is dropped, as the standard says.
 *
 * @param pull gives the next chunk; called only when every event so far was taken
 * @param onRetry gets the server's reconnection time in ms
 */
export async function * framesOf (pull: Pull, onRetry?: (ms: number) => void): AsyncGenerator<Frame, void, undefined> {
  const decoder = new TextDecoder()
  let frames: Frame[] = []
  const parser = createParser({ onEvent: ({ event = 'message', data, id }) => { frames.push({ event, data, id }) }, onRetry })
  let isAfterCr = false
  for (;;) {
    const { done, value } = await pull()
    let text = done ? decoder.decode() : typeof value === 'string' ? value : decoder.decode(value, { stream: true })
    if (text !== '') {
      // The parser holds back a CR at the end of a chunk, for it may be half of a CRLF. It ends the line either way.
      if (isAfterCr && text[0] === '\n') text = text.slice(1)
      isAfterCr = text.endsWith('\r')
      parser.feed(isAfterCr ? text + '\n' : text)
    }
    const ready = frames
    frames = []
    yield * ready
    if (done) return
  }
}

/** The chunks of a web stream, a Node stream or any (async) iterable of bytes or text. */
export function pullFrom (source: unknown): { pull: Pull, cancel: () => Promise<unknown> } {
  const { getReader } = source as Partial<ReadableStream<Uint8Array>>
  if (typeof getReader === 'function') {
    // Safari's streams are not iterable.
    const reader = getReader.call(source) as ReadableStreamDefaultReader<Uint8Array>
    return { pull: () => reader.read(), cancel: () => reader.cancel() }
  }
  const iterable = source as Partial<AsyncIterable<string | Uint8Array> & Iterable<string | Uint8Array>>
  const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.()
  if (iterator === undefined) throw new TypeError('Expected a response or a stream')
  return { pull: async () => iterator.next(), cancel: async () => iterator.return?.() }
}
