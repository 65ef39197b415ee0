import { END } from '../wire/frame.ts'
import { Outgoing } from '../wire/frames.ts'
import { type Origin } from './source.ts'

/** Appends the frames of items; throws for one that is refused. */
export interface ItemEncoder {
  frame (item: unknown, out: Outgoing): void
}

/** Where frames go. */
export interface Sink {
  /** Takes text; false when it wants no more until {@link Pump.resume} is called. */
  write (text: string): boolean
}

/** What a pump tells of itself. */
export interface PumpEvents {
  /** The first frame stands ready; without a sink, the pump now waits for one. */
  onFrame (): void
  /** The source ended well; all that it gave is written. */
  onEnd (): void
  /** The source, or the handling of an item, failed. */
  onError (error: unknown): void
  /** An item cannot be encoded: true drops it, false was dealt with by ending the stream. */
  onInvalid (error: unknown, item: unknown): boolean
}

const nothing = () => false
const SILENT: PumpEvents = { onFrame: nothing, onEnd: nothing, onError: nothing, onInvalid: nothing }

/** Text is handed to the sink once that much has come together, in characters. */
const FLUSH_AT = 16 * 1024

/**
 * How much, in characters and as {@link ITEM_COST} for each item, may be pulled before the event loop gets its turn.
 * An always-ready source starves every other request without it.
 */
const TURN_BUDGET = 64 * 1024

/** What an item counts beside its text, so that items that are dropped are paid for too. */
const ITEM_COST = 32

/**
 * Pulls a source as fast as its sink takes text, no faster: one `next()` at a time, frames of one turn of the event
 * loop in one write, a lone frame in the turn in which it was yielded.
 */
export class Pump {
  /** The sink is full. */
  isBlocked = false
  #origin: Origin | undefined
  #sink: Sink | undefined
  readonly #encoder: ItemEncoder
  #report: PumpEvents
  readonly #out = new Outgoing()
  #budget = TURN_BUDGET
  #isPulling = false
  #isResting = false
  #isFlushDue = false

  constructor (encoder: ItemEncoder, report: PumpEvents) {
    this.#encoder = encoder
    this.#report = report
  }

  /** Events written so far. */
  get events (): number {
    return this.#out.events
  }

  /** Whether frames wait for the sink. */
  get hasText (): boolean {
    return this.#out.text !== ''
  }

  start (origin: Origin): void {
    this.#origin = origin
    this.resume()
  }

