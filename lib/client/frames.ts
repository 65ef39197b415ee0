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
