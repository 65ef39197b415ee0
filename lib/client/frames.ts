import { createParser } from 'eventsource-parser'

/** One dispatched event as text, before its data is decoded. */
export interface Frame {
  /** The event's name, `message` where it has none. */
  event: string
  data: string
  /** The id that stands in this very event, if any. */
  id: string | undefined
}

/** The body of a response: a web stream's reader, or an async iterator. */
export interface Chunks {
  pull (): Promise<{ done?: boolean | undefined, value?: string | Uint8Array | undefined }>
  cancel (): Promise<unknown>
}

/**
 * Parses the bytes of one connection. What is incomplete at the end is dropped, as the standard says.
 *
 * @param chunks a chunk is pulled only when every event so far was taken; cancelled in the end
 * @param onRetry gets the server's reconnection time in ms
 */
export async function * framesOf ({ pull, cancel }: Chunks, onRetry?: (ms: number) => void): AsyncGenerator<Frame, void, undefined> {
  const decoder = new TextDecoder()
  const frames: Frame[] = []
  const parser = createParser({ onEvent: frame => { frame.event ??= 'message'; frames.push(frame as Frame) }, onRetry })
  let isAfterCr = false
  try {
    for (;;) {
      const { done, value } = await pull()
      let text = done ? decoder.decode() : typeof value === 'string' ? value : decoder.decode(value, { stream: true })
      if (text !== '') {
        // The parser holds back a CR at the end of a chunk, for it may be half of a CRLF. It ends the line either way.
        if (isAfterCr && text[0] === '\n') text = text.slice(1)
        isAfterCr = text.endsWith('\r')
        parser.feed(isAfterCr ? text + '\n' : text)
      }
      yield * frames.splice(0)
      if (done) return
    }
  } finally {
    await cancel().catch(() => { /* what it would tell of was thrown by the pull, or no one waits for it */ })
  }
}
