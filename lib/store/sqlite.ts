// Logs in a file of SQLite, for the processes of one machine.

import { uptime } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { limitsOf, type StoreOptions } from '../log/limits.ts'
import { StoreError, type AppendOptions, type Cursor, type LogRecord, type Notify, type ReadOptions, type Slice, type Store, type StoreLimits } from '../log/store.ts'
import { SSE_ERR_OPTION } from '../errors.ts'
import { isBusy, openDatabase, type SqliteDatabase } from './sqlite-database.ts'
import { SqliteLogs } from './sqlite-log.ts'

export type { SqliteDatabase } from './sqlite-database.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions extends StoreOptions {
  /**
   * `'normal'` survives the death of the process; when the machine loses power, the last appends may be lost, which readers
   * are told of with a `$gap`. `'full'` waits for the disk at each append.
   * @default 'normal'
   */
  synchronous?: 'normal' | 'full' | undefined
}

/**
 * Keeps logs in a file of SQLite, in write-ahead mode. Several processes of one machine may have it open.
 *
 * @param database a `DatabaseSync` of node:sqlite or a `Database` of better-sqlite3, with a file of its own. It belongs to
 * the store, which closes it
 * @throws SSE_ERR_OPTION
 */
export function sqliteStore (database: SqliteDatabase, options: SqliteStoreOptions = {}): Store {
  return new SqliteStore(database, options)
}

/** How often to look whether another process has written, while somebody watches, ms. */
const POLL = 25
/** How long to wait for a lock before a call fails, ms. */
const TIMEOUT = 2_000

interface Watchers {
  readonly notify: Set<Notify>
  /** The count of the last change that they know. */
  changed: number
}

/** Use {@link sqliteStore}; the class takes a clock too, for tests. */
export class SqliteStore implements Store {
  readonly limits: StoreLimits
  readonly #now: () => number
  readonly #logs: SqliteLogs
  readonly #close: () => unknown
  readonly #watchers = new Map<string, Watchers>()
  #poll: NodeJS.Timeout | undefined
  #dataVersion = 0
  /** Of changes that were polled. */
  #count = 0
  #isClosed = false

  /**
   * @param now ms since 1970
   * @param bootedAt when the machine was started, ms since 1970
   */
  constructor (database: SqliteDatabase, options: SqliteStoreOptions = {}, now: () => number = Date.now, bootedAt = Date.now() - uptime() * 1_000) {
    const { synchronous = 'normal' } = options
    if (synchronous !== 'normal' && synchronous !== 'full') throw new SSE_ERR_OPTION('synchronous', "'normal' or 'full'", String(synchronous))
    this.limits = limitsOf(options)
    this.#now = now
    this.#logs = new SqliteLogs(openDatabase(database, synchronous, bootedAt))
    this.#close = () => database.close()
  }

  async append (log: string, records: readonly LogRecord[], options: AppendOptions): Promise<Cursor> {
    const { last, entries, before, changed } = await this.#write(() => this.#logs.append(log, records, options, this.#now()), options.signal)
    if (entries.length > 0) {
      const watchers = this.#watchers.get(log)
      if (watchers !== undefined) {
        // Had another process written in between, its change would be hidden by ours.
        if (before <= watchers.changed) watchers.changed = changed
        for (const notify of watchers.notify) notify(entries)
      }
    }
    return last
  }

  async read (log: string, after: Cursor | null, options: ReadOptions): Promise<Slice> {
    return this.#attempt('BEGIN', () => this.#logs.read(log, after, options, this.#now()), options.signal)
  }

  async watch (log: string, notify: Notify): Promise<() => void> {
    // One function may watch twice: each call has its own entry.
    const watcher: Notify = entries => notify(entries)
    const watchers = await this.#attempt('BEGIN', () => {
      this.#startPolling()
      const present = this.#watchers.get(log) ?? { notify: new Set(), changed: this.#logs.latestChange() }
      this.#watchers.set(log, present)
      present.notify.add(watcher)
      return present
    })
    return () => {
      if (!watchers.notify.delete(watcher) || watchers.notify.size > 0) return
      if (this.#watchers.get(log) === watchers) this.#watchers.delete(log)
      if (this.#watchers.size === 0) this.#stopPolling()
    }
  }

  async delete (log: string): Promise<void> {
    const existed = await this.#write(() => this.#logs.delete(log, this.#now()))
    if (existed) for (const notify of this.#watchers.get(log)?.notify ?? []) notify(null)
  }

  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopPolling()
    this.#watchers.clear()
    this.#close()
  }

  #write<T> (action: () => T, signal?: AbortSignal): Promise<T> {
    return this.#attempt('BEGIN IMMEDIATE', action, signal)
  }

  /** Waits for a lock without holding the event loop up for longer than the busy timeout of the database. */
  async #attempt<T> (begin: 'BEGIN' | 'BEGIN IMMEDIATE', action: () => T, signal?: AbortSignal): Promise<T> {
    const start = performance.now()
    for (;;) {
      signal?.throwIfAborted()
      if (this.#isClosed) throw new StoreError('UNAVAILABLE', 'The SQLite store was closed')
      try {
        return this.#logs.transaction(begin, action)
      } catch (error) {
        if (error instanceof StoreError) throw error
        if (!isBusy(error) || performance.now() - start > TIMEOUT) {
          throw new StoreError('UNAVAILABLE', `SQLite is not available: ${(error as Error).message}`, { cause: error })
        }
      }
      await wait(1 + Math.random() * 10)
    }
  }

  #startPolling (): void {
    if (this.#poll !== undefined) return
    this.#dataVersion = this.#logs.dataVersion()
    this.#count = this.#logs.latestChange()
    this.#poll = setInterval(() => this.#look(), POLL).unref()
  }

  #stopPolling (): void {
    clearInterval(this.#poll)
    this.#poll = undefined
  }

  #look (): void {
    try {
      const version = this.#logs.dataVersion()
      if (version === this.#dataVersion) return
      const changes = this.#logs.changesSince(this.#count)
      this.#dataVersion = version
      for (const { name, changed } of changes) {
        this.#count = changed
        const watchers = this.#watchers.get(name)
        // Our own appends have told theirs.
        if (watchers === undefined || changed <= watchers.changed) continue
        for (const notify of watchers.notify) notify(null)
      }
    } catch { /* locked: the next look sees it */ }
  }
}
