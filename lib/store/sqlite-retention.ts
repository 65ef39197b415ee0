// Deletes events beyond maxEvents, and, a few at a time, the rows of logs that expired or were deleted.
import type { Position } from '../log/cursor.ts'
import { nthNewestEvent, type Statements, toNumber } from './sqlite-statements.ts'

/** So many events more than asked for are kept before some are deleted, or as many as asked for where epochs are mixed. */
const SLACK = 64
/** Rows deleted in one go. */
const SWEEP_ROWS = 1_000
/** Logs looked at in one go. */
const SWEEP_LOGS = 4
/** Between two looks for expired logs, ms; the second while some are left. */
const SWEEP_PAUSE = 10_000
const SWEEP_BUSY_PAUSE = 20

export class SqliteRetention {
  readonly #statements: Statements
  #nextSweep = 0

  constructor (statements: Statements) {
    this.#statements = statements
  }

  /**
   * Deletes the oldest events of a log whose tail is at `epoch` and `seq`.
   *
   * @returns about how many events are left
   */
  trim (log: number, epoch: number, seq: number, events: number, maxEvents: number): number {
    let from: Position
    if (seq > maxEvents) {
      if (events < maxEvents + SLACK) return events
      from = { epoch, seq: seq - maxEvents }
    } else {
      if (events < maxEvents + Math.max(SLACK, maxEvents)) return events
      from = nthNewestEvent(this.#statements, log, maxEvents)!
    }
    const { changes } = this.#statements.of('DELETE FROM sse_entry WHERE log = ? AND (epoch, seq) < (?, ?)').run(log, from.epoch, from.seq)
    return events - Number(changes)
  }

  /** Marks a log as gone; {@link sweep} deletes its rows later. */
  retire (log: number, changed: number): void {
    this.#statements.of('UPDATE sse_store SET last_epoch = max(last_epoch, (SELECT epoch FROM sse_log WHERE id = ?))').run(log)
    this.#statements.of('UPDATE sse_log SET is_live = 0, sweep_at = 0, changed = ? WHERE id = ?').run(changed, log)
  }

  /** Makes the next {@link sweep} look at once. */
  sweepSoon (): void {
    this.#nextSweep = 0
  }

  /** Deletes some of what is expired or deleted. Without appends nothing grows, so no timer is needed. */
  sweep (now: number, changed: number): void {
    // The clock may have been set back.
    if (now < this.#nextSweep && this.#nextSweep - now <= SWEEP_PAUSE) return
    const rows = this.#statements.of('SELECT id, is_live, expires_at FROM sse_log WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?').all(now, SWEEP_LOGS)
    for (const row of rows) {
      const id = toNumber(row['id'])
      if (toNumber(row['is_live']) === 0) this.#deleteRows(id)
      else if (toNumber(row['expires_at']) <= now) this.retire(id, changed)
      else this.#statements.of('UPDATE sse_log SET sweep_at = expires_at WHERE id = ?').run(id)
    }
    this.#nextSweep = now + (rows.length === 0 ? SWEEP_PAUSE : SWEEP_BUSY_PAUSE)
  }

  #deleteRows (log: number): void {
    const row = this.#statements.of('SELECT epoch, seq FROM sse_entry WHERE log = ? ORDER BY epoch, seq LIMIT 1 OFFSET ?').get(log, SWEEP_ROWS)
    if (row) {
      this.#statements.of('DELETE FROM sse_entry WHERE log = ? AND (epoch, seq) < (?, ?)').run(log, toNumber(row['epoch']), toNumber(row['seq']))
      return
    }
    this.#statements.of('DELETE FROM sse_entry WHERE log = ?').run(log)
    this.#statements.of('DELETE FROM sse_token WHERE log = ?').run(log)
    this.#statements.of('DELETE FROM sse_key WHERE log = ?').run(log)
    // Keep the highest count: if it were given out again, polling processes would miss a change.
    this.#statements.of('DELETE FROM sse_log WHERE id = ? AND changed < (SELECT max(changed) FROM sse_log)').run(log)
  }
}