  /** Starts, or goes on, pulling; without a sink it stops at the first frame. */
  resume (): void {
    this.isBlocked = false
    if (this.#origin === undefined || this.#isPulling || this.#isResting) return
    if (this.#origin.isSync) this.#pullSync(this.#origin.iterator as Iterator<unknown>)
    else this.#pull()
  }

  /**
   * Gives the pump its sink: what waits is written in this turn, and pulling goes on.
   *
   * @param preamble lines that go before the first frame
   */
  attach (sink: Sink, preamble: string): void {
    this.#sink = sink
    if (preamble !== '') this.#out.text = preamble + (this.#out.text === '' ? END : this.#out.text)
    if (this.#out.text !== '') this.#flushSoon()
    this.resume()
  }

  /** Writes text that is not of the source, after all that is. */
  write (text: string): void {
    this.#out.text += text
    this.#flushSoon()
  }

  /** Hands over the text that waits, for a sink that is told to end. */
  take (): string {
    return this.#out.takeText()
  }

  /**
   * Lets go of the source: nothing more is pulled or written, and its `return()` is called so that its `finally` runs.
   *
   * @param onFailure is told when `return()` itself fails
   */
  stop (onFailure: (error: unknown) => void): void {
    const origin = this.#origin
    this.#origin = undefined
    this.#sink = undefined
    this.#out.text = ''
    // A promise that never settles may hold this pump for ever, but nothing of the request through it.
    this.#report = SILENT
    if (origin === undefined) return
    try {
      const returned: unknown = origin.iterator.return?.()
      if (returned instanceof Promise) returned.catch(onFailure)
    } catch (error) {
      onFailure(error)
    }
  }

  /** Forgets the source, which has ended by itself. */
  #done (): void {
    this.#origin = undefined
  }

  #pull (): void {
    this.#isPulling = true
    try {
      const result = this.#origin!.iterator.next()
      // Iterators written by hand may answer without a promise.
      const promise = result instanceof Promise ? result : Promise.resolve(result)
      promise.then(this.#onResult, this.#onRejected)
    } catch (error) {
      this.#onRejected(error)
    }
  }

  // One shared callback for all events of a stream, rather than an `await` each.
  readonly #onResult = (result: IteratorResult<unknown>): void => {
    this.#isPulling = false
    if (this.#origin === undefined) return ignore(result?.value)
    try {
      if (result.done === true) return this.#end()
      if (result.value instanceof Promise) return this.#settle(result.value)
      if (this.#accept(result.value)) this.#pull()
    } catch (error) {
      this.#onRejected(error)
    }
  }

  readonly #onRejected = (error: unknown): void => {
    this.#isPulling = false
    if (this.#origin === undefined) return
    this.#done()
    this.#report.onError(error)
  }

  // Arrays and sync generators never wait, so they are pulled without promises.
  #pullSync (iterator: Iterator<unknown>): void {
    try {
      let isOn = true
      while (isOn) {
        const result = iterator.next()
        if (result.done === true) return this.#end()
        if (result.value instanceof Promise) return this.#settle(result.value)
        isOn = this.#accept(result.value)
      }
    } catch (error) {
      this.#onRejected(error)
    }
  }

  /** As `for await` does, a promise among the items of a source is waited for. */
  #settle (promise: Promise<unknown>): void {
    this.#isPulling = true
    promise.then(value => {
      this.#isPulling = false
      if (this.#origin !== undefined && this.#accept(value)) this.resume()
    }).catch(this.#onRejected)
  }

  #end (): void {
    this.#done()
    this.#report.onEnd()
  }

  /** Takes one item; true when the next may be pulled at once. */
  #accept (item: unknown): boolean {
    const out = this.#out
    const before = out.text.length
    try {
      this.#encoder.frame(item, out)
    } catch (error) {
      // An error with its stack and a line in the log take as long as 30 events and more.
      return this.#report.onInvalid(error, item) && this.#origin !== undefined && this.#spend(TURN_BUDGET / 64)
    }
    if (this.#sink === undefined) return this.#hold()
    const length = out.text.length - before
    if (out.text.length >= FLUSH_AT) this.#flush()
    else if (!this.#isFlushDue) this.#flushSoon()
    return this.#spend(length) && !this.isBlocked
  }

  #hold (): boolean {
    this.#report.onFrame()
    // The report may have attached the sink, and with it gone on pulling.
    return false
  }

  #spend (length: number): boolean {
    this.#budget -= length + ITEM_COST
    if (this.#budget > 0) return true
    this.#isResting = true
    setImmediate(this.#onRested)
    return false
  }

  readonly #onRested = (): void => {
    this.#isResting = false
    this.#budget = TURN_BUDGET
    if (!this.isBlocked) this.resume()
  }

  #flushSoon (): void {
    this.#isFlushDue = true
    process.nextTick(this.#onFlush)
  }

  readonly #onFlush = (): void => {
    this.#isFlushDue = false
    this.#flush()
  }

  #flush (): void {
    if (this.#sink === undefined || this.#out.text === '') return
    this.isBlocked = !this.#sink.write(this.#out.takeText())
  }
}

/** Nobody waits any more for what came after the end; if it is a promise, it may still be rejected. */
function ignore (value: unknown): void {
  if (value instanceof Promise) value.catch(() => { /* the stream is over */ })
}
