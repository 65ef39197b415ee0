// The two SQLite packages as one, and the file: its tables, its format version, its generation.
import { SSE_ERR_OPTION } from '../errors.ts'

/**
 * A `DatabaseSync` of node:sqlite (Node.js 22.13 and later) or a `Database` of better-sqlite3 12. Only what both have is
 * named, so that neither has to be installed for these types.
 */
export interface SqliteDatabase {
  exec: (sql: string) => unknown
  prepare: (sql: string) => { run: (...values: never[]) => unknown, get: (...values: never[]) => unknown, all: (...values: never[]) => unknown, iterate: (...values: never[]) => unknown }
  close: () => unknown
}

export type Value = string | number | Uint8Array | null
export type Row = Readonly<Record<string, Value | bigint | undefined>>

export interface Statement {
  run (...values: Value[]): { readonly changes: number | bigint, readonly lastInsertRowid: number | bigint }
  get (...values: Value[]): Row | undefined | null
  all (...values: Value[]): readonly Row[]
  iterate (...values: Value[]): Iterable<Row>
}

export interface Database {
  exec (sql: string): void
  prepare (sql: string): Statement
  close (): void
}

/** Version of the tables below, in the file's `user_version`. */
const FORMAT = 2

/** How long the event loop may stand still for a lock that another process holds, ms. Then the store waits without. */
const BUSY_TIMEOUT = 50
/** Times of one boot differ by no more than that: they are taken from a clock that may be adjusted, ms. */
const SAME_BOOT = 5_000
/** How long to try, when a file is opened, for a lock that other openers hold for moments, ms. */
const OPEN_TIMEOUT = 2_000

/*
 * A log is a row of sse_log with a surrogate key, so that deletion is an update and its entries can go later. `changed`
 * counts up over all logs: whoever polls asks for what is above the last count it saw. `publisher` and what follows is the
 * last token; sse_token has those of earlier publishers.
 */
const TABLES = `
  CREATE TABLE sse_store (
    generation INTEGER NOT NULL, last_epoch INTEGER NOT NULL, booted_at INTEGER NOT NULL, suspect_before INTEGER NOT NULL
  ) STRICT;
  INSERT INTO sse_store VALUES (0, 0, 0, 0);
  CREATE TABLE sse_log (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, is_live INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    is_ended INTEGER NOT NULL, nonce ANY NOT NULL, generation INTEGER NOT NULL, events INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, leased_until INTEGER NOT NULL, sweep_at INTEGER NOT NULL, changed INTEGER NOT NULL,
    publisher TEXT, sequence INTEGER, token_id TEXT, token_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX sse_log_name ON sse_log (name) WHERE is_live = 1;
  CREATE INDEX sse_log_sweep ON sse_log (sweep_at);
  CREATE INDEX sse_log_changed ON sse_log (changed);
  CREATE TABLE sse_entry (
    log INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    kind TEXT NOT NULL, type ANY NOT NULL, data ANY NOT NULL, meta ANY NOT NULL, PRIMARY KEY (log, epoch, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sse_token (
    log INTEGER NOT NULL, publisher TEXT NOT NULL, sequence INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (log, publisher)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sse_key (
    log INTEGER NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (log, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sse_key_expiry ON sse_key (log, expires_at);
  PRAGMA user_version = ${FORMAT};
`

/**
 * Makes a database that the app opened ready for the store.
 *
 * @param bootedAt when the machine was started, ms since 1970. A commit outlives its process, but perhaps not the machine's
 * power: what was written before another boot may have lost its end
 * @throws SSE_ERR_OPTION if it is no such database, or the file is of something else; what SQLite throws
 */
export function openDatabase (given: SqliteDatabase, synchronous: 'normal' | 'full', bootedAt: number): Database {
  const { exec, prepare, close } = (given ?? {}) as unknown as { [name: string]: unknown }
  if (typeof exec !== 'function' || typeof prepare !== 'function' || typeof close !== 'function') {
    throw new SSE_ERR_OPTION('database', 'a DatabaseSync of node:sqlite or a Database of better-sqlite3', given === null ? 'null' : typeof given)
  }
  const database = given as Database
  const isFirst = enterWal(database)
  database.exec(`PRAGMA synchronous = ${synchronous}; PRAGMA busy_timeout = ${BUSY_TIMEOUT}`)
  retryBusy(() => database.exec('BEGIN IMMEDIATE'))
  try {
    prepareTables(database)
    if (isFirst) {
      database.exec(`UPDATE sse_store SET generation = generation + 1, booted_at = ${Math.round(bootedAt)},
      suspect_before = iif(abs(booted_at - ${Math.round(bootedAt)}) > ${SAME_BOOT}, generation + 1, suspect_before)`)
    }
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
  return database
}

/**
 * Turns write-ahead logging on, and returns whether no other process has the file open. Only the sole connection can leave
 * that mode. While others have the file open it cannot have been replaced by an older one, or have lost its end with the
 * machine's power; so the first opener begins a new generation, and the others do not. Two that come at the same moment
 * may both take themselves for the first, which does no harm.
 */
function enterWal (database: Database): boolean {
  database.exec('PRAGMA busy_timeout = 0')
  let isFirst = true
  try {
    isFirst = journalMode(database, 'DELETE') !== 'wal'
  } catch (error) {
    if (!isBusy(error)) throw error
    isFirst = false
  }
  const mode = retryBusy(() => journalMode(database, 'WAL'))
  // A database in memory has no such mode.
  if (mode !== 'wal' && mode !== 'memory') {
    throw new SSE_ERR_OPTION('database', 'a database that can use write-ahead logging', `one in journal mode ${String(mode)}`)
  }
  return isFirst
}

function journalMode (database: Database, wanted: string): unknown {
  return database.prepare(`PRAGMA journal_mode = ${wanted}`).get()?.['journal_mode']
}

function prepareTables (database: Database): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version === FORMAT) return
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE type = 'table'").get()!
  if (version !== 0 || Number(tables) > 0) {
    throw new SSE_ERR_OPTION('database', `a file of its own (new, or of format ${FORMAT})`, `one of user_version ${version} with ${tables} tables`)
  }
  database.exec(TABLES)
}

/** Synchronous, as opening is: only while the app starts. */
function retryBusy<T> (action: () => T): T {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  // By the clock: an attempt may wait, too.
  const deadline = performance.now() + OPEN_TIMEOUT
  for (;;) {
    try {
      return action()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
    }
    Atomics.wait(cell, 0, 0, 20)
  }
}

/** Whether another connection held the lock for too long: SQLITE_BUSY and its extended codes. */
export function isBusy (error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown, errcode?: unknown }
  return typeof errcode === 'number' ? (errcode & 0xff) === 5 : String(code).startsWith('SQLITE_BUSY')
}
