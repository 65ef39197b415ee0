// The default store: logs in the memory of this process.
import { accept, type LogHead } from '../log/accept.ts'
import { systemClock } from '../log/clock.ts'
import { compareCursors, cursorOf } from '../log/cursor.ts'
import { limitsOf, positiveInteger, type StoreOptions } from '../log/limits.ts'
import {
  type AppendOptions, type Cursor, type LogEntry, type LogRecord, type Notify, type ReadOptions, type Slice, type Store, StoreError, type StoreLimits
} from '../log/store.ts'
import { type Linked, RecencyList } from './recency.ts'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions extends StoreOptions {
  /**
   * Beyond that many bytes the log that was unused for longest goes, whole. An estimate: payloads as UTF-8, and what
   * objects cost.
   * @default 268435456
   */
  maxBytes?: number | undefined
}

/**
 * Keeps logs in the memory of this process: the default. After a restart logs begin anew, in a new epoch, so clients get
 * a `$gap` and never wrong data.
 *
 * @throws SSE_ERR_OPTION
 */
export function memoryStore (options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options)
}

/** What an entry costs beyond its text, bytes: its object, its id, its place in the list. */
const ENTRY_BYTES = 160
const LOG_BYTES = 1_000
/** How long a publisher's last token is remembered, ms, once there are many publishers. */
const TOKEN_AGE = 60_000
const MANY_TOKENS = 64

/** In place of an entry that was trimmed, so that its payload is not kept until the list is compacted. */
const TRIMMED: LogEntry = { kind: 'event', type: '', data: '', meta: '', id: '0-0' }

interface StoredLog extends Linked {
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

/** Use {@link memoryStore}; the class takes a clock too, for tests. */
export class MemoryStore implements Store {
  readonly limits: StoreLimits
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #logs = new Map<string, StoredLog>()
  readonly #recency = new RecencyList<StoredLog>()
  readonly #watchers = new Map<string, Set<Notify>>()
  #bytes = 0
  /** The highest epoch of a log that is gone: the next of its name must not take it again in the same ms. */
  #lastEpoch = 0
  /** Goes round all logs, some at each append, to find expired ones: no log has a timer of its own. */
  #hand: Iterator<StoredLog> | undefined
  #isClosed = false

  /** @param now ms since 1970 */
  constructor (options: MemoryStoreOptions = {}, now: () => number = systemClock.now) {
    this.limits = limitsOf(options)
    this.#maxBytes = positiveInteger('maxBytes', options.maxBytes ?? 268_435_456, 'bytes')
    this.#now = now
  }

  async append (name: string, records: readonly LogRecord[], options: AppendOptions): Promise<Cursor> {
    this.#throwIfClosed()
    options.signal?.throwIfAborted()
    const now = this.#now()
    const found = this.#find(name, now)
    const known = found === undefined ? undefined : duplicateOf(found, options, now)
    if (known !== undefined) return known
    const accepted = accept(found === undefined ? null : headOf(found), records, options, Math.max(now, this.#lastEpoch + 1))
    if ('duplicate' in accepted) return accepted.duplicate

    const log = found ?? this.#create(name)
    const bytes = log.bytes
    const entries = write(log, accepted.records, accepted.epoch, accepted.seq)
    if (options.maxEvents !== undefined) trim(log, options.maxEvents)
    log.expiresAt = now + options.ttl
    if (options.lease !== undefined) log.leasedUntil = isEnded(log) ? 0 : now + options.lease
    const last = cursorOf(log.epoch, log.seq)
    remember(log, last, options, now)
    this.#bytes += log.bytes - bytes
    this.#evict(log, now)
    if (entries.length > 0) this.#notify(name, entries)
    return last
  }

  async read (name: string, after: Cursor | null, { limit, maxText = Infinity, last, signal }: ReadOptions): Promise<Slice> {
    this.#throwIfClosed()
    signal?.throwIfAborted()
    const now = this.#now()
    const log = this.#find(name, now)
    if (log === undefined) return { entries: [], tail: null, lease: null }
    const from = last === undefined ? indexAfter(log, after) : indexOfLast(log, last)
    return {
      entries: log.entries.slice(from, pageEnd(log.entries, from, limit, maxText)),
      tail: log.entries.at(-1)!,
      lease: log.leasedUntil > now ? log.leasedUntil - now : null
    }
  }

  async watch (name: string, notify: Notify): Promise<() => void> {
    this.#throwIfClosed()
    // A function of its own, so that one that watches twice is called twice.
    const watcher: Notify = entries => notify(entries)
    let watchers = this.#watchers.get(name)
    if (watchers === undefined) this.#watchers.set(name, watchers = new Set())
    watchers.add(watcher)
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(name) === watchers) this.#watchers.delete(name)
    }
  }

