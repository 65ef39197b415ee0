// Pages of the store for readers that are not at the tail, with the gap that a cursor turns out to be at.
import { type Alarm, type Alarms, type Clock } from './clock.ts'
import { compareCursors, follows, positionOf, successor } from './cursor.ts'
import { type FollowedLog, GRACE, lookAfter, PAGE_TEXT } from './follower.ts'
import { type StoreGate } from './gate.ts'
import { type LogIds } from './ids.ts'
import { type Beginning, type Presentation } from './reading.ts'
import { Item, type Ring } from './ring.ts'
import { type Cursor, type LogEntry } from './store.ts'

/** What follows a cursor. */
export interface Page {
  /** The gap that the reader is at; what follows continues its place. */
  readonly beginning: Beginning | null
  readonly items: readonly Item[]
  /** Before the items. */
  readonly from: Cursor
  /** After the items. */
  readonly cursor: Cursor
}

/** Nothing followed a cursor when this process had followed the log up to a place of its ring. */
export interface Current {
  readonly asOf: number
}

/** A page, or why there is none: 'gone' where the log of a run does not exist, null when not wanted any more. */
export type PageResult = Page | Current | 'gone' | null

/** What a page is read after: a cursor, null for the oldest entry kept, or an id of another log. */
export type After = Cursor | null | { readonly foreign: string }

interface ReadableSlice {
  readonly entries: readonly LogEntry[]
  readonly tail: LogEntry
}

/** A place, and what follows it. */
interface Start {
  readonly place: Cursor
  readonly rest: readonly LogEntry[]
}

const MOST_ENTRIES = 256

/** Reads pages of one log. Readers at one cursor at one time share a page. */
export class Pages {
  readonly #followed: FollowedLog
  readonly #ids: LogIds
  readonly #presentation: Presentation
  readonly #ring: Ring
  readonly #gate: StoreGate
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #inFlight = new Map<string, Promise<PageResult>>()
  readonly #pauses = new Set<() => void>()
  #isClosed = false

  constructor (followed: FollowedLog, ids: LogIds, presentation: Presentation, ring: Ring, parts: { gate: StoreGate, clock: Clock, alarms: Alarms }) {
    this.#followed = followed
    this.#ids = ids
    this.#presentation = presentation
    this.#ring = ring
    this.#gate = parts.gate
    this.#clock = parts.clock
    this.#alarms = parts.alarms
  }

  /** What follows a place, waiting for the store as long as it takes. */
  after (after: After): Promise<PageResult> {
    const key = after === null ? '' : typeof after === 'string' ? after : `${after.foreign} `
    let page = this.#inFlight.get(key)
    if (page === undefined) {
      page = this.#read(after, { asOf: this.#ring.head }).finally(() => this.#inFlight.delete(key))
      this.#inFlight.set(key, page)
    }
    return page
  }

  /** The cursor from which the newest n events follow; null for the oldest entry kept. */
  async beforeLast (n: number): Promise<Cursor | null> {
    const slice = await this.#gate.read(this.#followed.log, null, { limit: 1, last: n }, this.#isWanted)
    const first = slice?.entries[0]
    if (first !== undefined) return before(first)
    return slice?.tail?.id ?? null
  }

  close (): void {
    this.#isClosed = true
    // Their alarms no longer fire.
    for (const end of this.#pauses) end()
  }

  readonly #isWanted = (): boolean => !this.#isClosed

  async #read (after: After, current: Current): Promise<PageResult> {
    if (after !== null && typeof after !== 'string') return this.#restart(after.foreign)
    const slice = await this.#sliceAfter(after)
    if (slice === null || slice === 'gone') return slice
    const { entries, tail } = slice
    const first = entries[0]
    if (after === null) return this.#isCut(first!) ? this.#gap(null, entries, tail) : this.#oldest(entries)
    if (first === undefined) return tail.id === after ? current : this.#ahead(after, tail)
    return follows(first, after) ? this.#page(null, { place: after, rest: entries }) : this.#gap(this.#ids.of(after), entries, tail)
  }

