// A streamed response and its ends: the first of them counts, and decides what becomes of the response and the source. How
// a stream opens, and what is written to it, is in session.ts: one object, in two classes.
import { SSE_ERR_ALREADY_SENT, SSE_ERR_CLIENT_GONE, SSE_ERR_SHUTDOWN } from '../errors.ts'
import { type Frames, Outgoing } from '../wire/frames.ts'
import { isAbort, unlessAbort } from './aborted.ts'
import { type Following } from './feed.ts'
import { abort, connectionOf, onFinish, type Outlet, type RawResponse, wasAborted, wasSent } from './outlet.ts'
import { type Pump } from './pump.ts'
import { type CloseReason, type OpenSession, type ReplyPort, type SessionConfig, type Summary } from './reply-port.ts'
import { mayFollow, type State } from './state.ts'

/** How long a response that ended during shutdown may take to leave, beyond the grace of any other, ms. */
const FLUSH_GRACE = 250

const kResponse = Symbol('sse.response')

export abstract class StreamedResponse implements OpenSession {
  protected readonly raw: RawResponse & { [kResponse]?: StreamedResponse }
  protected readonly config: SessionConfig
  protected readonly port: ReplyPort
  protected state: State = 'opening'
  /** What writes: a pump or, for a log, a following. */
  protected pump: Pump | undefined
  protected following: Following | undefined
  protected outlet: Outlet | undefined
  /** When the pump's first event was written, on the clock of `performance.now()`; 0 before. */
  protected firstEventAt = 0
  readonly #startedAt = performance.now()
  #reason: CloseReason | undefined
  /** What the client is told as soon as there is an outlet. */
  #failure: { readonly error: unknown } | undefined
  /** All of a response that was ended has left. */
  #isFlushed = false
  /** The server closes; the source may still finish. */
  #isDraining = false
  /** The source may know that the server closes, so its end may be no end of what it has to say. */
  #isWarned = false
  #cutTimer: NodeJS.Timeout | undefined
  #closed: { readonly promise: Promise<void>, readonly settle: () => void } | undefined

