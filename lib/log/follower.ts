// Follows a log once for all its readers in this process: watches the store, reads what is new, renews a topic's ttl.
import { type Alarm, type Alarms, type Clock } from './clock.ts'
import { compareCursors, follows } from './cursor.ts'
import { type StoreGate } from './gate.ts'
import { type Cursor, type LogEntry, type Slice } from './store.ts'

/** A log to follow. */
export interface FollowedLog {
  readonly log: string
  /** Of a topic: renewed while it is followed. */
  readonly ttl: number
  /** Of a run: how long its producer counts as alive without a sign. Undefined for a topic. */
  readonly lease: number | undefined
}

/** Gets what a follower finds. */
export interface FollowerListener {
  /** What follows the entries before it. */
  onEntries (entries: readonly LogEntry[]): void
  /** The follower is at a place that does not follow the one before: each reader has to find out by itself what it missed. */
  onReset (cursor: Cursor): void
  /** The run has ended, and is not followed any more. */
  onEnd (entry: LogEntry): void
  /** The log of a run does not exist and is not going to. */
  onGone (): void
  /** Every 20 to 40 s; of a run, whenever its producer is looked after. */
  onSweep (): void
  /** The producer of a run gave no sign for its lease. */
  onLost (tail: Cursor): void
  /** The store failed in a way that waiting does not mend. */
  onFailure (error: unknown): void
}

const PAGE = 256
/** Characters or bytes. */
export const PAGE_TEXT = 1_048_576
/** A run's cursor may be ahead of a store that was rolled back, until its producer has repaired the log, ms. */
export const GRACE = 5_000
const FIRST_LOOK = 50
const LONGEST_LOOK = 1_000
/** Timers may be early, and clocks differ, ms. */
const SLACK = 20

/**
 * Follows one log for this process: watches it, then reads until it is at the tail, then takes hints that follow the
 * tail, and reads again at any other. Hints may be lost, so it also reads every 20 to 40 s.
 */
export class Follower implements Alarm {
  slot = 0
  /** The place reached; undefined until it has been at the tail. */
  cursor: Cursor | undefined
  readonly #followed: FollowedLog
  readonly #gate: StoreGate
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #listener: FollowerListener
  #isStopped = false
  /** Stopped at the end of a run; it may be looked at again. */
  #isEnded = false
  #isReading = false
  /** Something happened that a read has to follow; a level, so what happens during a read leads to another. */
  #isDirty = false
  #unwatch: (() => void) | null = null
  /** Since when the log is behind the cursor; 0 when it is not. */
  #aheadSince = 0
  /** Since when the producer gave no sign where it should have; 0 when it did. */
  #suspectSince = 0
  /** How often the store had gone when that was noted. */
  #outages = 0

  constructor (followed: FollowedLog, gate: StoreGate, clock: Clock, alarms: Alarms, listener: FollowerListener) {
    this.#followed = followed
    this.#gate = gate
    this.#clock = clock
    this.#alarms = alarms
    this.#listener = listener
  }

  /** Begins. Watching comes before the first read, so that nothing is missed in between. */
  start (): void {
    this.#gate.watch(this.#followed.log, entries => this.#onHint(entries), () => !this.#isStopped).then(unwatch => {
      if (this.#isStopped || this.#unwatch !== null) unwatch?.()
      else this.#unwatch = unwatch
      this.refresh()
    }, error => this.#listener.onFailure(error))
  }

