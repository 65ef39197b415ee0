// Logs as rows: what an append, a read and a deletion do within their transaction.
import { accept, type LogHead } from '../log/accept.ts'
import { cursorOf, type Position, positionOf } from '../log/cursor.ts'
import type { AppendOptions, Cursor, LogEntry, LogRecord, ReadOptions, Slice } from '../log/store.ts'
import type { OwnChange } from './sqlite-changes.ts'
import type { Row } from './sqlite-database.ts'
import { SqliteRetention } from './sqlite-retention.ts'
import { nthNewestEvent, oldestEvent, type Statements, toNumber, toText, toValue } from './sqlite-statements.ts'
import { type LastToken, SqliteTokens } from './sqlite-tokens.ts'

interface StoredLog extends LogHead {
  readonly id: number
  /** About how many events it has. */
  readonly events: number
  readonly leasedUntil: number
  readonly changed: number
  readonly token: LastToken
}

interface Found {
  /** null where it does not exist, or is expired. */
  readonly log: StoredLog | null
  /** The one that is expired: its rows are still there. */
  readonly expired: number | undefined
  /** The store's present one. */
  readonly generation: number
  /** The highest epoch of a log that is gone: the next of its name must not take it again in the same ms. */
  readonly lastEpoch: number
  /** The count that this change gets. */
  readonly changed: number
}

/** The store's integers are exact below that. */
const LATEST = Number.MAX_SAFE_INTEGER

const STATE = 'epoch = ?, seq = ?, is_ended = ?, nonce = ?, generation = ?, events = ?, expires_at = ?, leased_until = ?, changed = ?'
const UPDATE = `UPDATE sse_log SET ${STATE} WHERE id = ?`
const UPDATE_WITH_TOKEN = `UPDATE sse_log SET ${STATE}, publisher = ?, sequence = ?, token_id = ?, token_at = ? WHERE id = ?`

const NO_TOKEN: LastToken = { isOurs: undefined, sequence: 0, id: '0-0' }

export class SqliteLogs {
  readonly #statements: Statements
  readonly #tokens: SqliteTokens
  readonly #retention: SqliteRetention

  constructor (statements: Statements) {
    this.#statements = statements
    this.#tokens = new SqliteTokens(statements)
    this.#retention = new SqliteRetention(statements)
  }

  /** @throws StoreError, before anything is written */
  append (name: string, records: readonly LogRecord[], options: AppendOptions, now: number): OwnChange {
    const found = this.#find(name, options, now)
    const known = found.log === null ? undefined : this.#tokens.duplicateOf(found.log.id, found.log.token, options, now)
    if (known !== undefined) return { last: known, entries: [], before: 0, changed: 0 }
    const accepted = accept(found.log, records, options, Math.max(now, found.lastEpoch + 1))
    if ('duplicate' in accepted) return { last: accepted.duplicate, entries: [], before: 0, changed: 0 }

    if (found.expired !== undefined) this.#retention.retire(found.expired, found.changed)
    const log = found.log ?? this.#create(name, found.changed)
    const entries = accepted.records.map(({ kind, type, data, meta }, i): LogEntry => ({ kind, type, data, meta, id: cursorOf(accepted.epoch, accepted.seq + i) }))
    let { events } = log
    for (const [i, { kind, type, data, meta }] of entries.entries()) {
      this.#statements.of('INSERT INTO sse_entry VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(log.id, accepted.epoch, accepted.seq + i, kind, toValue(type), toValue(data), toValue(meta))
      if (kind === 'event') events++
    }
    const seq = accepted.seq + Math.max(0, entries.length - 1)
    if (options.maxEvents !== undefined) events = this.#retention.trim(log.id, accepted.epoch, seq, events, options.maxEvents)
    const last = cursorOf(accepted.epoch, seq)
    this.#tokens.remember(log.id, log.token, last, options, now, after(now, options.ttl))
    this.#update({ ...log, epoch: accepted.epoch, seq, events }, last, entries, options, found, now)
    this.#retention.sweep(now, found.changed)
    return { last, entries, before: found.log?.changed ?? 0, changed: found.changed }
  }

