// Recognises repeated appends: by the last token of each publisher, and by idempotency keys.
import type { AppendOptions, Cursor } from '../log/store.ts'
import { type Statements, toNumber } from './sqlite-statements.ts'

/** How long a publisher's last token is remembered at least, ms. */
const TOKEN_TTL = 60_000

/**
 * The last token of a log. It is kept in the log's own row, because most logs have one publisher for a long time, and a row
 * of another table is another page in each commit. sse_token has those of earlier publishers.
 */
export interface LastToken {
  /** Whether it is of the publisher that appends; undefined where nobody has appended with a token. */
  readonly isOurs: boolean | undefined
  readonly sequence: number
  readonly id: Cursor
}

export class SqliteTokens {
  readonly #statements: Statements

  constructor (statements: Statements) {
    this.#statements = statements
  }

  /** The id of the earlier append that this one repeats. */
  duplicateOf (log: number, last: LastToken, { first, token, idempotencyKey }: AppendOptions, now: number): Cursor | undefined {
    if (first !== undefined) return undefined
    if (token !== undefined && last.isOurs !== undefined) {
      const known = last.isOurs ? last : this.#earlier(log, token.publisher)
      if (known !== undefined && known.sequence >= token.sequence) return known.id
    }
    if (idempotencyKey === undefined) return undefined
    return this.#statements.of('SELECT id FROM sse_key WHERE log = ? AND key = ? AND expires_at > ?').get(log, idempotencyKey, now)?.['id'] as Cursor | undefined
  }

  /** Remembers an append, so that a repetition is recognised. Its own token goes into the log's row: see {@link LastToken}. */
  remember (log: number, last: LastToken, id: Cursor, { first, token, idempotencyKey }: AppendOptions, now: number, expiresAt: number): void {
    if (first !== undefined) return
    if (token !== undefined && last.isOurs === false) this.#setAside(log, token.publisher, now)
    if (idempotencyKey === undefined) return
    this.#statements.of('DELETE FROM sse_key WHERE log = ? AND expires_at <= ?').run(log, now)
    this.#statements.of('INSERT OR REPLACE INTO sse_key VALUES (?, ?, ?, ?)').run(log, idempotencyKey, id, expiresAt)
  }

  /** Moves the log's last token to sse_token, because another publisher takes its place. */
  #setAside (log: number, publisher: string, now: number): void {
    const { changes } = this.#statements.of('DELETE FROM sse_token WHERE log = ? AND publisher = ?').run(log, publisher)
    // A new publisher: the time to forget old ones.
    if (Number(changes) === 0) this.#statements.of('DELETE FROM sse_token WHERE log = ? AND at < ?').run(log, now - TOKEN_TTL)
    this.#statements.of('INSERT INTO sse_token SELECT id, publisher, sequence, token_id, token_at FROM sse_log WHERE id = ?').run(log)
  }

  #earlier (log: number, publisher: string): { sequence: number, id: Cursor } | undefined {
    const row = this.#statements.of('SELECT sequence, id FROM sse_token WHERE log = ? AND publisher = ?').get(log, publisher)
    return row ? { sequence: toNumber(row['sequence']), id: row['id'] as Cursor } : undefined
  }
}
