// The payload for `reply.send`, which steps aside where Fastify pipes it into the raw response.
import { Readable } from 'node:stream'
import { hasNoBody, reframe } from './framing.ts'
import { breakAfter, type Outlet, type OutletOwner, type RawResponse, ReadableOutlet, ResponseOutlet } from './outlet.ts'

/** The stream that a body is the body of. */
export interface BodyOwner extends OutletOwner {
  /** The body is being read or piped: the stream may begin. */
  onOutlet (outlet: Outlet): void
}

/** The events of a response that `stream.finished()` of Node listens to. */
const FINISHED = ['end', 'finish', 'error', 'close', 'aborted'] as const

/** For a body that nobody has asked for its `close`: no listener of the response came after it. */
const NONE_ADDED: readonly number[] = FINISHED.map(() => Infinity)

/**
 * The payload for `reply.send`. Piped into the raw response, which is what Fastify does with a stream, it steps aside:
 * the outlet writes to the response itself, and the body has ended for Fastify. Anything else that reads it, such as a
 * compressor put in by an `onSend` hook, gets an ordinary Readable.
 */
export class Body extends Readable {
  readonly #raw: RawResponse
  readonly #owner: BodyOwner
  #isOpen = false
  /** How many listeners the response had for each of {@link FINISHED} when the body got its last `close` listener. */
  #counts: readonly number[] = NONE_ADDED

  constructor (raw: RawResponse, owner: BodyOwner) {
    super({ highWaterMark: 16 * 1024 })
    this.#raw = raw
    this.#owner = owner
  }

  override on (name: string | symbol, listener: (...args: never[]) => void): this {
    super.on(name, listener as () => void)
    if (name === 'close') this.#counts = FINISHED.map(event => this.#raw.listenerCount(event))
    return this
  }

  override pipe<T extends NodeJS.WritableStream> (destination: T, options?: { end?: boolean | undefined }): T {
    if (destination as unknown !== this.#raw) return super.pipe(destination, options)
    reframe(this.#raw)
    // Fastify sends trailers when the body ends, so the body must not end before its last event.
    const hasTrailers = options?.end === false || this.#raw.hasHeader('trailer')
    if (hasTrailers || this.#isOpen) return super.pipe(destination, options)
    this.#isOpen = true
    if (this.#isWatched()) {
      this.push(null)
      this.resume()
    }
    this.#letGo()
    // A hook has set a 304, say. The close of the response ends the stream.
    if (hasNoBody(this.#raw.statusCode)) this.#raw.end()
    else this.#owner.onOutlet(new ResponseOutlet(this.#raw, this.#owner))
    return destination
  }

  override _read (): void {
    if (this.#isOpen) this.#owner.onWanted()
    else {
      this.#isOpen = true
      this.#owner.onOutlet(new ReadableOutlet(this))
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

  /**
   * Whether anybody besides Fastify, which adds one listener for each, listens for the body's end: an `onSend` hook, say.
   * Ending a Readable takes three microtasks, and a tenth of the CPU of a short stream.
   */
  #isWatched (): boolean {
    return this.listenerCount('end') > 1 || this.listenerCount('close') > 1
  }

  /**
   * Takes the listeners off the response through which Fastify would destroy this body when the response closes: after
   * those of the body itself, which it adds just before, they are the last. The body has ended, so they have no use, and
   * for as long as the stream is open they would retain it: 2.4 KB, which is a fifth of an idle stream.
   */
  #letGo (): void {
    for (let i = 0; i < FINISHED.length; i++) {
      const event = FINISHED[i]!
      const listeners = this.#raw.listeners(event)
      for (let at = this.#counts[i]!; at < listeners.length; at++) this.#raw.removeListener(event, listeners[at] as () => void)
    }
    // One of them handled errors of the response, such as that of a write after its connection was lost.
    this.#raw.on('error', ignore)
  }
}

function ignore (): void { /* the response's close tells what there is to tell */ }
