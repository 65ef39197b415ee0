// A log as its readers in this process share it: one follower, one ring of frames, readers that are written to in slices.
import { type Frames } from '../wire/frames.ts'
import { type Alarm, type Alarms, type Clock } from './clock.ts'
import { type FollowedLog, Follower, type FollowerListener } from './follower.ts'
import { type StoreGate } from './gate.ts'
import { LogIds } from './ids.ts'
import { type After, type PageResult, Pages } from './pages.ts'
import { type ChannelPort, type WillingReader } from './port.ts'
import { closed } from './publisher.ts'
import { PullReader } from './pull-reader.ts'
import { PushReader } from './push-reader.ts'
import { type Beginning, type Presentation, type Pull, type Reader, type ReaderSink, type StartAt } from './reading.ts'
import { Item, Ring } from './ring.ts'
import { type Cursor, type LogEntry } from './store.ts'
import { type Turns } from './turns.ts'
import { WillingReaders } from './willing.ts'

/** What channels need of their process. */
export interface ChannelParts {
  readonly gate: StoreGate
  readonly clock: Clock
  readonly alarms: Alarms
  readonly turns: Turns
  /** Seals a run whose producer is dead. */
  seal (followed: FollowedLog, tail: Cursor): void
  /** Nobody has come back to a channel for a while. */
  onIdle (channel: Channel): void
}

/** From this many readers on, keep the `$ready` frame between turns: making it is a twentieth of the cost of joining. */
const MANY_READERS = 16

/** How long a channel without readers stays, ms: one that reconnects finds it. */
const LINGER = 5_000

/**
 * One log, followed once for all its readers in this process. Plain readers at the tail are written to directly (see
 * {@link WillingReaders}); others catch up from the ring, or from pages of the store, and then join those at the tail,
 * without an await between the last that they took and the joining.
 */
export class Channel implements Alarm, FollowerListener, ChannelPort {
  slot = 0
  readonly ids: LogIds
  readonly presentation: Presentation
  readonly ring = new Ring('0-0')
  /** Readers of either kind. */
  readers = 0
  over: ChannelPort['over']
  ended: LogEntry | undefined
  readonly #followed: FollowedLog
  readonly #parts: ChannelParts
  readonly #follower: Follower
  /** Made for the first reader that is not at the tail. */
  #pages: Pages | undefined
  readonly #willing = new WillingReaders(this.ring)
  /** Those who wait for the log to move on. */
  #waiting: Set<() => void> | undefined
  #pushed = 0
  #ready: { readonly id: string, readonly frames: Frames | null } | undefined

  constructor (followed: FollowedLog, presentation: Presentation, parts: ChannelParts) {
    this.ids = new LogIds(followed.log)
    this.presentation = presentation
    this.#followed = followed
    this.#parts = parts
    this.#follower = new Follower(followed, parts.gate, parts.clock, parts.alarms, this)
    this.#follower.start()
  }

  get log (): string {
    return this.#followed.log
  }

  get turns (): Turns {
    return this.#parts.turns
  }

  get isReady (): boolean {
    return this.#follower.cursor !== undefined
  }

  follow (sink: ReaderSink, start: StartAt, end: Presentation['end']): Reader {
    this.#enter()
    const reader = new PushReader(this, sink, end)
    reader.start(start)
    return reader
  }

  pull (start: StartAt): Pull {
    this.#enter()
    return new PullReader(this, start)
  }

  leave (): void {
    this.readers--
    if (this.readers === 0 && this.over === undefined) this.#parts.alarms.set(this, LINGER)
  }

  /** Nobody came back. */
  onAlarm (): void {
    this.#retire()
  }

  /** The readers of the closing app have ended already; any left belong to another app on the same store, and fail. */
  close (): void {
    this.over ??= 'closed'
    for (const reader of this.#willing.all()) reader.fail(closed())
    this.#parts.alarms.clear(this)
    this.#follower.stop()
    this.#pages?.close()
    this.#wake()
  }

  // What readers ask for.

  pageAfter (after: After): Promise<PageResult> {
    return this.#storedPages.after(after)
  }

  beforeLast (n: number): Promise<Cursor | null> {
    return this.#storedPages.beforeLast(n)
  }

  begin (beginning: Beginning): Frames | null | Promise<Frames | null> {
    if (beginning.reason !== 'now') return this.presentation.begin(beginning)
    if (this.#ready?.id === beginning.id) return this.#ready.frames
    const frames = this.presentation.begin(beginning)
    if (!(frames instanceof Promise)) {
      this.#ready = { id: beginning.id, frames }
      if (this.readers < MANY_READERS) setImmediate(forgetReady, this)
    }
    return frames
  }

  /** Readers that join in one turn share these frames; a quiet log must not retain them. */
  forgetReady (): void {
    this.#ready = undefined
  }

  onMove (callback: () => void): void {
    this.#waiting ??= new Set()
    this.#waiting.add(callback)
  }

  offMove (callback: () => void): void {
    this.#waiting?.delete(callback)
  }

  refresh (): void {
    this.ended = undefined
    this.#follower.refresh()
  }

  add (reader: WillingReader): void {
    this.#willing.add(reader)
  }

  remove (reader: WillingReader): void {
    this.#willing.remove(reader)
  }

  // What the follower tells.

  onEntries (entries: readonly LogEntry[]): void {
    this.#pushed += entries.length
    for (const entry of entries) this.ring.push(new Item(entry, this.ids.of(entry.id), this.presentation))
    this.#willing.writeLater()
    this.#wake()
  }

  onEnd (entry: LogEntry): void {
    this.ended = entry
  }

  onReset (cursor: Cursor): void {
    this.ended = undefined
    this.ring.reset(cursor)
    this.#willing.writeLater()
    this.#wake()
  }

  onGone (): void {
    this.over = 'gone'
    for (const reader of this.#willing.all()) reader.end(null)
    this.#retire()
  }

  onSweep (): void {
    if (this.#pushed === 0) this.ring.clear()
    this.#pushed = 0
  }

  onLost (tail: Cursor): void {
    this.#parts.seal(this.#followed, tail)
  }

  onFailure (error: unknown): void {
    this.over = { error }
    for (const reader of this.#willing.all()) reader.fail(error)
    this.#retire()
  }

  /** Whoever comes next has a new channel. */
  #retire (): void {
    this.#parts.onIdle(this)
    this.close()
  }

  get #storedPages (): Pages {
    this.#pages ??= new Pages(this.#followed, this.ids, this.presentation, this.ring, this.#parts)
    return this.#pages
  }

  #enter (): void {
    this.readers++
    this.#parts.alarms.clear(this)
    // The run may have been deleted, and started again.
    if (this.ended !== undefined) this.refresh()
  }

  #wake (): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    for (const callback of waiting) callback()
  }
}

/** A function for all, as one for each channel is memory that an idle log keeps. */
function forgetReady (channel: Channel): void {
  channel.forgetReady()
}
