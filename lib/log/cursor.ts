// Arithmetic of positions in a log.
import { type Cursor, type LogRecord } from './store.ts'

/** A cursor as two numbers. */
export interface Position {
  /** Epochs only grow; usually the time in ms at which the epoch was opened. */
  readonly epoch: number
  /** Contiguous from 0 within an epoch. */
  readonly seq: number
}

// No leading zeros: two texts of one position would be two ids to a client.
const CURSOR = /^(0|[1-9]\d{0,14})-(0|[1-9]\d{0,14})$/

/** The position that a text names; null for anything but a well-formed cursor. */
export function parseCursor (text: string): Position | null {
  const match = CURSOR.exec(text)
  return match === null ? null : { epoch: Number(match[1]), seq: Number(match[2]) }
}

/** The position of a cursor that a store or this module made. */
export function positionOf (cursor: Cursor): Position {
  const dash = cursor.indexOf('-')
  return { epoch: Number(cursor.slice(0, dash)), seq: Number(cursor.slice(dash + 1)) }
}

export function cursorOf (epoch: number, seq: number): Cursor {
  return `${epoch}-${seq}`
}

/** Negative where `a` is before `b`, 0 where they are equal, positive where it is after. */
export function compareCursors (a: Cursor, b: Cursor): number {
  if (a === b) return 0
  const one = positionOf(a)
  const other = positionOf(b)
  return one.epoch - other.epoch || one.seq - other.seq
}

/** The cursor `by` places further on in its epoch. */
export function successor (cursor: Cursor, by = 1): Cursor {
  const { epoch, seq } = positionOf(cursor)
  return cursorOf(epoch, seq + by)
}

/**
 * Whether nothing is missing between a cursor and an entry: the entry is its successor, or opens an epoch that continues
 * the cursor.
 */
export function follows (entry: Pick<LogRecord, 'kind' | 'type'> & { readonly id: Cursor }, cursor: Cursor): boolean {
  return entry.id === successor(cursor) || (entry.kind === 'open' && entry.type === cursor)
}
