// What a channel and its readers know of each other.
import { type Frames } from '../wire/frames.ts'
import { type LogIds } from './ids.ts'
import { type After, type PageResult } from './pages.ts'
import { type Beginning, type Presentation } from './reading.ts'
import { type Ring } from './ring.ts'
import { type Cursor, type LogEntry } from './store.ts'
import { type Turns } from './turns.ts'

/** A plain reader, as its channel knows it. */
export interface WillingReader {
  /** Among the willing; -1 where it is not. Only the channel sets it. */
  slot: number
  /** In the ring. */
  readonly place: number
  /**
   * Writes what the ring has after its place, which is not the head.
   *
   * @param now of `performance.now()`
   * @returns whether it is still among the willing
   */
  advance (now: number): boolean
  /** The end of a run; null where its log is gone. */
  end (entry: LogEntry | null): void
  fail (error: unknown): void
}

/** A channel, as its readers know it. */
export interface ChannelPort {
  readonly ids: LogIds
  readonly presentation: Presentation
  readonly ring: Ring
  readonly turns: Turns
  /** The number of readers, of either kind. */
  readonly readers: number
  /** Whether the log was followed up to its tail: the ring's cursor is a place of the log. */
  readonly isReady: boolean
  /** Why there is nothing more: the log of a run is gone, the app was closed, or the store failed for good. */
  readonly over: 'gone' | 'closed' | { readonly error: unknown } | undefined
  /** The end of a run, where the ring's cursor is at it. */
  readonly ended: LogEntry | undefined
  /** A reader has ended. */
  leave (): void
  /** What follows a place, from the store. */
  pageAfter (after: After): Promise<PageResult>
  /** The cursor from which the newest n events follow; null for the oldest entry kept. */
  beforeLast (n: number): Promise<Cursor | null>
  /** The first frames of a reader at a place; made once for all that begin with nothing else there. */
  begin (beginning: Beginning): Frames | null | Promise<Frames | null>
  /** Calls back once when the log has moved on, or is over. */
  onMove (callback: () => void): void
  offMove (callback: () => void): void
  /** Reads again: a reader has seen more than the follower has. */
  refresh (): void
  /** Takes a plain reader among those that are written to as the log moves on. Its place is in the ring. */
  add (reader: WillingReader): void
  remove (reader: WillingReader): void
}
