// Logs in a file of SQLite, for the processes of one machine.
import { uptime } from 'node:os'
import { storeOptions, type StoreOptions } from '../log/limits.ts'
import type { AppendOptions, Cursor, LogRecord, Notify, ReadOptions, Slice, Store, StoreLimits } from '../log/store.ts'
import { SqliteChanges } from './sqlite-changes.ts'
import { openDatabase, type SqliteDatabase } from './sqlite-database.ts'
import { SqliteLogs } from './sqlite-log.ts'
import { Statements } from './sqlite-statements.ts'
import { SqliteTransactions } from './sqlite-transactions.ts'

export type { SqliteDatabase } from './sqlite-database.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions extends StoreOptions {
  /**
   * `'normal'` survives the death of the process; when the machine loses power, the last appends may be lost, and
   * readers get a `$gap`. `'full'` waits for the disk at each append.
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

const RULES = { synchronous: { expected: "'normal' or 'full'", accepts: (value: unknown) => value === 'normal' || value === 'full' } }

/** Use {@link sqliteStore}; the class takes a clock too, for tests. */
export class SqliteStore implements Store {
  readonly limits: StoreLimits
  readonly #now: () => number
  readonly #logs: SqliteLogs
  readonly #transactions: SqliteTransactions
  readonly #changes: SqliteChanges
  readonly #closeDatabase: () => unknown
  #isClosed = false

  /**
   * @param now ms since 1970
   * @param bootedAt when the machine was started, ms since 1970
   */
  constructor (database: SqliteDatabase, options: SqliteStoreOptions = {}, now: () => number = Date.now, bootedAt = Date.now() - uptime() * 1_000) {
    const { synchronous = 'normal', ...limits } = storeOptions(options, RULES)
    this.limits = limits
    this.#now = now
    const statements = new Statements(openDatabase(database, synchronous, bootedAt))
    this.#logs = new SqliteLogs(statements)
    this.#transactions = new SqliteTransactions(statements)
    this.#changes = new SqliteChanges(statements)
    this.#closeDatabase = () => database.close()
  }

  async append (log: string, records: readonly LogRecord[], options: AppendOptions): Promise<Cursor> {
    const appended = await this.#transactions.write(() => this.#logs.append(log, records, options, this.#now()), options.signal)
    this.#changes.tell(log, appended)
    return appended.last
  }

  async read (log: string, after: Cursor | null, options: ReadOptions): Promise<Slice> {
    return this.#transactions.read(() => this.#logs.read(log, after, options, this.#now()), options.signal)
  }

  async watch (log: string, notify: Notify): Promise<() => void> {
    return this.#transactions.read(() => this.#changes.watch(log, notify))
  }

  async delete (log: string): Promise<void> {
    const existed = await this.#transactions.write(() => this.#logs.delete(log, this.#now()))
    if (existed) this.#changes.tellDeleted(log)
  }

  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#transactions.close()
    this.#changes.close()
    this.#closeDatabase()
  }
}