  read (name: string, cursor: Cursor | null, { limit, maxText = Infinity, last }: ReadOptions, now: number): Slice {
    const log = this.#statements.of('SELECT id, epoch, seq, is_ended, expires_at, leased_until FROM sse_log WHERE name = ? AND is_live = 1').get(name)
    if (!log || toNumber(log['expires_at']) <= now) return { entries: [], tail: null, lease: null }
    const id = toNumber(log['id'])
    const epoch = toNumber(log['epoch'])
    const seq = toNumber(log['seq'])
    const after = cursor === null ? { epoch: -1, seq: -1 } : positionOf(cursor)
    const from = last === undefined ? after : this.#beforeLast(id, epoch, seq - toNumber(log['is_ended']), last)
    // Most reads are of somebody who has all.
    const isCurrent = from.epoch === epoch && from.seq === seq
    const entries = isCurrent
      ? []
      : pageOf(this.#statements.of('SELECT * FROM sse_entry WHERE log = ? AND (epoch, seq) > (?, ?) ORDER BY epoch, seq LIMIT ?').iterate(id, from.epoch, from.seq, limit), maxText)
    const newest = entries.at(-1)
    const tail = newest?.id === cursorOf(epoch, seq)
      ? newest
      : entryOf(this.#statements.of('SELECT * FROM sse_entry WHERE log = ? AND epoch = ? AND seq = ?').get(id, epoch, seq)!)
    const lease = toNumber(log['leased_until']) - now
    return { entries, tail, lease: lease > 0 ? lease : null }
  }

  /**
   * The position from which the newest n events follow, or the oldest where there are fewer.
   *
   * @param events of the newest epoch
   */
  #beforeLast (log: number, epoch: number, events: number, n: number): Position {
    if (events >= n) return { epoch, seq: events - n }
    const first = nthNewestEvent(this.#statements, log, n) ?? oldestEvent(this.#statements, log)
    return first === undefined ? { epoch, seq: 0 } : { epoch: first.epoch, seq: first.seq - 1 }
  }

  /** @returns whether there was one */
  delete (name: string, now: number): boolean {
    const row = this.#statements.of('SELECT id, (SELECT max(changed) FROM sse_log) AS changes FROM sse_log WHERE name = ? AND is_live = 1').get(name)
    if (!row) return false
    const changed = toNumber(row['changes']) + 1
    this.#retention.retire(toNumber(row['id']), changed)
    this.#retention.sweepSoon()
    this.#retention.sweep(now, changed)
    return true
  }

  #find (name: string, { token }: AppendOptions, now: number): Found {
    const row = this.#statements.of(`SELECT log.id, log.epoch, log.seq, log.is_ended, log.nonce, log.generation, log.events, log.expires_at, log.leased_until,
        log.changed, log.publisher = ? AS is_ours, log.sequence, log.token_id, store.generation AS present, store.suspect_before, store.last_epoch,
        (SELECT max(changed) FROM sse_log) AS changes
      FROM sse_store AS store LEFT JOIN sse_log AS log ON log.name = ? AND log.is_live = 1`).get(token?.publisher ?? '', name)!
    const generation = toNumber(row['present'])
    const lastEpoch = toNumber(row['last_epoch'])
    const changed = toNumber(row['changes']) + 1
    if (row['id'] === null) return { log: null, expired: undefined, generation, lastEpoch, changed }
    const id = toNumber(row['id'])
    const epoch = toNumber(row['epoch'])
    if (toNumber(row['expires_at']) <= now) return { log: null, expired: id, generation, lastEpoch: Math.max(lastEpoch, epoch), changed }
    const log: StoredLog = {
      id,
      epoch,
      seq: toNumber(row['seq']),
      isEnded: toNumber(row['is_ended']) === 1,
      nonce: toText(row['nonce']),
      isCurrent: toNumber(row['generation']) === generation,
      isSuspect: toNumber(row['generation']) < toNumber(row['suspect_before']),
      events: toNumber(row['events']),
      leasedUntil: toNumber(row['leased_until']),
      changed: toNumber(row['changed']),
      token: row['is_ours'] === null ? NO_TOKEN : { isOurs: toNumber(row['is_ours']) === 1, sequence: toNumber(row['sequence']), id: row['token_id'] as Cursor }
    }
    return { log, expired: undefined, generation, lastEpoch, changed }
  }

  #create (name: string, changed: number): StoredLog {
    const { lastInsertRowid } = this.#statements.of("INSERT INTO sse_log VALUES (NULL, ?, 1, 0, 0, 0, '', 0, 0, 0, 0, 0, ?, NULL, NULL, NULL, NULL)").run(name, changed)
    return { id: Number(lastInsertRowid), epoch: 0, seq: 0, isEnded: false, nonce: '', isCurrent: true, events: 0, leasedUntil: 0, changed, token: NO_TOKEN }
  }

  #update (log: StoredLog, last: Cursor, entries: readonly LogEntry[], { first, token, lease, ttl }: AppendOptions, { changed, generation }: Found, now: number): void {
    const isEnded = entries.at(-1)?.kind === 'end'
    const leasedUntil = isEnded ? 0 : lease === undefined ? log.leasedUntil : after(now, lease)
    const nonce = entries[0]?.kind === 'open' ? entries[0].data : log.nonce
    const state = [log.epoch, log.seq, isEnded ? 1 : 0, toValue(nonce), generation, log.events, after(now, ttl), leasedUntil, entries.length > 0 ? changed : log.changed]
    if (token === undefined || first !== undefined) this.#statements.of(UPDATE).run(...state, log.id)
    else this.#statements.of(UPDATE_WITH_TOKEN).run(...state, token.publisher, token.sequence, last, now, log.id)
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
  return { id: cursorOf(toNumber(epoch), toNumber(seq)), kind: kind as LogEntry['kind'], type: toText(type), data: toText(data), meta: toText(meta) }
}