  async delete (name: string): Promise<void> {
    this.#throwIfClosed()
    const log = this.#logs.get(name)
    if (log !== undefined) this.#drop(log)
  }

  async close (): Promise<void> {
    this.#isClosed = true
    this.#logs.clear()
    this.#watchers.clear()
    this.#bytes = 0
  }

  #throwIfClosed (): void {
    if (this.#isClosed) throw new StoreError('UNAVAILABLE', 'The memory store was closed')
  }

  /** A log that exists; it becomes the one used last. */
  #find (name: string, now: number): StoredLog | undefined {
    const log = this.#logs.get(name)
    if (log === undefined) return undefined
    if (log.expiresAt <= now) {
      this.#drop(log)
      return undefined
    }
    this.#recency.use(log)
    return log
  }

  #create (name: string): StoredLog {
    const log: StoredLog = {
      name,
      entries: [],
      start: 0,
      events: 0,
      bytes: 0,
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
    this.#logs.set(name, log)
    this.#recency.use(log)
    // Its own cost is counted with its first entries.
    log.bytes = LOG_BYTES
    this.#bytes += LOG_BYTES
    return log
  }

  #drop (log: StoredLog): void {
    this.#logs.delete(log.name)
    this.#recency.delete(log)
    this.#bytes -= log.bytes
    this.#lastEpoch = Math.max(this.#lastEpoch, log.epoch)
    this.#notify(log.name, null)
  }

  #evict (used: StoredLog, now: number): void {
    for (let i = 0; i < 2; i++) {
      this.#hand ??= this.#logs.values()
      const { value, done } = this.#hand.next()
      if (done === true) this.#hand = undefined
      else if (value.expiresAt <= now) this.#drop(value)
    }
    // The log just appended to is the newest, and stays: what was acknowledged is there.
    while (this.#bytes > this.#maxBytes && this.#recency.oldest !== used) this.#drop(this.#recency.oldest!)
  }

  #notify (name: string, entries: readonly LogEntry[] | null): void {
    const watchers = this.#watchers.get(name)
    if (watchers !== undefined) for (const notify of watchers) notify(entries)
  }
}

function headOf (log: StoredLog): LogHead {
  return { epoch: log.epoch, seq: log.seq, isEnded: isEnded(log), nonce: log.nonce, isCurrent: true }
}

function isEnded (log: StoredLog): boolean {
  return log.entries.at(-1)?.kind === 'end'
}

/** The id that a repeated append was given before. */
function duplicateOf (log: StoredLog, { token, idempotencyKey }: AppendOptions, now: number): Cursor | undefined {
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
function remember (log: StoredLog, id: Cursor, { token, idempotencyKey, ttl }: AppendOptions, now: number): void {
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

function write (log: StoredLog, records: readonly LogRecord[], epoch: number, seq: number): readonly LogEntry[] {
  const entries = records.map(({ kind, type, data, meta }, i): LogEntry => ({ kind, type, data, meta, id: cursorOf(epoch, seq + i) }))
  for (const entry of entries) {
    log.entries.push(entry)
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

function trim (log: StoredLog, maxEvents: number): void {
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
function indexAfter ({ entries, start }: StoredLog, after: Cursor | null): number {
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
function pageEnd (entries: readonly LogEntry[], from: number, limit: number, maxText: number): number {
  const last = Math.min(entries.length, from + limit)
  let index = from
  for (let text = 0; index < last && text < maxText; index++) text += entries[index]!.data.length
  return index
}

/** The index of the n-th newest event of the newest epoch; of what comes after its `open` record where there are fewer. */
function indexOfLast ({ entries, start }: StoredLog, n: number): number {
  let index = entries.length
  for (let i = entries.length - 1, left = n; i >= start && left > 0 && entries[i]!.kind !== 'open'; i--) {
    index = i
    if (entries[i]!.kind === 'event') left--
  }
  return index
}
