// The plain readers at the tail of a log that can take more. They are written to in slices, so that thousands of them do not
// block the event loop.
import { type WillingReader } from './port.ts'
import { type Ring } from './ring.ts'
import { READERS_PER_TURN } from './turns.ts'

/** The willing readers of one log, in no order. */
export class WillingReaders {
  readonly #ring: Pick<Ring, 'head'>
  #readers: WillingReader[] = []
  /** Where the pass over the readers is, and how many are left to visit. */
  #position = 0
  #left = 0
  #isScheduled = false

  constructor (ring: Pick<Ring, 'head'>) {
    this.#ring = ring
  }

  add (reader: WillingReader): void {
    reader.slot = this.#readers.length
    // An array that begins empty has room for 17 with its first item, and most logs have one reader.
    if (this.#readers.length === 0) this.#readers = [reader]
    else this.#readers.push(reader)
    if (reader.place !== this.#ring.head) this.writeLater()
    // A pass may come to it before it comes to the others.
    else if (this.#left > 0) this.#left++
  }

  remove (reader: WillingReader): void {
    const { slot } = reader
    if (slot === -1) return
    reader.slot = -1
    const last = this.#readers.pop()!
    if (last === reader) return
    this.#readers[slot] = last
    last.slot = slot
    // The pass may have been at the one that moved into a place behind it.
    if (this.#left > 0) this.#left = this.#readers.length
  }

  /** A copy, because readers may leave during a loop over it. */
  all (): readonly WillingReader[] {
    return this.#readers.slice()
  }

  /** Starts a pass that brings every reader up to date, once a turn: all events of a turn go out in one write. */
  writeLater (): void {
    this.#left = this.#readers.length
    if (this.#isScheduled || this.#left === 0) return
    this.#isScheduled = true
    process.nextTick(write, this)
  }

  /** Writes to one slice. */
  write (): void {
    this.#isScheduled = false
    const now = performance.now()
    const ring = this.#ring
    for (let budget = READERS_PER_TURN; budget > 0 && this.#left > 0; budget--) {
      this.#left--
      if (this.#position >= this.#readers.length) this.#position = 0
      const reader = this.#readers[this.#position]
      if (reader === undefined) break
      // Where a reader leaves, the last one takes its slot, which is then visited next.
      if (reader.place === ring.head || reader.advance(now)) this.#position++
    }
    if (this.#left === 0 || this.#readers.length === 0) return
    this.#isScheduled = true
    setImmediate(write, this)
  }
}

/** A function for all, as one for each log is memory that an idle one keeps. */
function write (readers: WillingReaders): void {
  readers.write()
}