  constructor (raw: RawResponse, config: SessionConfig, port: ReplyPort) {
    this.raw = raw
    this.config = config
    this.port = port
    config.registry.add(this)
    this.raw[kResponse] = this
    raw.on('close', StreamedResponse.#onRawClose)
  }

  /** Resolves when the raw response is closed. Made on demand: most streams are never awaited. */
  get closed (): Promise<void> {
    if (this.state === 'closed') return Promise.resolve()
    if (this.#closed === undefined) {
      let settle!: () => void
      this.#closed = { promise: new Promise<void>(resolve => { settle = resolve }), settle }
    }
    return this.#closed.promise
  }

  /** The source has ended. */
  onEnd (): void {
    // A source that nobody told of the shutdown has said all it had to say.
    if (this.#isWarned) this.cut('shutdown')
    else this.finish('complete')
  }

  /** The source failed. */
  onError (error: unknown): void {
    if (this.#isDraining && isAbort(error)) this.cut('shutdown')
    else this.failWith(error, 'error')
  }

  /** The feed has ended, which it does only while this is streaming: it is stopped with it. */
  end (last: Frames | null, isGood: boolean): void {
    if (last !== null) {
      this.outlet!.bytes += last.byteLength
      this.outlet!.writeFrames(last)
    }
    if (isGood) this.finish('complete')
    else this.#abandon('error')
  }

  /** The feed failed, or the handler after `reply.sse`. After our own abort its AbortError is expected. */
  fail (error: unknown): void {
    if (isAbort(error) && (this.#isDraining || this.#reason !== undefined)) return
    if (mayFollow('failed', this.state)) this.failWith(error, 'error')
    else this.port.warn(error, 'handler failed after its stream was over')
  }

  shutdown (): Promise<void> {
    const { raw, closed } = this
    const connection = connectionOf(raw)
    this.#isDraining = true
    this.#isWarned = this.port.abort(SSE_ERR_SHUTDOWN)
    if (this.state === 'opening') this.failWith(new SSE_ERR_SHUTDOWN(), 'error')
    // A log goes on elsewhere: there is nothing to finish here.
    if (this.following !== undefined) this.cut('shutdown')
    const grace = setTimeout(() => {
      if (this.outlet === undefined || this.pump?.isBlocked === true) abort(raw)
      else this.cut('shutdown')
      setTimeout(abort, FLUSH_GRACE, raw).unref()
    }, this.config.options.shutdownGrace)
    return closed.then(() => {
      clearTimeout(grace)
      connection?.close()
    })
  }

  /** Moves on to a state, unless the stream came to another end before. */
  protected enter (next: State): boolean {
    if (!mayFollow(next, this.state)) return false
    this.state = next
    return true
  }

  /** Ends well, a stream that opens or streams; without an outlet, it is a 204. */
  protected finish (reason: CloseReason): void {
    this.state = 'ending'
    this.#reason = reason
    const sentinel = reason === 'complete' && this.pump !== undefined ? this.config.sentinel : ''
    onFinish(this.raw, StreamedResponse.#onRawFinish)
    // A feed may end before its headers have left. Node would send them with a length of 0, not in chunks.
    if (this.pump === undefined) this.outlet?.open()
    this.outlet?.end(this.#rest.take() + sentinel)
    this.release()
  }

  /** Ends what the server cuts short: well only if the client can tell. */
  protected cut (reason: CloseReason): void {
    if (this.state !== 'streaming') return
    const isTold = this.following !== undefined || this.config.sentinel !== '' || this.pump!.out.isResumable
    if (isTold) this.finish(reason)
    else this.#abandon(reason)
    this.#cutLater()
  }

  /** Breaks off without a word, a stream that streams. */
  #abandon (reason: CloseReason): void {
    this.state = 'failed'
    this.#reason = reason
    this.#breakOff(this.#rest)
  }

  /** Tells the client of a failure: by an HTTP error before the headers, then by an event before it breaks off. */
  protected failWith (error: unknown, reason: CloseReason): void {
    const { state } = this
    if (!this.enter('failed')) return
    this.#reason = reason
    if (state === 'opening') {
      this.release()
      this.port.sendError(error)
      return
    }
    this.#failure = { error }
    if (state === 'streaming') this.sendFailure()
  }

  /** Tells of what failed, through the outlet. */
  protected sendFailure (): void {
    const { error } = this.#failure!
    const out = this.#rest
    this.port.writeError(error, out)
    this.#breakOff(out)
    // Last, because logging may fail.
    this.port.onFailure(error)
  }

  #breakOff (out: Outgoing): void {
    this.outlet!.fail(out.take())
    this.release()
    this.#cutLater()
  }

  /** A client that does not read would keep the response, which has no more to say, for ever. */
  #cutLater (): void {
    this.#cutTimer ??= setTimeout(abort, this.config.options.shutdownGrace + FLUSH_GRACE, this.raw)
  }

  /** What waits to be written. */
  get #rest (): Outgoing {
    return this.pump?.out ?? new Outgoing()
  }

  /** Frees the source and the listeners. */
  protected release (): void {
    if (this.firstEventAt === 0 && this.#rest.events > 0) this.firstEventAt = performance.now()
    this.outlet?.close()
    if (this.pump?.isOver === false) this.pump.stop(unlessAbort(this.port.lateWarning()))
    this.following?.stop()
  }

  static #onRawFinish (this: RawResponse & { [kResponse]?: StreamedResponse }): void {
    this[kResponse]!.#isFlushed = wasSent(this)
  }

  static #onRawClose (this: RawResponse & { [kResponse]?: StreamedResponse }): void {
    this[kResponse]!.close()
  }

  /** The raw response is closed, or never will be: its connection was before its turn. */
  protected close (): void {
    const wasOpening = this.state === 'opening'
    if (!this.enter('closed')) return
    if (wasOpening && this.raw.headersSent) this.port.warn(new SSE_ERR_ALREADY_SENT(), 'stream was never sent: the reply was answered otherwise')
    const isCut = this.#reason === 'complete' && (!this.#isFlushed || wasAborted(this.raw))
    if (isCut || this.#reason === undefined) this.#reason = this.#isDraining ? 'shutdown' : 'client'
    this.release()
    this.#cutTimer = clear(this.#cutTimer)
    this.config.registry.delete(this)
    if (this.#reason === 'client') this.port.abort(SSE_ERR_CLIENT_GONE)
    if (this.outlet === undefined && this.#failure !== undefined) this.port.warn(this.#failure.error, 'stream failed, and was never sent')
    this.port.onClose(this.outlet === undefined ? undefined : this.#summary(this.outlet))
    this.#closed?.settle()
  }

  #summary ({ bytes }: Outlet): Summary {
    const { events, firstAt, bytes: followed } = this.following ?? { events: this.pump!.out.events, firstAt: this.firstEventAt, bytes: 0 }
    return {
      reason: this.#reason!,
      events,
      bytes: bytes + followed,
      duration: performance.now() - this.#startedAt,
      firstEvent: firstAt === 0 ? undefined : firstAt - this.#startedAt
    }
  }
}

/** Clears a timer; its place is emptied, because even a cleared one retains its session. */
export function clear (timer: NodeJS.Timeout | undefined): undefined {
  clearTimeout(timer)
}
