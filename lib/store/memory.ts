// The default store: logs in the memory of this process.
import { accept } from '../log/accept.ts'
import { systemClock } from '../log/clock.ts'
import { cursorOf } from '../log/cursor.ts'
import { storeOptions, type StoreOptions } from '../log/limits.ts'
import {
  type AppendOptions, type Cursor, type LogRecord, type Notify, type ReadOptions, type Slice, type Store, StoreError, type StoreLimits
} from '../log/store.ts'
import { duplicateOf, emptyLog, headOf, indexAfter, indexOfLast, isEnded, LOG_BYTES, pageEnd, remember, type StoredLog, trim, write } from './memory-log.ts'
import { integer } from '../options.ts'
import { RecencyList } from './recency.ts'
import { Watchers } from './watchers.ts'

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

const RULES = { maxBytes: integer(1, Number.MAX_SAFE_INTEGER, 'bytes') }

/** Use {@link memoryStore}; the class takes a clock too, for tests. */
export class MemoryStore implements Store {
  readonly limits: StoreLimits
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #logs = new Map<string, StoredLog>()
  readonly #recency = new RecencyList<StoredLog>()
  readonly #watchers = new Watchers()
  #bytes = 0
  /** The highest epoch of a log that is gone: the next of its name must not take it again in the same ms. */
  #lastEpoch = 0
  /** Goes round all logs, some at each append, to find expired ones: no log has a timer of its own. */
  #hand: Iterator<StoredLog> | undefined
  #isClosed = false

  /** @param now ms since 1970 */
  constructor (options: MemoryStoreOptions = {}, now: () => number = systemClock.now) {
    const { maxBytes = 268_435_456, ...limits } = storeOptions(options, RULES)
    this.limits = limits
    this.#maxBytes = maxBytes
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
    if (isEnded(log)) log.leasedUntil = 0
    else if (options.lease !== undefined) log.leasedUntil = now + options.lease
    const last = cursorOf(log.epoch, log.seq)
    remember(log, last, options, now)
    this.#bytes += log.bytes - bytes
    this.#evict(log, now)
    if (entries.length > 0) this.#watchers.tell(name, entries)
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
    return this.#watchers.add(name, notify)
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
    const log = emptyLog(name)
    this.#logs.set(name, log)
    this.#recency.use(log)
    this.#bytes += LOG_BYTES
    return log
  }

  #drop (log: StoredLog): void {
    this.#logs.delete(log.name)
    this.#recency.delete(log)
    this.#bytes -= log.bytes
    this.#lastEpoch = Math.max(this.#lastEpoch, log.epoch)
    this.#watchers.tell(log.name, null)
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
}
