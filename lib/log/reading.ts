// What the readers of a log, the layers above and the channel know of each other.
import { type Frames } from '../wire/frames.ts'
import { type Cursor, type LogEntry } from './store.ts'

/** Events that a reader cannot have: trimmed, expired, lost by the store; or its cursor is of another log. */
export interface Gap {
  /** The reader's id, as the client sent it; null where a run does not begin with its beginning. */
  readonly after: string | null
  /** The id of the first event that the reader gets next; null where there is none yet. */
  readonly next: string | null
}

/** Where a reader without a cursor of this log begins. */
export type StartAt =
  | 'now'
  | 'start'
  /** From the newest that many events. */
  | { readonly last: number }
  /** After this position. */
  | { readonly after: Cursor }
  /** The client's id is not one of this log: a gap, then as after any gap. */
  | { readonly foreign: string }

/** The place where a reader that has no history begins to read. */
export interface Beginning {
  /** `now`, `history` (the oldest, or the newest n events): as asked for. `gap`: what came before is not to be had. */
  readonly reason: 'now' | 'history' | 'gap'
  /** Only of a gap. */
  readonly gap: Gap | null
  /** The id of the place: what follows it is delivered next. */
  readonly id: string
}

/**
 * What the layer above makes of a log: how its entries become frames. Each is called once for all readers of this process
 * that are in one place, and what it returns is shared.
 */
export interface Presentation {
  /**
   * The frames of an event; null for an event that is not shown. For a record that cannot be shown as it is (of another
   * contract, say) a `$gap` frame.
   *
   * @param id the id of the event on the wire
   */
  entry (entry: LogEntry, id: string): Frames | null
  /** What comes first for a reader that begins at a place without a cursor, or after a gap: `$ready`, `$gap`, a snapshot. */
  begin (beginning: Beginning): Frames | null | Promise<Frames | null>
  /**
   * Whether a reader goes on at the tail after a gap, because {@link begin} gives a snapshot. Otherwise it goes on with the
   * oldest event that it can have. The tail is taken before `begin` is called.
   */
  readonly hasSnapshot: boolean
  /**
   * The end of a run: its last frames, and whether the response ends well or is broken off.
   *
   * @param entry the `end` record; null where the log is gone (deleted, expired), so that no end will ever come
   * @param id of the end; null where the log is gone
   */
  end (entry: LogEntry | null, id: string | null): { readonly last: Frames | null, readonly isGood: boolean }
}

/** Where a plain reader is written to: structurally the `FeedSink` of response/feed.ts. */
export interface ReaderSink {
  writeFrames (frames: Frames): boolean
  readonly direct: { write (chunk: Uint8Array): boolean } | null
  /** `direct` has refused a write: {@link Reader.resume} is called once it drains. */
  onBlocked (): void
  end (last: Frames | null, isGood: boolean): void
  fail (error: unknown): void
}

/** A plain reader: structurally the `Following` of response/feed.ts. */
export interface Reader {
  resume (): void
  stop (): void
  readonly isBlocked: boolean
  readonly lastAt: number
  readonly firstAt: number
  readonly events: number
  readonly bytes: number
}

/** One entry as a {@link Pull} gives it. */
export interface PulledEntry {
  readonly entry: LogEntry
  readonly id: string
  /** By {@link Presentation.entry}, made once for all readers of this process. */
  readonly frames: Frames | null
}

/** What a {@link Pull} gives: a gap or entries, in the log's order. `open` records are left out. */
export type Batch =
  | { readonly beginning: Beginning, readonly entries?: undefined, readonly end?: undefined }
  | { readonly entries: readonly PulledEntry[], readonly beginning?: undefined, readonly end?: undefined }
  /** The run ended; null where its log is gone. Nothing comes after. */
  | { readonly end: LogEntry | null, readonly beginning?: undefined, readonly entries?: undefined }

/**
 * A reader that asks: for filters, conflation, and use in code. It gets what there is when it asks, so one that is slow
 * costs a cursor. {@link Presentation.begin} is not called for it: it gets the {@link Beginning} to act on.
 */
export interface Pull {
  /** Waits for what is next; null once it was stopped. Not to be called again before it has settled. */
  next (): Promise<Batch | null>
  /** The same without waiting for what is not there yet: undefined where {@link isCurrent}. */
  more (): Promise<Batch | null | undefined>
  /** Whether everything that this process knows of was given: what comes next is live. */
  readonly isCurrent: boolean
  /** The id of the place reached, also past entries that the caller drops; null before the first. */
  readonly id: string | null
  stop (): void
}
