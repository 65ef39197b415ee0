import { SSE_ERR_CLIENT_GONE, SSE_ERR_FIRST_EVENT_TIMEOUT, SSE_ERR_MAX_DURATION, SSE_ERR_SHUTDOWN } from '../errors.ts'
import { decide } from './options.ts'
import { HEARTBEAT, retryLine } from '../wire/frame.ts'
import { isAbort, unlessAbort } from './aborted.ts'
import { Body } from './body.ts'
import { type CloseReason, type Host, type Setting, type Summary } from './reply-port.ts'
import { abort, connectionOf, onceSent, type Outlet, wasAborted } from './outlet.ts'
import { Pump } from './pump.ts'
import { discard, open } from './source.ts'
import { awaitTurn, isQueued, onceClosed } from './turn.ts'

/** How long a response that ended during shutdown may take to leave, beyond the grace of any other, ms. */
const FLUSH_GRACE = 250

/** One streamed response, from `reply.sse` to the close of the raw response. */
export class Session {
  lastByteAt = 0
  /** Resolves when the raw response is closed. */
  readonly closed: Promise<void>
  readonly #setting: Setting
  readonly #pump: Pump
  readonly #startedAt = performance.now()
  readonly #host: Host
  #firstEventAt: number | undefined
  #outlet: Outlet | undefined
  /** The framework was given an answer: the body, or one without it. */
  #isAnswered = false
  #isOver = false
  /** All of a response that was ended has left. */
  #isFlushed = false
  #reason: CloseReason | undefined
  /** What the client is told when the body is asked for. */
  #failure: { error: unknown } | undefined
  /** The signal fired; the source may still finish. */
  #isDraining = false
  #startTimer: NodeJS.Timeout | undefined
  /** Of the duration, then of what was sent at the end and has not left. */
  #endTimer: NodeJS.Timeout | undefined

