// The newest entries of a log, with their frames: what readers at its tail are written from.
import { Frames } from '../wire/frames.ts'
import { compareCursors, positionOf } from './cursor.ts'
import { type Presentation, type PulledEntry } from './reading.ts'
import { type Cursor, type LogEntry } from './store.ts'

/** The ring keeps that many entries, and about that much text. */
const MOST_ITEMS = 1_024
const MOST_TEXT = 1_048_576
/** What is joined into one write, bytes: a slow reader holds one, and its socket's `highWaterMark`. */
export const MOST_JOINED = 131_072

/** The first place, and the distance to the next one after a reset: {@link Ring.prepend} needs room to count down. */
const FIRST_PLACE = MOST_ITEMS + 1

/** An entry with its frames, which are made once, when the first reader needs them. */
export class Item implements PulledEntry {
  readonly entry: LogEntry
  readonly id: string
  readonly #presentation: Presentation
  #frames: Frames | null | undefined

  constructor (entry: LogEntry, id: string, presentation: Presentation) {
    this.entry = entry
    this.id = id
    this.#presentation = presentation
  }

  get frames (): Frames | null {
    if (this.#frames === undefined) this.#frames = this.entry.kind === 'event' ? this.#presentation.entry(this.entry, this.id) : null
    return this.#frames
  }
}

/** Some items in a row, as one write. */
export interface Joined {
  /** Null where nothing of them is shown. */
  readonly frames: Frames | null
  /** How many items they are. */
  readonly count: number
}

/** Joins items from an index on, up to {@link MOST_JOINED} bytes or the `end` record, which is not one of them. */
export function join (items: readonly Item[], from: number): Joined {
  const list: Frames[] = []
  let bytes = 0
  let index = from
  for (; index < items.length && bytes < MOST_JOINED; index++) {
    const item = items[index]!
    if (item.entry.kind === 'end') break
    if (item.frames === null) continue
    list.push(item.frames)
    bytes += item.frames.byteLength
  }
  return { frames: list.length === 0 ? null : Frames.join(list), count: index - from }
}

/**
 * The newest entries of a followed log. A place in it is the number of items before it since the ring began, so to
 * compare places is to compare numbers.
 */
export class Ring {
  /** The cursor at {@link head}. */
  cursor: Cursor
  /** The place after the newest item. */
  head = FIRST_PLACE
  #items: Item[] = []
  /** The place before `#items[0]`, and its cursor. */
  #base = FIRST_PLACE
  #baseCursor: Cursor
  #length = 0
  /** Undefined while nothing was joined since the last change: a log that is only followed costs no map. */
  #joined: Map<number, Joined> | undefined

  constructor (cursor: Cursor) {
    this.cursor = this.#baseCursor = cursor
  }

  push (item: Item): void {
    this.#items.push(item)
    this.#length += item.entry.data.length
    this.head++
    this.cursor = item.entry.id
    this.#joined = undefined
    // Twice as many before it is cut, so that an item costs constant time on average.
    if (this.#items.length > 2 * MOST_ITEMS || this.#length > 2 * MOST_TEXT) this.#trim()
  }

  /**
   * Adds entries read from the store in front of the oldest item, as far as there is room. Readers that reconnect together,
   * each with its own id, then share frames and writes instead of reading a page each.
   *
   * @param from the cursor before the items
   */
  prepend (items: readonly Item[], from: Cursor): void {
    let to = items.length
    while (to > 0 && items[to - 1]!.entry.id !== this.#baseCursor) to--
    let at = to
    while (at > 0 && this.#items.length + to - at < MOST_ITEMS && this.#length < MOST_TEXT) this.#length += items[--at]!.entry.data.length
    if (at === to) return
    this.#items.unshift(...items.slice(at, to))
    this.#base -= to - at
    this.#baseCursor = at === 0 ? from : items[at - 1]!.entry.id
  }

  /** Begins anew at a cursor: no place of before is in it. */
  reset (cursor: Cursor): void {
    this.#drop(this.head + FIRST_PLACE, cursor)
    this.cursor = cursor
  }

  /** Forgets the items; readers at the head stay where they are. */
  clear (): void {
    if (this.#items.length > 0) this.#drop(this.head, this.cursor)
  }

  /** Whether what follows a place is in the ring. */
  has (place: number): boolean {
    return place >= this.#base
  }

  /** The place of a cursor; -1 where it is not in the ring. */
  placeOf (cursor: Cursor): number {
    if (cursor === this.cursor) return this.head
    if (cursor === this.#baseCursor) return this.#base
    // Within an epoch positions are contiguous.
    const near = this.#items.length - positionOf(this.cursor).seq + positionOf(cursor).seq
    if (this.#items[near - 1]?.entry.id === cursor) return this.#base + near
    let low = 0
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareCursors(this.#items[middle]!.entry.id, cursor) < 0) low = middle + 1
      else high = middle
    }
    return this.#items[low]?.entry.id === cursor ? this.#base + low + 1 : -1
  }

  /** The item after a place, which is in the ring and not its head. */
  after (place: number): Item {
    return this.#items[place - this.#base]!
  }

  /** The items after a place, which is in the ring. */
  since (place: number): readonly Item[] {
    return this.#items.slice(place - this.#base)
  }

  /** The same as one write, made once for all readers at that place. */
  joinedSince (place: number): Joined {
    this.#joined ??= new Map()
    let joined = this.#joined.get(place)
    if (joined === undefined) this.#joined.set(place, joined = join(this.#items, place - this.#base))
    return joined
  }

  #trim (): void {
    let stale = Math.max(0, this.#items.length - MOST_ITEMS)
    for (let i = 0; i < stale; i++) this.#length -= this.#items[i]!.entry.data.length
    while (this.#length > MOST_TEXT && stale < this.#items.length - 1) this.#length -= this.#items[stale++]!.entry.data.length
    this.#base += stale
    this.#baseCursor = this.#items[stale - 1]!.entry.id
    this.#items.splice(0, stale)
  }

  #drop (base: number, cursor: Cursor): void {
    this.#items = []
    this.#joined = undefined
    this.#length = 0
    this.#base = this.head = base
    this.#baseCursor = cursor
  }
}
