// One stream, from `reply.sse` on: how it opens, and what is written to it. How it ends is in streamed-response.ts.
//
// The way of the first frame: the pump (or nothing, for a feed) says that it is ready -> #answer gives the framework a
// body -> the framework pipes it, at once or after the app's onSend hooks -> onOutlet -> #stream attaches the pump, or
// lets the feed follow, and both write straight to the outlet from there on.
import { type Socket } from 'node:net'
import { SSE_ERR_FIRST_EVENT_TIMEOUT, SSE_ERR_MAX_DURATION } from '../errors.ts'
import { END, HEARTBEAT, retryLine } from '../wire/frame.ts'
import { Frames, type Outgoing } from '../wire/frames.ts'
import { Body, type BodyOwner } from './body.ts'
import { type Feed, type FeedSink, isFeed } from './feed.ts'
import { type HeartbeatTarget } from './heartbeat.ts'
import { decide, drawRetry } from './options.ts'
import { isGone, type Outlet, type RawResponse } from './outlet.ts'
import { Pump, type PumpOwner } from './pump.ts'
import { type ReplyPort, type SessionConfig } from './reply-port.ts'
import { discard, openIterator } from './source.ts'
import { clear, StreamedResponse } from './streamed-response.ts'
import { awaitTurn, isQueued } from './turn.ts'

const BEAT = Frames.of(HEARTBEAT, 0)

export class Session extends StreamedResponse implements PumpOwner, BodyOwner, FeedSink, HeartbeatTarget {
  readonly #firstEventWithin: number | undefined
  #feed: Feed | undefined
  #writtenAt = 0
  #commitTimer: NodeJS.Timeout | undefined
  #firstEventTimer: NodeJS.Timeout | undefined
  #durationTimer: NodeJS.Timeout | undefined

  /** @param firstEventWithin how long the first event may take, ms */
  constructor (raw: RawResponse, config: SessionConfig, port: ReplyPort, firstEventWithin: number | undefined) {
    super(raw, config, port)
    this.#firstEventWithin = firstEventWithin
  }

