// One streamed response, from `reply.sse` to the close of the raw response.
//
// The way of the first frame: the pump (or nothing, for a feed) says that it is ready -> #answer gives the framework a
// body -> the framework pipes it, at once or after the app's onSend hooks -> onOutlet -> #stream attaches the pump, or
// lets the feed follow, and both write straight to the outlet from there on.
import { type Socket } from 'node:net'
import { SSE_ERR_CLIENT_GONE, SSE_ERR_FIRST_EVENT_TIMEOUT, SSE_ERR_MAX_DURATION, SSE_ERR_SHUTDOWN } from '../errors.ts'
import { END, HEARTBEAT, retryLine } from '../wire/frame.ts'
import { Frames, Outgoing } from '../wire/frames.ts'
import { isAbort, unlessAbort } from './aborted.ts'
import { Body, type BodyOwner } from './body.ts'
import { type Feed, type FeedSink, type Following, isFeed } from './feed.ts'
import { type HeartbeatTarget } from './heartbeat.ts'
import { decide, drawRetry } from './options.ts'
import { abort, connectionOf, isGone, onceSent, type Outlet, type RawResponse, wasAborted } from './outlet.ts'
import { Pump, type PumpOwner } from './pump.ts'
import { type CloseReason, type OpenSession, type ReplyPort, type SessionConfig, type Summary } from './reply-port.ts'
import { discard, openIterator } from './source.ts'
import { mayFollow, type State } from './state.ts'
import { awaitTurn, isQueued } from './turn.ts'

/** How long a response that ended during shutdown may take to leave, beyond the grace of any other, ms. */
const FLUSH_GRACE = 250

const BEAT = Frames.of(HEARTBEAT, 0)

const kSession = Symbol('sse.session')

export class Session implements PumpOwner, BodyOwner, FeedSink, HeartbeatTarget, OpenSession {
  readonly #raw: RawResponse & { [kSession]?: Session }
  readonly #config: SessionConfig
  readonly #port: ReplyPort
  readonly #firstEventWithin: number | undefined
  readonly #startedAt = performance.now()
  #state: State = 'opening'
  #reason: CloseReason | undefined
  #pump: Pump | undefined
  #feed: Feed | undefined
  #following: Following | undefined
  #outlet: Outlet | undefined
  /** What the client is told as soon as there is an outlet. */
  #failure: { readonly error: unknown } | undefined
  #writtenAt = 0
  #firstEventAt = 0
  /** All of a response that was ended has left. */
  #isFlushed = false
  /** The server closes; the source may still finish. */
  #isDraining = false
  /** The source may know that the server closes, so its end may be no end of what it has to say. */
  #isWarned = false
  #commitTimer: NodeJS.Timeout | undefined
  #firstEventTimer: NodeJS.Timeout | undefined
  #durationTimer: NodeJS.Timeout | undefined
  #cutTimer: NodeJS.Timeout | undefined
  #closed: { readonly promise: Promise<void>, readonly settle: () => void } | undefined