  /** Reads again, whatever the hints said. */
  refresh (): void {
    if (this.#isEnded) {
      this.#isEnded = this.#isStopped = false
      this.cursor = undefined
      this.start()
      return
    }
    this.#isDirty = true
    if (this.#isReading || this.#isStopped) return
    this.#isReading = true
    this.#readOn().catch(error => this.#listener.onFailure(error))
  }

  stop (): void {
    this.#isEnded = false
    this.#isStopped = true
    this.#alarms.clear(this)
    this.#unwatch?.()
    this.#unwatch = null
  }

  onAlarm (): void {
    if (this.#aheadSince === 0) this.#listener.onSweep()
    this.refresh()
  }

  #onHint (entries: readonly LogEntry[] | null): void {
    if (this.#isStopped) return
    if (entries === null || this.#isReading || this.cursor === undefined || !this.#take(entries)) this.refresh()
  }

  async #readOn (): Promise<void> {
    while (this.#isDirty && !this.#isStopped) {
      this.#isDirty = false
      await this.#look()
    }
    this.#isReading = false
  }

  async #look (): Promise<void> {
    const { log, ttl, lease } = this.#followed
    const isWanted = (): boolean => !this.#isStopped
    if (lease === undefined) {
      // One call renews the topic, opens it where it is gone, and tells whether anything is new.
      const tail = await this.#gate.renew(log, ttl, isWanted)
      if (tail === null) return
      this.#sweepLater()
      if (this.cursor === undefined) this.#jump(tail)
      if (this.cursor === tail) return
    }
    const slice = await this.#gate.read(log, this.cursor ?? null, this.cursor === undefined ? { limit: 1, last: 1 } : { limit: PAGE, maxText: PAGE_TEXT }, isWanted)
    if (slice === null || this.#isStopped) return
    if (this.cursor === undefined && slice.tail !== null) this.#jump(slice.tail.id)
    else this.#takeSlice(slice)
    if (lease !== undefined && slice.tail !== null && this.cursor === slice.tail.id) this.#judge(slice, slice.tail, lease)
  }

  #takeSlice ({ entries, tail }: Slice): void {
    if (entries.length > 0) {
      this.#aheadSince = 0
      if (!this.#take(entries)) this.#jump(tail!.id)
      if (this.cursor !== tail!.id) this.#isDirty = true
    } else if (tail !== null && this.cursor !== undefined && compareCursors(tail.id, this.cursor) >= 0) {
      this.#aheadSince = 0
      // Appended between the two halves of a read.
      if (tail.id !== this.cursor) this.#isDirty = true
    } else {
      this.#wait(tail)
    }
  }

  /** The log is behind the cursor, or does not exist: the producer of a run may be about to repair it. */
  #wait (tail: LogEntry | null): void {
    const now = this.#clock.now()
    if (this.#aheadSince === 0) this.#aheadSince = now
    const waited = now - this.#aheadSince
    if (this.#followed.lease !== undefined && waited < GRACE) {
      this.#alarms.set(this, lookAfter(waited))
    } else if (tail !== null) {
      this.#jump(tail.id)
      this.#isDirty = true
    } else if (this.#followed.lease === undefined) {
      // Deleted just now: the next look opens it again.
      this.#isDirty = true
    } else {
      this.#listener.onGone()
    }
  }

  #jump (cursor: Cursor): void {
    this.cursor = cursor
    this.#aheadSince = 0
    this.#listener.onReset(cursor)
  }

  /** Takes entries that follow the cursor; false where one does not. */
  #take (entries: readonly LogEntry[]): boolean {
    let cursor = this.cursor!
    let from = 0
    while (from < entries.length && !follows(entries[from]!, cursor) && compareCursors(entries[from]!.id, cursor) <= 0) from++
    let to = from
    while (to < entries.length && follows(entries[to]!, cursor)) cursor = entries[to++]!.id
    if (to > from) {
      this.cursor = cursor
      if (this.#suspectSince !== 0) this.#suspectSince = 0
      this.#listener.onEntries(from === 0 && to === entries.length ? entries : entries.slice(from, to))
      this.#stopAtEnd(entries[to - 1]!)
    }
    return to === entries.length
  }

  #stopAtEnd (entry: LogEntry): boolean {
    if (entry.kind !== 'end') return false
    this.stop()
    this.#isEnded = true
    this.#listener.onEnd(entry)
    return true
  }

  #sweepLater (): void {
    this.#alarms.set(this, Math.min(20_000 + Math.random() * 20_000, this.#followed.ttl / 3))
  }

  /**
   * Looks after the producer of a run, whose tail this is. A live one renews its lease every third of it. It is
   * dead if it missed a renewal at one look and has no lease a third of it later: a store may lose a lease.
   */
  #judge ({ lease: left }: Slice, tail: LogEntry, lease: number): void {
    if (this.#stopAtEnd(tail)) return
    const now = this.#clock.now()
    const third = lease / 3
    if (left !== null && left > third) {
      this.#suspectSince = 0
      this.#alarms.set(this, left - third + SLACK)
      return
    }
    // While the store was down nobody could renew.
    if (this.#suspectSince === 0 || this.#outages !== this.#gate.outages) this.#suspectSince = now
    this.#outages = this.#gate.outages
    const suspected = now - this.#suspectSince
    if (left === null && suspected >= third) {
      this.#listener.onLost(tail.id)
      this.#alarms.set(this, third)
    } else {
      this.#alarms.set(this, Math.max(left ?? 0, third - suspected) + SLACK)
    }
  }
}

/** ms until the next look at a log that is behind: longer each time. */
export function lookAfter (waited: number): number {
  return Math.min(Math.max(FIRST_LOOK, waited), LONGEST_LOOK)
}