  /**
   * Opens the source and streams it, once the response's turn on its connection has come. When thousands of clients connect
   * at once, libuv hands over all their requests in one turn of the event loop; then most are opened in the turns that follow.
   *
   * @param open gives the source, a feed, null for a 204, or a promise of these
   * @param given the source, to be released if it is never opened
   */
  start (open: () => unknown, given?: unknown): void {
    if (isQueued(this.raw)) {
      awaitTurn(this.raw, () => this.#open(open, given), () => {
        discard(given)
        this.close()
      })
      return
    }
    const room = this.config.turns.take()
    this.#open(room === undefined ? open : () => room.then(() => this.state === 'opening' ? open() : given), given)
  }

  #open (open: () => unknown, given: unknown): void {
    if (this.state !== 'opening' || isGone(this.raw)) return discard(given)
    try {
      const opened = open()
      if (opened instanceof Promise) opened.then(source => this.#begin(source)).catch((error: unknown) => this.onError(error))
      else this.#begin(opened)
    } catch (error) {
      this.onError(error)
    }
  }

  /** @throws SSE_ERR_SOURCE for what cannot be iterated */
  #begin (given: unknown): void {
    if (this.state !== 'opening') return discard(given)
    if (given === null || given === undefined) return this.#answerNothing()
    if (isFeed(given)) {
      this.#feed = given
      return this.#answer()
    }
    this.pump = new Pump(this.config.encoder, this)
    this.pump.start(openIterator(given))
    if (this.state !== 'opening') return
    const { commitAfter } = this.config.options
    if (commitAfter === 0) this.#answer()
    else if (commitAfter !== Infinity) this.#commitTimer = setTimeout(Session.#onCommit, commitAfter, this)
  }

  static #onCommit (session: Session): void {
    session.#answer()
  }

  /** The pump has its first frame, or its source ended without one. */
  onReady (): void {
    if (this.state === 'opening') this.#answer()
  }

  #answer (): void {
    this.#commitTimer = clear(this.#commitTimer)
    try {
      this.port.send(new Body(this.raw, this))
    } catch (error) {
      // Such as a header that cannot be written: nothing was sent.
      return this.failWith(error, 'error')
    }
    // Without hooks that wait, the body was piped by now.
    if (this.outlet !== undefined) this.#stream(this.outlet)
    else this.enter('answering')
  }

  #answerNothing (): void {
    try {
      this.port.sendNothing()
    } catch (error) {
      return this.failWith(error, 'error')
    }
    this.finish('complete')
  }

  onOutlet (outlet: Outlet): void {
    if (this.state === 'closed') return
    this.outlet = outlet
    if (this.state !== 'opening') this.#stream(outlet)
  }

  #stream (outlet: Outlet): void {
    this.port.onOpen()
    if (!this.enter('streaming')) return this.sendFailure()
    this.#startTimers()
    const retry = drawRetry(this.config.options.retry)
    if (this.#feed !== undefined) return this.#follow(this.#feed, outlet, retry)
    const pump = this.pump!
    // A frame of its own: some SDKs drop an event that begins with it.
    if (retry !== undefined) pump.out.text = retryLine(retry) + END + pump.out.text
    pump.attach()
    if (this.state === 'streaming' && pump.out.text === '') outlet.open()
  }

  #follow (feed: Feed, outlet: Outlet, retry: number | undefined): void {
    if (retry !== undefined) outlet.write(retryLine(retry) + END)
    this.following = feed.follow(this)
    // It may have ended before it returned.
    if (this.state !== 'streaming') this.following.stop()
    // The headers leave with frames of this turn, if there are any: what a log has in memory is there in a few promises.
    else setImmediate(Session.#onTurn, this)
  }

  static #onTurn (session: Session): void {
    if (session.state === 'streaming') session.outlet!.open()
  }

  #startTimers (): void {
    const { options, heartbeats } = this.config
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
    session.port.abort(SSE_ERR_MAX_DURATION)
    session.cut('maxDuration')
  }

  static #onFirstEventTimeout (session: Session): void {
    session.failWith(new SSE_ERR_FIRST_EVENT_TIMEOUT(session.#firstEventWithin!), 'error')
  }

  onOutgoing (out: Outgoing): boolean {
    if (this.firstEventAt === 0 && out.events > 0) {
      this.firstEventAt = performance.now()
      this.#firstEventTimer = clear(this.#firstEventTimer)
    }
    this.#writtenAt = this.config.heartbeats.now
    return this.outlet!.write(out.take())
  }

  onInvalid (error: unknown, item: unknown): boolean {
    try {
      if (decide(this.config.options.onInvalid, error as Error, item) === 'skip') {
        this.port.warn(error, 'invalid event dropped')
        return true
      }
      this.failWith(error, 'invalid')
    } catch (thrown) {
      this.failWith(thrown, 'error')
    }
    return false
  }

  onWanted (): void {
    this.pump?.resume()
    this.following?.resume()
  }

  get direct (): Socket | null {
    return this.outlet?.direct ?? null
  }

  writeFrames (frames: Frames): boolean {
    return this.outlet!.writeFrames(frames)
  }

  onBlocked (): void {
    this.outlet!.onBlocked!()
  }

  /** When something was last written, on the clock of the heartbeats. */
  get lastByteAt (): number {
    return this.following === undefined ? this.#writtenAt : Math.max(this.#writtenAt, this.following.lastAt)
  }

  beat (): void {
    const writer = this.pump ?? this.following
    if (writer!.isBlocked) return
    const frames = this.following?.beat?.() ?? BEAT
    this.outlet!.bytes += frames.byteLength
    this.#writtenAt = this.config.heartbeats.now
    this.outlet!.writeFrames(frames)
  }

  protected override release (): void {
    this.#commitTimer = clear(this.#commitTimer)
    this.#firstEventTimer = clear(this.#firstEventTimer)
    this.#durationTimer = clear(this.#durationTimer)
    this.config.heartbeats.delete(this)
    super.release()
  }
}
