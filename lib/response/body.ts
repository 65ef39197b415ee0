import { Readable } from 'node:stream'
import { breakAfter, type Outlet, type RawResponse, ReadableOutlet, ResponseOutlet } from './outlet.ts'

/** What the body tells the stream that it is the body of. */
export interface BodyEvents {
  /** It is being read, or piped: the stream may begin. */
  onOutlet (outlet: Outlet): void
  /** The response, or the reader, wants more. */
  onWanted (): void
}

/**
 * The payload for `reply.send`. Piped into the raw response, which is what Fastify does with a stream, it steps aside:
 * the outlet writes to the response itself, and the body is over for Fastify. Anything else that reads it, such as a
 * compressor put in by an `onSend` hook, gets an ordinary Readable.
 */
export class Body extends Readable {
  readonly #raw: RawResponse
  readonly #events: BodyEvents
  #isOpen = false

  constructor (raw: RawResponse, events: BodyEvents) {
    super({ highWaterMark: 16 * 1024 })
    this.#raw = raw
    this.#events = events
  }

  override pipe<T extends NodeJS.WritableStream> (destination: T, options?: { end?: boolean | undefined }): T {
    // With trailers (`end: false`) Fastify ends the response itself, once the body has ended.
    if (destination as unknown !== this.#raw || options?.end === false || this.#isOpen) return super.pipe(destination, options)
    this.#isOpen = true
    this.push(null)
    this.resume()
    this.#events.onOutlet(new ResponseOutlet(this.#raw, () => this.#events.onWanted()))
    return destination
  }

  override _read (): void {
    if (this.#isOpen) this.#events.onWanted()
    else {
      this.#isOpen = true
      this.#events.onOutlet(new ReadableOutlet(this))
    }
  }

  /**
   * Fails. Where somebody handles the body's errors and nothing was sent, it is destroyed with one, which leads to an
   * HTTP error. Otherwise it ends, so that a compressor flushes, and the response is broken off in place of its end: an
   * error would discard what the compressor holds, and where the body is only piped on, it would end the process.
   */
  fail (): void {
    if (!this.#raw.headersSent && this.listenerCount('error') > 0) {
      this.destroy(new Error('The source of the stream failed'))
      return
    }
    const raw = this.#raw
    raw.end = () => {
      breakAfter(raw, '')
      return raw as never
    }
    this.push(null)
  }
}