  /** @param firstEventWithin how long the first event may take, ms */
  constructor (raw: RawResponse, config: SessionConfig, port: ReplyPort, firstEventWithin: number | undefined) {
    this.#raw = raw
    this.#config = config
    this.#port = port
    this.#firstEventWithin = firstEventWithin
    config.registry.add(this)
    this.#raw[kSession] = this
    raw.on('close', Session.#onRawClose)
  }

  /** Resolves when the raw response is closed. Made on demand: most streams are never awaited. */
  get closed (): Promise<void> {
    if (this.#state === 'closed') return Promise.resolve()
    if (this.#closed === undefined) {
      let settle!: () => void
      this.#closed = { promise: new Promise<void>(resolve => { settle = resolve }), settle }
    }
    return this.#closed.promise
  }

  /**
   * Opens the source and streams it, once the response's turn on its connection has come.
   *
   * @param open gives the source, a feed, null for a 204, or a promise of these
   */
  start (open: () => unknown): void {
    if (isQueued(this.#raw)) awaitTurn(this.#raw, () => this.#open(open), () => this.#close())
    else this.#open(open)
  }

  #open (open: () => unknown): void {
    if (this.#state !== 'opening' || isGone(this.#raw)) return
    try {
      const given = open()
      if (given instanceof Promise) given.then(source => this.#begin(source)).catch((error: unknown) => this.onError(error))
      else this.#begin(given)
    } catch (error) {
      this.onError(error)
    }
  }

  /** @throws SSE_ERR_SOURCE for what cannot be iterated */
  #begin (given: unknown): void {
    if (this.#state !== 'opening') return discard(given)
    if (given === null || given === undefined) return this.#answerNothing()
    if (isFeed(given)) {
      this.#feed = given
      return this.#answer()
    }
    this.#pump = new Pump(this.#config.encoder, this)
    this.#pump.start(openIterator(given))
    if (this.#state !== 'opening') return
    const { commitAfter } = this.#config.options
    if (commitAfter === 0) this.#answer()
    else if (commitAfter !== Infinity) this.#commitTimer = setTimeout(Session.#onCommit, commitAfter, this)
  }

  static #onCommit (session: Session): void {
    session.#answer()
  }

  /** The pump has its first frame, or its source ended without one. */
  onReady (): void {
    if (this.#state === 'opening') this.#answer()
  }

  #answer (): void {
    this.#commitTimer = clear(this.#commitTimer)
    try {
      this.#port.send(new Body(this.#raw, this))
    } catch (error) {
      // Such as a header that cannot be written: nothing was sent.
      return this.#fail(error, 'error')
    }
    // Without hooks that wait, the body was piped by now.
    if (this.#outlet !== undefined) this.#stream(this.#outlet)
    else this.#enter('answering')
  }

  #answerNothing (): void {
    try {
      this.#port.sendNothing()
    } catch (error) {
      return this.#fail(error, 'error')
    }
    this.#end('complete')
  }

  onOutlet (outlet: Outlet): void {
    if (this.#state === 'closed') return
    this.#outlet = outlet
    if (this.#state !== 'opening') this.#stream(outlet)
  }

  #stream (outlet: Outlet): void {
    this.#port.onOpen()
    if (!this.#enter('streaming')) return this.#breakOff(this.#failure!.error)
    this.#startTimers()
    const retry = drawRetry(this.#config.options.retry)
    if (this.#feed !== undefined) return this.#follow(this.#feed, outlet, retry)
    const pump = this.#pump!
    // A frame of its own: some SDKs drop an event that begins with it.
    if (retry !== undefined) pump.out.prepend(retryLine(retry) + END)
    pump.attach()
    if (this.#state === 'streaming' && pump.out.length === 0) outlet.open()
  }

  #follow (feed: Feed, outlet: Outlet, retry: number | undefined): void {
    if (retry === undefined) outlet.open()
    else outlet.write(outgoing(retryLine(retry) + END))
    this.#following = feed.follow(this)
    // It may have ended before it returned.
    if (this.#state !== 'streaming') this.#following.stop()
  }

  #startTimers (): void {
    const { options, heartbeats } = this.#config
    if (options.heartbeat !== false) {
      heartbeats.add(this, options.heartbeat)
      this.#writtenAt = heartbeats.now
    }
    // Less up to a tenth, so that clients do not come back all at once.
    if (options.maxDuration !== undefined) this.#durationTimer = setTimeout(Session.#onDuration, options.maxDuration * (1 - Math.random() / 10), this)
    // A log may have nothing to say for as long as it likes.
    if (this.#firstEventWithin !== undefined && this.#feed === undefined) this.#firstEventTimer = setTimeout(Session.#onFirstEventTimeout, this.#firstEventWithin, this)
  }

  static #onDuration (session: Session): void {
    session.#port.abort(SSE_ERR_MAX_DURATION)
    session.#cut('maxDuration')
  }

  static #onFirstEventTimeout (session: Session): void {
    session.#fail(new SSE_ERR_FIRST_EVENT_TIMEOUT(session.#firstEventWithin!), 'error')
  }

  onOutgoing (out: Outgoing): boolean {
    if (this.#firstEventAt === 0 && out.events > 0) this.#markFirstEvent()
    this.#writtenAt = this.#config.heartbeats.now
    return this.#outlet!.write(out)
  }

  onWanted (): void {
    if (this.#state !== 'streaming') return
    this.#pump?.resume()
    this.#following?.resume()
  }

  get direct (): Socket | null {
    return this.#outlet?.direct ?? null
  }

  writeFrames (frames: Frames): boolean {
    return this.#outlet!.writeFrames(frames)
  }

  onBlocked (): void {
    this.#outlet!.onBlocked()
  }

  /** When something was last written, on the clock of the heartbeats. */
  get lastByteAt (): number {
    return this.#following === undefined ? this.#writtenAt : Math.max(this.#writtenAt, this.#following.lastAt)
  }

  beat (): void {
    const writer = this.#pump ?? this.#following
    if (writer!.isBlocked) return
    const frames = this.#following?.beat?.() ?? BEAT
    this.#outlet!.bytes += frames.byteLength
    this.#writtenAt = this.#config.heartbeats.now
    this.#outlet!.writeFrames(frames)
  }

  onInvalid (error: unknown, item: unknown): boolean {
    try {
      if (decide(this.#config.options.onInvalid, error as Error, item) === 'skip') {
        this.#port.warn(error, 'invalid event dropped')
        return true
      }
      this.#fail(error, 'invalid')
    } catch (thrown) {
      this.#fail(thrown, 'error')
    }
    return false
  }

  onEnd (): void {
    // A source that nobody told of the shutdown has said all it had to say.
    if (this.#isWarned) this.#cut('shutdown')
    else this.#end('complete')
  }

  onError (error: unknown): void {
    if (this.#isDraining && isAbort(error)) this.#cut('shutdown')
    else this.#fail(error, 'error')
  }

  /** The feed has ended. */
  end (last: Frames | null, isGood: boolean): void {
    const out = outgoing('')
    if (last !== null) out.add(last)
    if (isGood) this.#end('complete', out)
    else this.#abandon(out, 'error')
  }

  /** The feed failed, or the handler after `reply.sse`. After our own abort its AbortError is expected. */
  fail (error: unknown): void {
    if (isAbort(error) && (this.#isDraining || this.#reason !== undefined)) return
    if (mayFollow('failed', this.#state)) this.#fail(error, 'error')
    else this.#port.warn(error, 'handler failed after its stream was over')
  }

  shutdown (): Promise<void> {
    const raw = this.#raw
    const connection = connectionOf(raw)
    const { closed } = this
    this.#isDraining = true
    this.#isWarned = this.#port.abort(SSE_ERR_SHUTDOWN)
    if (this.#state === 'opening') this.#fail(new SSE_ERR_SHUTDOWN(), 'error')
    // A log goes on elsewhere: there is nothing to finish here.
    if (this.#following !== undefined) this.#cut('shutdown')
    const grace = setTimeout(() => {
      if (this.#outlet === undefined || this.#pump?.isBlocked === true) abort(raw)
      else this.#cut('shutdown')
      setTimeout(abort, FLUSH_GRACE, raw).unref()
    }, this.#config.options.shutdownGrace)
    return closed.then(() => {
      clearTimeout(grace)
      connection?.close()
    })
  }

  /** Ends what the server cuts short: well only if the client can tell. */
  #cut (reason: CloseReason): void {
    if (this.#state !== 'streaming') return
    const isTold = this.#following !== undefined || this.#config.sentinel !== '' || this.#pump!.out.isResumable
    if (isTold) this.#end(reason)
    else this.#abandon(this.#rest, reason)
    this.#cutLater()
  }

  /** What waits to be written. */
  get #rest (): Outgoing {
    return this.#pump?.out ?? outgoing('')
  }

  /** Ends well; without an outlet, it is a 204. */
  #end (reason: CloseReason, out = this.#rest): void {
    if (!this.#enter('ending')) return
    this.#reason = reason
    if (reason === 'complete' && this.#pump !== undefined) out.text += this.#config.sentinel
    onceSent(this.#raw, () => { this.#isFlushed = true })
    this.#outlet?.end(out)
    this.#release()
  }

  /** Breaks off, without a word. */
  #abandon (out: Outgoing, reason: CloseReason): void {
    if (!this.#enter('failed')) return
    this.#reason = reason
    this.#outlet!.fail(out)
    this.#release()
    this.#cutLater()
  }

  #fail (error: unknown, reason: CloseReason): void {
    const state = this.#state
    if (!this.#enter('failed')) return
    this.#reason = reason
    if (state === 'streaming') return this.#breakOff(error)
    if (state === 'answering') {
      this.#failure = { error }
      return
    }
    this.#release()
    this.#port.sendError(error)
  }

  #breakOff (error: unknown): void {
    const out = this.#rest
    this.#port.writeError(error, out)
    this.#outlet!.fail(out)
    this.#release()
    this.#cutLater()
    // Last, because logging may fail.
    this.#port.onFailure(error)
  }

  #enter (next: State): boolean {
    if (!mayFollow(next, this.#state)) return false
    this.#state = next
    return true
  }

  /** A client that does not read would keep the response, which has no more to say, for ever. */
  #cutLater (): void {
    this.#cutTimer ??= setTimeout(abort, this.#config.options.shutdownGrace + FLUSH_GRACE, this.#raw)
  }

  #markFirstEvent (): void {
    this.#firstEventAt = performance.now()
    this.#firstEventTimer = clear(this.#firstEventTimer)
  }

  /** Frees the source, the timers and the listeners. */
  #release (): void {
    if (this.#firstEventAt === 0 && this.#rest.events > 0) this.#markFirstEvent()
    this.#commitTimer = clear(this.#commitTimer)
    this.#firstEventTimer = clear(this.#firstEventTimer)
    this.#durationTimer = clear(this.#durationTimer)
    this.#config.heartbeats.delete(this)
    this.#outlet?.close()
    this.#pump?.stop(unlessAbort(this.#port.lateWarning()))
    this.#following?.stop()
  }

  static #onRawClose (this: RawResponse & { [kSession]?: Session }): void {
    this[kSession]!.#close()
  }

  #close (): void {
    if (!this.#enter('closed')) return
    const isCut = this.#reason === 'complete' && (!this.#isFlushed || wasAborted(this.#raw))
    if (isCut || this.#reason === undefined) this.#reason = this.#isDraining ? 'shutdown' : 'client'
    this.#release()
    this.#cutTimer = clear(this.#cutTimer)
    this.#config.registry.delete(this)
    if (this.#reason === 'client') this.#port.abort(SSE_ERR_CLIENT_GONE)
    if (this.#outlet === undefined && this.#failure !== undefined) this.#port.warn(this.#failure.error, 'stream failed, and was never sent')
    this.#port.onClose(this.#outlet === undefined ? undefined : this.#summary(this.#outlet))
    this.#closed?.settle()
  }

  #summary ({ bytes }: Outlet): Summary {
    const { events, firstAt, bytes: followed } = this.#following ?? { events: this.#pump!.out.events, firstAt: this.#firstEventAt, bytes: 0 }
    return {
      reason: this.#reason!,
      events,
      bytes: bytes + followed,
      duration: performance.now() - this.#startedAt,
      firstEvent: firstAt === 0 ? undefined : firstAt - this.#startedAt
    }
  }
}

function outgoing (text: string): Outgoing {
  const out = new Outgoing()
  out.text = text
  return out
}

/** Clears a timer; its place is emptied, because even a cleared one retains its session. */
function clear (timer: NodeJS.Timeout | undefined): undefined {
  clearTimeout(timer)
}
