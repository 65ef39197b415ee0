// Logs as rows: what an append and a read do within their transaction.

import { accept, type LogHead } from '../log/accept.ts'
import { cursorOf, type Position, positionOf } from '../log/cursor.ts'
import type { AppendOptions, Cursor, LogEntry, LogRecord, ReadOptions, Slice } from '../log/store.ts'
import type { Database, Row, Statement, Value } from './sqlite-database.ts'

/** What an append did; without entries nothing was written, or a renewal was. */
export interface Appended {
  readonly last: Cursor
  readonly entries: readonly LogEntry[]
  /** The count of changes that the log had before it (0 where it did not exist), and has since. */
  readonly before: number
  readonly changed: number
}

interface StoredLog extends LogHead {
  readonly id: number
  /** About how many events it has. */
  readonly events: number
  readonly leasedUntil: number
  readonly changed: number
}

interface Found {
  /** null where it does not exist, or is expired. */
  readonly log: StoredLog | null
  /** The store's present one. */
  readonly generation: number
  /** The highest epoch of a log that is gone: the next of its name must not take it again in the same ms. */
  readonly lastEpoch: number
  /** The count that this change gets. */
  readonly changed: number
}

/** How long a publisher's last token is remembered at least, ms. */
const TOKEN_TTL = 60_000
/** So many events more than asked for are kept before some are deleted, or as many as asked for where epochs are mixed. */
const SLACK = 64
/** Rows deleted in one go. */
const SWEEP_ROWS = 1_000
/** Logs looked at in one go. */
const SWEEP_LOGS = 4
/** Between two looks for expired logs, ms; the second while some are left. */
const SWEEP_PAUSE = 10_000
const SWEEP_BUSY_PAUSE = 20
/** The store's integers are exact below that. */
const LATEST = Number.MAX_SAFE_INTEGER

const number = (value: Row[string]): number => Number(value)

/** Node.js 22 reads text only as far as its first NUL. */
const toValue = (text: string): Value => text.includes('\0') ? Buffer.from(text) : text
const toText = (value: Row[string]): string => value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)

export class SqliteLogs {
  readonly #database: Database
  readonly #statements = new Map<string, Statement>()
  #nextSweep = 0

  constructor (database: Database) {
    this.#database = database
  }

  append (name: string, records: readonly LogRecord[], options: AppendOptions, now: number): Appended {
    const found = this.#find(name, now)
    const known = found.log === null ? undefined : this.#duplicate(found.log.id, options, now)
    if (known !== undefined) return { last: known, entries: [], before: 0, changed: 0 }
    const accepted = accept(found.log, records, options, Math.max(now, found.lastEpoch + 1))
    if ('duplicate' in accepted) return { last: accepted.duplicate, entries: [], before: 0, changed: 0 }
    const log = found.log ?? this.#create(name, found.changed)
    const entries = accepted.records.map(({ kind, type, data, meta }, i): LogEntry => ({ kind, type, data, meta, id: cursorOf(accepted.epoch, accepted.seq + i) }))
    let { events } = log
    for (const [i, { kind, type, data, meta }] of entries.entries()) {
      this.#sql('INSERT INTO sse_entry VALUES (?, ?, ?, ?, ?, ?, ?)').run(log.id, accepted.epoch, accepted.seq + i, kind, toValue(type), toValue(data), toValue(meta))
      if (kind === 'event') events++
    }
    const seq = accepted.seq + Math.max(0, entries.length - 1)
    if (options.maxEvents !== undefined) events = this.#trim(log.id, accepted.epoch, seq, events, options.maxEvents)
    this.#update({ ...log, epoch: accepted.epoch, seq, events }, entries, options, found, now)
    const last = cursorOf(accepted.epoch, seq)
    this.#remember(log.id, last, options, now)
    this.#sweep(now, found.changed)
    return { last, entries, before: found.log?.changed ?? 0, changed: found.changed }
  }

