// Statements of one database, each prepared once, and what their rows hold.
import type { Position } from '../log/cursor.ts'
import type { Database, Row, Statement, Value } from './sqlite-database.ts'

export class Statements {
  readonly #database: Database
  readonly #prepared = new Map<string, Statement>()

  constructor (database: Database) {
    this.#database = database
  }

  of (sql: string): Statement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}

/** The place of the n-th newest event of a log; undefined where it has fewer. */
export function nthNewestEvent (statements: Statements, log: number, n: number): Position | undefined {
  return placeOf(statements.of("SELECT epoch, seq FROM sse_entry WHERE log = ? AND kind = 'event' ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET ?").get(log, n - 1))
}

/** The place of the oldest event of a log; undefined where it has none. */
export function oldestEvent (statements: Statements, log: number): Position | undefined {
  return placeOf(statements.of("SELECT epoch, seq FROM sse_entry WHERE log = ? AND kind = 'event' ORDER BY epoch, seq LIMIT 1").get(log))
}

function placeOf (row: Row | null | undefined): Position | undefined {
  return row == null ? undefined : { epoch: toNumber(row['epoch']), seq: toNumber(row['seq']) }
}

/** node:sqlite gives a bigint where it was asked to; a store never asks, but the database is the app's. */
export const toNumber = (value: Row[string]): number => Number(value)

/** Node.js 22 reads text only as far as its first NUL. */
export const toValue = (text: string): Value => text.includes('\0') ? Buffer.from(text) : text
export const toText = (value: Row[string]): string => value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)