  /** Reads until something follows a cursor, or it is certain that nothing does: the cursor is ahead of the tail, or at it. */
  async #sliceAfter (after: Cursor | null, aheadSince?: number, wasOpened = false): Promise<ReadableSlice | 'gone' | null> {
    const { log, ttl, lease } = this.#followed
    const slice = await this.#gate.read(log, after, { limit: MOST_ENTRIES, maxText: PAGE_TEXT }, this.#isWanted)
    if (slice === null) return null
    const { entries, tail } = slice
    if (tail !== null && entries.length > 0) return { entries, tail }
    const order = tail === null || after === null ? -1 : compareCursors(tail.id, after)
    if (tail !== null && order === 0) return { entries, tail }
    // Appended between the two halves of a read.
    if (order > 0) return this.#sliceAfter(after, aheadSince)
    if (lease === undefined) {
      if (tail !== null) return { entries, tail }
      // It was opened a moment ago, and is gone again. Without a pause, a store that answers at once would block the event loop.
      if (wasOpened) await this.#pause(lookAfter(0))
      return await this.#gate.renew(log, ttl, this.#isWanted) === null ? null : this.#sliceAfter(after, undefined, true)
    }
    const since = aheadSince ?? this.#clock.now()
    const waited = this.#clock.now() - since
    if (waited >= GRACE) return tail === null ? 'gone' : { entries, tail }
    await this.#pause(lookAfter(waited))
    return this.#sliceAfter(after, since)
  }

  /** The oldest entries, for a reader without a cursor. A topic sends `$ready` with the position first; a run does not need one. */
  #oldest (entries: readonly LogEntry[]): Page {
    const start = beginningOf(entries)
    return this.#page(this.#followed.lease === undefined ? { reason: 'history', gap: null, id: this.#ids.of(start.place) } : null, start)
  }

  #pause (ms: number): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        this.#pauses.delete(end)
        this.#alarms.clear(alarm)
        resolve()
      }
      const alarm: Alarm = { slot: 0, onAlarm: end }
      this.#pauses.add(end)
      this.#alarms.set(alarm, ms)
    })
  }

  /** A reader of a run from its start has to get its start; one of a topic gets what is kept. */
  #isCut (first: LogEntry): boolean {
    return this.#followed.lease !== undefined && (first.kind !== 'open' || first.type !== '')
  }

  #gap (after: string | null, entries: readonly LogEntry[], tail: LogEntry): Page {
    const start = this.#presentation.hasSnapshot || entries.length === 0 ? { place: tail.id, rest: [] } : beginningOf(entries)
    const next = start.rest[0] === undefined ? null : this.#ids.of(start.rest[0].id)
    return this.#page({ reason: 'gap', gap: { after, next }, id: this.#ids.of(start.place) }, start)
  }

  /** The gap of a reader whose place is unknown: it continues with the oldest entry kept. */
  async #restart (after: string): Promise<PageResult> {
    const slice = await this.#sliceAfter(null)
    return slice === null || slice === 'gone' ? slice : this.#gap(after, slice.entries, slice.tail)
  }

  /**
   * The log lost a suffix. In the same epoch a topic's reader has seen all that is left, so it continues at the tail; in
   * another epoch its place is unknown. A run begins anew.
   */
  #ahead (after: Cursor, tail: LogEntry): Page | Promise<PageResult> {
    const id = this.#ids.of(after)
    if (this.#followed.lease !== undefined || positionOf(after).epoch !== positionOf(tail.id).epoch) return this.#restart(id)
    return this.#gap(id, [], tail)
  }

  /** The entries up to a hole, which the next page begins with. */
  #page (beginning: Beginning | null, { place, rest }: Start): Page {
    const items: Item[] = []
    let cursor = place
    for (const entry of rest) {
      if (!follows(entry, cursor)) break
      items.push(new Item(entry, this.#ids.of(entry.id), this.#presentation))
      cursor = entry.id
    }
    return { beginning, items, from: place, cursor }
  }
}

/** Where to begin if nothing older can be had: after an `open` record, which is no event. */
function beginningOf (entries: readonly LogEntry[]): Start {
  const first = entries[0]!
  return first.kind === 'open' ? { place: first.id, rest: entries.slice(1) } : { place: before(first), rest: entries }
}

/** The place before an entry that does not open an epoch. */
function before ({ id }: LogEntry): Cursor {
  return successor(id, -1)
}