  constructor (setting: Setting, host: Host) {
    this.#setting = setting
    this.#host = host
    this.#pump = new Pump(setting.encoder, this)
    this.closed = new Promise(resolve => { onceClosed(setting.raw, () => { this.#close(); resolve() }) })
  }

  /**
   * Opens the source and streams it, once the response's turn on its connection has come.
   *
   * @param give gives the source, or a promise of it
   */
  start (give: () => unknown): void {
    if (isQueued(this.#setting.raw)) awaitTurn(this.#setting.raw, () => this.#start(give), () => {})
    else this.#start(give)
  }

  #start (give: () => unknown): void {
    if (this.#reason !== undefined) return
    try {
      this.#open(give())
    } catch (error) {
      this.#fail(error)
    }
  }

  #open (source: unknown): void {
    const { commitAfter } = this.#setting.options
    if (source instanceof Promise) source.then(given => this.#begin(given)).catch(this.#fail)
    else this.#begin(source)
    if (commitAfter === 0) this.#commit()
    else if (commitAfter !== Infinity && !this.#isAnswered) this.#startTimer = setTimeout(this.#commit, commitAfter)
  }

  /** A frame is ready while nothing was sent. */
  onFrame (): void {
    this.#commit()
  }

  onEnd (): void {
    this.#end(this.#isDraining ? 'shutdown' : 'complete')
  }

  onError (error: unknown): void {
    if (this.#isDraining && isAbort(error)) this.#end('shutdown')
    else this.#fail(error)
  }

  onInvalid (error: unknown, item: unknown): boolean {
    try {
      if (decide(this.#setting.options.onInvalid, error as Error, item) === 'skip') {
        this.#host.warn(error, 'invalid event dropped')
        return true
      }
      this.#fail(error, 'invalid')
    } catch (thrown) {
      this.#fail(thrown)
    }
    return false
  }

  onOutlet (outlet: Outlet): void {
    const { options, heartbeats, firstEventWithin } = this.#setting
    if (this.#isOver) return
    this.#outlet = outlet
    this.#host.opened()
    if (this.#failure !== undefined) return this.#breakOff(this.#failure.error)
    if (this.#reason === undefined) {
      if (options.heartbeat !== false) heartbeats.add(this, options.heartbeat)
      if (options.maxDuration !== undefined) this.#endTimer = setTimeout(this.#expire, options.maxDuration * (1 - Math.random() / 10))
      if (firstEventWithin !== undefined) this.#startTimer = setTimeout(() => this.#fail(new SSE_ERR_FIRST_EVENT_TIMEOUT(firstEventWithin)), firstEventWithin)
    }
    const hasEnded = this.#reason !== undefined
    // A source that never waits may be over, well or not, before this returns.
    this.#pump.attach(this, options.retry === undefined ? '' : retryLine(options.retry))
    if (hasEnded) this.#finish()
    else if (this.#reason === undefined && !this.#pump.hasText) outlet.open()
  }

  onWanted (): void {
    if (this.#reason === undefined) this.#pump.resume()
  }

  /** The pump's sink. */
  write (text: string): boolean {
    if (this.#firstEventAt === undefined && this.#pump.events > 0) this.#markFirstEvent()
    this.lastByteAt = this.#setting.heartbeats.now
    return this.#outlet!.write(text)
  }

  beat (): void {
    if (!this.#pump.isBlocked) this.#pump.write(HEARTBEAT)
  }

  /** A failure that is not of the source: the handler threw after `reply.sse`. By the signal it may, as the source may. */
  fail (error: unknown): void {
    if (isAbort(error) && (this.#isDraining || this.#reason !== undefined)) return
    if (this.#reason !== undefined) this.#host.warn(error, 'handler failed after its stream was over')
    else this.#fail(error)
  }

  /** Fires the signal, gives the source its grace, then ends; resolves when the response is closed. */
  shutdown (): Promise<void> {
    const { raw, options } = this.#setting
    const connection = connectionOf(raw)
    this.#isDraining = true
    this.#host.abort(SSE_ERR_SHUTDOWN)
    if (!this.#isAnswered) this.#fail(new SSE_ERR_SHUTDOWN())
    const grace = setTimeout(() => {
      if (this.#pump.isBlocked || this.#outlet === undefined) abort(raw)
      else this.#end('shutdown')
      setTimeout(abort, FLUSH_GRACE, raw).unref()
    }, options.shutdownGrace)
    return this.closed.then(() => {
      clearTimeout(grace)
      connection?.close()
    })
  }

  #begin (source: unknown): void {
    if (this.#reason !== undefined) return discard(source)
    if (source !== null && source !== undefined) return this.#pump.start(open(source))
    if (this.#isAnswered) this.#end('complete')
    else this.#answer(() => this.#host.sendNothing())
  }

  readonly #commit = (): void => {
    if (!this.#isAnswered) this.#answer(() => this.#host.send(new Body(this.#setting.raw, this)))
  }

  #answer (send: () => void): void {
    this.#isAnswered = true
    clearTimeout(this.#startTimer)
    try {
      send()
    } catch (error) {
      // Such as a header that cannot be written: nothing was sent.
      this.#isAnswered = false
      this.#reason = undefined
      this.#fail(error)
    }
  }

  readonly #expire = (): void => {
    this.#host.abort(SSE_ERR_MAX_DURATION)
    this.#end('maxDuration')
    this.#cutLater()
  }

  #end (reason: CloseReason): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    if (this.#outlet !== undefined) this.#finish()
    else this.#commit()
  }

  #finish (): void {
    const text = this.#pump.take() + (this.#reason === 'complete' ? this.#setting.sentinel : '')
    this.#release()
    if (this.#firstEventAt === undefined && this.#pump.events > 0) this.#markFirstEvent()
    onceSent(this.#setting.raw, () => { this.#isFlushed = true })
    this.#outlet!.end(text)
  }

  readonly #fail = (error: unknown, reason: CloseReason = 'error'): void => {
    if (this.#reason !== undefined) return
    this.#reason = reason
    if (this.#outlet !== undefined) return this.#breakOff(error)
    if (this.#isAnswered) this.#failure = { error }
    else {
      this.#isAnswered = true
      this.#release()
      this.#host.sendError(error)
    }
  }

  #breakOff (error: unknown): void {
    const text = this.#pump.take() + this.#host.errorFrame(error)
    this.#release()
    // Before the log, which may fail.
    this.#outlet!.fail(text)
    this.#cutLater()
    this.#host.failed(error)
  }

  /** A client that reads no more would keep the response, which has no more to tell, for ever. */
  #cutLater (): void {
    this.#endTimer = setTimeout(abort, this.#setting.options.shutdownGrace + FLUSH_GRACE, this.#setting.raw)
  }

  #markFirstEvent (): void {
    this.#firstEventAt = performance.now()
    clearTimeout(this.#startTimer)
  }

  /** Lets go of the source, the timers and the listeners. */
  #release (): void {
    clearTimeout(this.#startTimer)
    clearTimeout(this.#endTimer)
    this.#setting.heartbeats.delete(this)
    this.#outlet?.close()
    this.#pump.stop(unlessAbort(this.#host.lateWarning()))
  }

  #close (): void {
    const isCut = this.#reason === 'complete' && (!this.#isFlushed || wasAborted(this.#setting.raw))
    if (isCut || this.#reason === undefined) this.#reason = this.#isDraining ? 'shutdown' : 'client'
    this.#isOver = true
    this.#release()
    if (this.#reason === 'client') this.#host.abort(SSE_ERR_CLIENT_GONE)
    if (this.#outlet === undefined && this.#failure !== undefined) this.#host.warn(this.#failure.error, 'stream failed, and was never sent')
    this.#host.closed(this.#outlet === undefined ? undefined : this.#summary())
    this.#outlet = undefined
  }

  #summary (): Summary {
    const now = performance.now()
    return {
      reason: this.#reason!,
      events: this.#pump.events,
      bytes: this.#outlet!.bytes,
      duration: now - this.#startedAt,
      firstEvent: this.#firstEventAt === undefined ? undefined : this.#firstEventAt - this.#startedAt
    }
  }
}
