// From the bytes of one connection to its events as text.
import { createParser } from 'eventsource-parser'
import { EventSizeError } from './errors.ts'

/** One dispatched event as text, before its data is decoded. */
export interface Frame {
  /** The event's name; `message` if it has none. */
  event: string
  data: string
  /** The id of this very event, if it has one. */
  id: string | undefined
}

/** A frame together with the last id as of this event. */
export interface IdentifiedFrame extends Frame {
  lastEventId: string
}

/** The body of a response: a web stream's reader, or an async iterator. */
export interface Chunks {
  pull (): Promise<{ done?: boolean | undefined, value?: string | Uint8Array | undefined }>
  cancel (): Promise<unknown>
}

/** The `maxEventSize` of `connect` and `parse`, unless they are given one. */
const MAX_EVENT_SIZE = 4 * 2 ** 20

/** What the parser may hold back beside the data of an event, in characters: field names and the lines of its id and name. */
const FIELDS_SIZE = 4096

/**
 * Parses the bytes of one connection. An event that is incomplete at the end is dropped (HTML, section 9.2.6).
 *
 * A chunk is pulled only after every event of the last one was taken, so that a slow loop holds back the server.
 *
 * @param chunks cancelled in the end
 * @param maxEventSize characters
 * @param onRetry gets the server's reconnection time in ms
 * @throws EventSizeError
 */
export async function * framesOf ({ pull, cancel }: Chunks, maxEventSize = MAX_EVENT_SIZE, onRetry?: (ms: number) => void): AsyncGenerator<Frame, void, undefined> {
  const decoder = new TextDecoder()
  const frames: Frame[] = []
  let isTooLarge = false
  const parser = createParser({
    maxBufferSize: maxEventSize + FIELDS_SIZE,
    onEvent ({ event = 'message', data, id }) {
      // The parser measures only what it holds back: an event may come whole.
      isTooLarge ||= data.length > maxEventSize
      if (!isTooLarge) frames.push({ event, data, id })
    },
    onError (error) { isTooLarge ||= error.type === 'max-buffer-size-exceeded' },
    onRetry
  })
  let isAfterCr = false
  try {
    for (;;) {
      const { done, value } = await pull()
      let text = done ? decoder.decode() : typeof value === 'string' ? value : decoder.decode(value, { stream: true })
      if (text !== '') {
        // The parser waits after a CR at the end of a chunk, which may be half of a CRLF. It ends the line either way.
        if (isAfterCr && text[0] === '\n') text = text.slice(1)
        isAfterCr = text.endsWith('\r')
        parser.feed(isAfterCr ? text + '\n' : text)
      }
      yield * frames.splice(0)
      if (isTooLarge) throw new EventSizeError(maxEventSize)
      if (done) return
    }
  } finally {
    await cancel().catch(() => { /* pull has already thrown it, or nobody waits for it */ })
  }
}
