// From a source to whatever writes: the hot path of every stream that is not fed by a log.
import { ignoreRejection } from '../stray-promise.ts'
import { Outgoing } from '../wire/frames.ts'
import { type SourceIterator } from './source.ts'

/** Appends the frames of items; throws for one that is refused. */
export interface ItemEncoder {
  frame (item: unknown, out: Outgoing): void
}

/** Where frames go, and what is reported to. */
export interface PumpOwner {
  /** The first frame waits, or the source has ended: the pump waits to be attached. */
  onReady (): void
  /** Takes everything that waits; false when it wants no more until {@link Pump.resume} is called. */
  onOutgoing (out: Outgoing): boolean
  /** The source has ended well. What waits in {@link Pump.out} is the owner's to write. */
  onEnd (): void
  /** The source, or the handling of an item, failed. */
  onError (error: unknown): void
  /** An item cannot be encoded: true drops it, false was dealt with by ending the stream. */
  onInvalid (error: unknown, item: unknown): boolean
}

const nothing = () => false
const SILENT: PumpOwner = { onReady: nothing, onOutgoing: nothing, onEnd: nothing, onError: nothing, onInvalid: nothing }

/** Frames are handed over once that much has come together, in characters. */
const FLUSH_AT = 16 * 1024

/**
 * How much, in characters and as {@link ITEM_COST} for each item, may be pulled before the event loop gets its turn.
 * An always-ready source starves every other request without it.
 */
const TURN_BUDGET = 64 * 1024

/** What an item costs beside its text, so that items that are dropped are paid for too. */
const ITEM_COST = 32

/**
 * Pulls a source as fast as its owner takes frames, no faster: one `next()` at a time, frames of one turn of the event
 * loop in one write, a lone frame in the turn in which it was yielded.
 */
export class Pump {
  /** What waits to be written. */
  readonly out = new Outgoing()
  /** The owner wants no more for now. */
  isBlocked = false
  readonly #encoder: ItemEncoder
  #owner: PumpOwner
  #source: SourceIterator | undefined
  #isAttached = false
  #hasEnded = false
  #budget = TURN_BUDGET
  #isPulling = false
  #isResting = false
  #isFlushDue = false

  constructor (encoder: ItemEncoder, owner: PumpOwner) {
    this.#encoder = encoder
    this.#owner = owner
  }

  /** Pulls up to the first frame. */
  start (source: SourceIterator): void {
    this.#source = source
    this.resume()
  }

  /** The source has ended or failed, or was released: there is nothing to stop. */
  get isOver (): boolean {
    return this.#source === undefined
  }

  /** From now on frames may be handed over: what waits is, in this turn, and pulling goes on. */
  attach (): void {
    this.#isAttached = true
    if (this.out.text !== '') this.#flushSoon()
    if (this.#hasEnded) this.#owner.onEnd()
    else this.resume()
  }

  /** Starts, or goes on, pulling. */
  resume (): void {
    this.isBlocked = false
    if (this.#source === undefined || this.#isPulling || this.#isResting) return
    if (this.#source.isSync) this.#pullSync(this.#source.iterator as Iterator<unknown>)
    else this.#pull()
  }

  /**
   * Releases the source, unless {@link isOver}: nothing more is pulled or handed over, and its `return()` is called so that its `finally` runs.
   *
   * @param onFailure is told when `return()` itself fails
   */
  stop (onFailure: (error: unknown) => void): void {
    const source = this.#source!
    this.#source = undefined
    this.#isAttached = false
    // A promise that never settles may hold this pump for ever, but nothing of the request through it.
    this.#owner = SILENT
    try {
      const returned: unknown = source.iterator.return?.()
      if (returned instanceof Promise) returned.catch(onFailure)
    } catch (error) {
      onFailure(error)
    }
  }

  #pull (): void {
    this.#isPulling = true
    try {
      const result = this.#source!.iterator.next()
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
    // Nobody waits any more for what came after the end.
    if (this.#source === undefined) return ignoreRejection(result?.value)
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
    if (this.#source === undefined) return
    this.#source = undefined
    this.#owner.onError(error)
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

  /** Like `for await`, waits for a promise among the items of a source. */
  #settle (promise: Promise<unknown>): void {
    this.#isPulling = true
    promise.then(value => {
      this.#isPulling = false
      if (this.#source !== undefined && this.#accept(value)) this.resume()
    }).catch(this.#onRejected)
  }

  #end (): void {
    this.#source = undefined
    this.#hasEnded = true
    if (this.#isAttached) this.#owner.onEnd()
    else this.#owner.onReady()
  }

  /** Takes one item; true when the next may be pulled at once. */
  #accept (item: unknown): boolean {
    const { out } = this
    const before = out.text.length
    try {
      this.#encoder.frame(item, out)
    } catch (error) {
      // An error with its stack and a line in the log take as long as 30 events and more.
      return this.#owner.onInvalid(error, item) && this.#source !== undefined && this.#spend(TURN_BUDGET / 64)
    }
    const { length } = out.text
    if (!this.#isAttached) {
      this.#owner.onReady()
      // Attached by now, it has gone on pulling.
      return false
    }
    if (length >= FLUSH_AT) this.#flush()
    else if (!this.#isFlushDue) this.#flushSoon()
    return this.#spend(length - before) && !this.isBlocked
  }

  #spend (length: number): boolean {
    this.#budget -= length + ITEM_COST
    if (this.#budget > 0) return true
    this.#isResting = true
    setImmediate(Pump.#onRested, this)
    return false
  }

  // Static functions with the pump for their argument: a closure of each stream is memory of each stream.
  static #onRested (pump: Pump): void {
    pump.#isResting = false
    pump.#budget = TURN_BUDGET
    if (!pump.isBlocked) pump.resume()
  }

  #flushSoon (): void {
    this.#isFlushDue = true
    process.nextTick(Pump.#onFlush, this)
  }

  static #onFlush (pump: Pump): void {
    pump.#isFlushDue = false
    pump.#flush()
  }

  #flush (): void {
    if (this.#isAttached && this.out.text !== '') this.isBlocked = !this.#owner.onOutgoing(this.out)
  }
}
