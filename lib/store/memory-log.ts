// One log in memory: its entries, what is remembered of appends, and where a page begins and ends.
import { type LogHead } from '../log/accept.ts'
import { compareCursors, cursorOf } from '../log/cursor.ts'
import { type AppendOptions, type Cursor, type LogEntry, type LogRecord } from '../log/store.ts'
import { type Linked } from './recency.ts'

/** What an entry costs beyond its text, bytes: its object, its id, its place in the list. */
const ENTRY_BYTES = 160
/** What a log costs beyond its entries, bytes. */
export const LOG_BYTES = 1_000
/** How long a publisher's last token is remembered, ms, once there are many publishers. */
const TOKEN_AGE = 60_000
const MANY_TOKENS = 64

/** In place of an entry that was trimmed, so that its payload is not kept until the list is compacted. */
const TRIMMED: LogEntry = { kind: 'event', type: '', data: '', meta: '', id: '0-0' }

export interface StoredLog extends Linked {
  readonly name: string
  /** From `start` on; what is before was trimmed. */
  entries: LogEntry[]
  start: number
  /** How many entries are of kind `event`. */
  events: number
  bytes: number
  epoch: number
  seq: number
  nonce: string
  expiresAt: number
  /** When the lease runs out; 0 without one. */
  leasedUntil: number
  tokens: Map<string, { sequence: number, id: Cursor, at: number }> | undefined
  keys: Map<string, { id: Cursor, expiresAt: number }> | undefined
}

export function emptyLog (name: string): StoredLog {
  return {
    name,
    entries: [],
    start: 0,
    events: 0,
    bytes: LOG_BYTES,
    epoch: 0,
    seq: 0,
    nonce: '',
    expiresAt: 0,
    leasedUntil: 0,
    tokens: undefined,
    keys: undefined,
    older: undefined,
    newer: undefined
  }
}

export function headOf (log: StoredLog): LogHead {
  return { epoch: log.epoch, seq: log.seq, isEnded: isEnded(log), nonce: log.nonce, isCurrent: true }
}

export function isEnded (log: StoredLog): boolean {
  return log.entries.at(-1)?.kind === 'end'
}

/** The id that a repeated append was given before. */
export function duplicateOf (log: StoredLog, { token, idempotencyKey }: AppendOptions, now: number): Cursor | undefined {
  if (token !== undefined) {
    const last = log.tokens?.get(token.publisher)
    if (last !== undefined && token.sequence <= last.sequence) return last.id
  }
  if (idempotencyKey !== undefined) {
    const key = log.keys?.get(idempotencyKey)
    if (key !== undefined && key.expiresAt > now) return key.id
  }
  return undefined
}

/** Remembers what would make a later append a duplicate of this one. */
export function remember (log: StoredLog, id: Cursor, { token, idempotencyKey, ttl }: AppendOptions, now: number): void {
  if (token !== undefined) {
    log.tokens ??= new Map()
    log.tokens.set(token.publisher, { sequence: token.sequence, id, at: now })
    if (log.tokens.size > MANY_TOKENS) {
      for (const [publisher, { at }] of log.tokens) if (now - at > TOKEN_AGE) log.tokens.delete(publisher)
    }
  }
  if (idempotencyKey !== undefined) {
    log.keys ??= new Map()
    // Oldest first, and mostly of one ttl.
    for (const [key, { expiresAt }] of log.keys) {
      if (expiresAt > now) break
      log.keys.delete(key)
      log.bytes -= key.length + ENTRY_BYTES
    }
    log.keys.set(idempotencyKey, { id, expiresAt: now + ttl })
    log.bytes += idempotencyKey.length + ENTRY_BYTES
  }
}

/** Appends entries. */
export function write (log: StoredLog, records: readonly LogRecord[], epoch: number, seq: number): readonly LogEntry[] {
  const entries = records.map(({ kind, type, data, meta }, i): LogEntry => ({ kind, type, data, meta, id: cursorOf(epoch, seq + i) }))
  // An array that begins empty has room for 17 with its first entry, and many topics have readers and no event.
  if (log.entries.length === 0) log.entries = entries.slice()
  else for (const entry of entries) log.entries.push(entry)
  for (const entry of entries) {
    log.bytes += bytesOf(entry)
    if (entry.kind === 'event') log.events++
    else if (entry.kind === 'open') log.nonce = entry.data
  }
  log.epoch = epoch
  log.seq = records.length === 0 ? seq : seq + records.length - 1
  return entries
}

function bytesOf ({ type, data, meta }: LogEntry): number {
  return ENTRY_BYTES + type.length + Buffer.byteLength(data) + meta.length
}

/** Drops the oldest entries beyond that many events. */
export function trim (log: StoredLog, maxEvents: number): void {
  while (log.events > maxEvents) {
    const entry = log.entries[log.start]!
    if (entry.kind === 'event') log.events--
    log.bytes -= bytesOf(entry)
    log.entries[log.start++] = TRIMMED
  }
  // At most half of the list is trimmed entries, so an append costs constant time on average.
  if (log.start > 16 && log.start * 2 > log.entries.length) {
    log.entries = log.entries.slice(log.start)
    log.start = 0
  }
}

/** The index of the first entry after a cursor, by bisection. */
export function indexAfter ({ entries, start }: StoredLog, after: Cursor | null): number {
  if (after === null) return start
  if (after === entries.at(-1)!.id) return entries.length
  let low = start
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareCursors(entries[middle]!.id, after) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

/** The index after a page. */
export function pageEnd (entries: readonly LogEntry[], from: number, limit: number, maxText: number): number {
  const last = Math.min(entries.length, from + limit)
  let index = from
  for (let text = 0; index < last && text < maxText; index++) text += entries[index]!.data.length
  return index
}

/** The index of the n-th newest event, or of the oldest where there are fewer; of what follows the newest `open` record where there is none. */
export function indexOfLast (log: StoredLog, n: number): number {
  const { entries, events } = log
  let left = Math.min(n, events)
  let index = entries.length
  if (left === 0) return isEnded(log) ? index - 1 : index
  while (left > 0) if (entries[--index]!.kind === 'event') left--
  return index
}