  read (name: string, cursor: Cursor | null, { limit, maxText = Infinity, last }: ReadOptions, now: number): Slice {
    const log = this.#sql('SELECT * FROM sse_log WHERE name = ? AND is_live = 1').get(name)
    if (!log || number(log['expires_at']) <= now) return { entries: [], tail: null, lease: null }
    const id = number(log['id'])
    const epoch = number(log['epoch'])
    const seq = number(log['seq'])
    const after = cursor === null ? { epoch: -1, seq: -1 } : positionOf(cursor)
    const from = last === undefined ? after : this.#beforeLast(id, epoch, seq - number(log['is_ended']), last)
    // Most reads are of somebody who has all.
    const isCurrent = from.epoch === epoch && from.seq === seq
    const entries = isCurrent
      ? []
      : pageOf(this.#sql('SELECT * FROM sse_entry WHERE log = ? AND (epoch, seq) > (?, ?) ORDER BY epoch, seq LIMIT ?').iterate(id, from.epoch, from.seq, limit), maxText)
    const newest = entries.at(-1)
    const tail = newest?.id === cursorOf(epoch, seq)
      ? newest
      : entryOf(this.#sql('SELECT * FROM sse_entry WHERE log = ? AND epoch = ? AND seq = ?').get(id, epoch, seq)!)
    const lease = number(log['leased_until']) - now
    return { entries, tail, lease: lease > 0 ? lease : null }
  }

  /**
   * The position from which the newest n events follow, or the oldest where there are fewer.
   *
   * @param events of the newest epoch
   */
  #beforeLast (log: number, epoch: number, events: number, n: number): Position {
    if (events >= n) return { epoch, seq: events - n }
    const row = this.#sql("SELECT epoch, seq FROM sse_entry WHERE log = ? AND kind = 'event' ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET ?").get(log, n - 1) ??
      this.#sql("SELECT epoch, seq FROM sse_entry WHERE log = ? AND kind = 'event' ORDER BY epoch, seq LIMIT 1").get(log)
    return row ? { epoch: number(row['epoch']), seq: number(row['seq']) - 1 } : { epoch, seq: 0 }
  }

  /** @returns whether there was one */
  delete (name: string, now: number): boolean {
    const row = this.#sql('SELECT id, epoch, (SELECT max(changed) FROM sse_log) AS changes FROM sse_log WHERE name = ? AND is_live = 1').get(name)
    if (!row) return false
    this.#retire(number(row['id']), number(row['changes']) + 1)
    this.#nextSweep = 0
    this.#sweep(now, number(row['changes']) + 1)
    return true
  }

  /** The logs that changed since a count, in the order of their changes. */
  changesSince (count: number): Array<{ name: string, changed: number }> {
    const rows = this.#sql('SELECT CAST(name AS BLOB) AS name, changed FROM sse_log WHERE changed > ? ORDER BY changed').all(count)
    return rows.map(({ name, changed }) => ({ name: toText(name), changed: number(changed) }))
  }

  latestChange (): number {
    return number(this.#sql('SELECT max(changed) AS changes FROM sse_log').get()!['changes'])
  }

  /** Changes whenever another connection has committed. */
  dataVersion (): number {
    return number(this.#sql('PRAGMA data_version').get()!['data_version'])
  }

  transaction<T> (begin: 'BEGIN' | 'BEGIN IMMEDIATE', action: () => T): T {
    this.#sql(begin).run()
    try {
      const result = action()
      this.#sql('COMMIT').run()
      return result
    } catch (error) {
      try {
        this.#sql('ROLLBACK').run()
      } catch { /* SQLite has done so itself, as it does where the disk is full */ }
      throw error
    }
  }

  #sql (sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #find (name: string, now: number): Found {
    const row = this.#sql(`SELECT log.*, store.generation AS present, store.suspect_before, store.last_epoch, (SELECT max(changed) FROM sse_log) AS changes
      FROM sse_store AS store LEFT JOIN sse_log AS log ON log.name = ? AND log.is_live = 1`).get(name)!
    const found = { generation: number(row['present']), lastEpoch: number(row['last_epoch']), changed: number(row['changes']) + 1 }
    if (row['id'] === null) return { ...found, log: null }
    const id = number(row['id'])
    const epoch = number(row['epoch'])
    if (number(row['expires_at']) <= now) {
      this.#retire(id, found.changed)
      return { ...found, log: null, lastEpoch: Math.max(found.lastEpoch, epoch) }
    }
    const log: StoredLog = {
      id,
      epoch,
      seq: number(row['seq']),
      isEnded: number(row['is_ended']) === 1,
      nonce: toText(row['nonce']),
      isCurrent: number(row['generation']) === found.generation,
      isSuspect: number(row['generation']) < number(row['suspect_before']),
      events: number(row['events']),
      leasedUntil: number(row['leased_until']),
      changed: number(row['changed'])
    }
    return { ...found, log }
  }

  #create (name: string, changed: number): StoredLog {
    const { lastInsertRowid } = this.#sql("INSERT INTO sse_log VALUES (NULL, ?, 1, 0, 0, 0, '', 0, 0, 0, 0, 0, ?)").run(name, changed)
    return { id: Number(lastInsertRowid), epoch: 0, seq: 0, isEnded: false, nonce: '', isCurrent: true, events: 0, leasedUntil: 0, changed }
  }

  #update (log: StoredLog, entries: readonly LogEntry[], { lease, ttl }: AppendOptions, { changed, generation }: Found, now: number): void {
    const isEnded = entries.at(-1)?.kind === 'end'
    const leasedUntil = isEnded ? 0 : lease === undefined ? log.leasedUntil : after(now, lease)
    const nonce = entries[0]?.kind === 'open' ? entries[0].data : log.nonce
    this.#sql(`UPDATE sse_log SET epoch = ?, seq = ?, is_ended = ?, nonce = ?, generation = ?, events = ?, expires_at = ?, leased_until = ?,
      changed = ? WHERE id = ?`).run(log.epoch, log.seq, isEnded ? 1 : 0, toValue(nonce), generation, log.events, after(now, ttl), leasedUntil,
      entries.length > 0 ? changed : log.changed, log.id)
  }

  /** The log is gone from now on; its rows go by and by. */
  #retire (id: number, changed: number): void {
    this.#sql('UPDATE sse_store SET last_epoch = max(last_epoch, (SELECT epoch FROM sse_log WHERE id = ?))').run(id)
    this.#sql('UPDATE sse_log SET is_live = 0, sweep_at = 0, changed = ? WHERE id = ?').run(changed, id)
  }

  /** The id that a repeated append was given before. */
  #duplicate (log: number, { first, token, idempotencyKey }: AppendOptions, now: number): Cursor | undefined {
    if (first !== undefined) return undefined
    if (token !== undefined) {
      const row = this.#sql('SELECT sequence, id FROM sse_token WHERE log = ? AND publisher = ?').get(log, token.publisher)
      if (row && number(row['sequence']) >= token.sequence) return row['id'] as Cursor
      // A new publisher: the time to forget old ones.
      if (!row) this.#sql('DELETE FROM sse_token WHERE log = ? AND at < ?').run(log, now - TOKEN_TTL)
    }
    if (idempotencyKey === undefined) return undefined
    return this.#sql('SELECT id FROM sse_key WHERE log = ? AND key = ? AND expires_at > ?').get(log, idempotencyKey, now)?.['id'] as Cursor | undefined
  }

  #remember (log: number, id: Cursor, { first, token, idempotencyKey, ttl }: AppendOptions, now: number): void {
    if (first !== undefined) return
    if (token !== undefined) this.#sql('INSERT OR REPLACE INTO sse_token VALUES (?, ?, ?, ?, ?)').run(log, token.publisher, token.sequence, id, now)
    if (idempotencyKey !== undefined) {
      this.#sql('DELETE FROM sse_key WHERE log = ? AND expires_at <= ?').run(log, now)
      this.#sql('INSERT OR REPLACE INTO sse_key VALUES (?, ?, ?, ?)').run(log, idempotencyKey, id, after(now, ttl))
    }
  }

  /** @returns how many events are left, about */
  #trim (log: number, epoch: number, seq: number, events: number, maxEvents: number): number {
    let from: { epoch: number, seq: number }
    if (seq > maxEvents) {
      if (events < maxEvents + SLACK) return events
      from = { epoch, seq: seq - maxEvents }
    } else {
      if (events < maxEvents + Math.max(SLACK, maxEvents)) return events
      const row = this.#sql("SELECT epoch, seq FROM sse_entry WHERE log = ? AND kind = 'event' ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET ?").get(log, maxEvents - 1)!
      from = { epoch: number(row['epoch']), seq: number(row['seq']) }
    }
    const { changes } = this.#sql('DELETE FROM sse_entry WHERE log = ? AND (epoch, seq) < (?, ?)').run(log, from.epoch, from.seq)
    return events - Number(changes)
  }

  /** Deletes some of what is expired or deleted. Without appends nothing grows, so no timer is needed. */
  #sweep (now: number, changed: number): void {
    // The clock may have been set back.
    if (now < this.#nextSweep && this.#nextSweep - now <= SWEEP_PAUSE) return
    const rows = this.#sql('SELECT id, is_live, expires_at FROM sse_log WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?').all(now, SWEEP_LOGS)
    for (const row of rows) {
      const id = number(row['id'])
      if (number(row['is_live']) === 0) this.#deleteRows(id)
      else if (number(row['expires_at']) <= now) this.#retire(id, changed)
      else this.#sql('UPDATE sse_log SET sweep_at = expires_at WHERE id = ?').run(id)
    }
    this.#nextSweep = now + (rows.length === 0 ? SWEEP_PAUSE : SWEEP_BUSY_PAUSE)
  }

  #deleteRows (log: number): void {
    const row = this.#sql('SELECT epoch, seq FROM sse_entry WHERE log = ? ORDER BY epoch, seq LIMIT 1 OFFSET ?').get(log, SWEEP_ROWS)
    if (row) {
      this.#sql('DELETE FROM sse_entry WHERE log = ? AND (epoch, seq) < (?, ?)').run(log, number(row['epoch']), number(row['seq']))
      return
    }
    this.#sql('DELETE FROM sse_entry WHERE log = ?').run(log)
    this.#sql('DELETE FROM sse_token WHERE log = ?').run(log)
    this.#sql('DELETE FROM sse_key WHERE log = ?').run(log)
    // The highest count stays: it must not be given out again, or those who poll would miss a change.
    this.#sql('DELETE FROM sse_log WHERE id = ? AND changed < (SELECT max(changed) FROM sse_log)').run(log)
  }
}

function after (now: number, ms: number): number {
  return Math.min(LATEST, Math.ceil(now + ms))
}

/** The entries up to that much text: what comes after is not even read. */
function pageOf (rows: Iterable<Row>, maxText: number): LogEntry[] {
  const entries: LogEntry[] = []
  let text = 0
  for (const row of rows) {
    const entry = entryOf(row)
    entries.push(entry)
    text += entry.data.length
    if (text >= maxText) break
  }
  return entries
}

function entryOf ({ epoch, seq, kind, type, data, meta }: Row): LogEntry {
  return { id: cursorOf(number(epoch), number(seq)), kind: kind as LogEntry['kind'], type: toText(type), data: toText(data), meta: toText(meta) }
}
