import { compareCursors, cursorOf, positionOf } from '../../lib/log/cursor.ts'
import {
  type AppendOptions, type Cursor, type LogEntry, type LogRecord, type Notify, type ReadOptions, type Slice, type Store, StoreError, type StoreErrorCode
} from '../../lib/log/store.ts'

interface ModelLog {
  readonly entries: LogEntry[]
  expiresAt: number
  leasedUntil: number
  generation: number
  readonly tokens: Map<string, [number, Cursor]>
  readonly keys: Map<string, [number, Cursor]>
}

/**
 * The rules of a store, said a second time and as plainly as can be: nothing is trimmed, everything is copied. It can be
 * rolled back, as a server that comes back with what it had on disk.
 */
export class ModelStore implements Store {
  readonly limits = { appendTimeout: 10_000, maxEventBytes: 262_144 }
  readonly now: () => number
  /** What each epoch that was ever opened continued. */
  readonly opened = new Map<number, string>()
  #logs = new Map<string, ModelLog>()
  #generation = 1
  #epochs = 0
  readonly #watchers = new Map<string, Set<Notify>>()

  constructor (now: () => number) {
    this.now = now
  }

  async append (name: string, records: readonly LogRecord[], options: AppendOptions): Promise<Cursor> {
    const log = this.#logs.get(name)
    const live = log !== undefined && log.expiresAt > this.now() ? log : undefined
    if (live === undefined) this.#logs.delete(name)
    const tail = live?.entries.at(-1)
    const [first, write] = options.first === undefined ? this.#published(live, tail, records, options) : this.#fenced(live, tail, records, options.first, options.after ?? null)
    if (write === 'duplicate') return first
    const { epoch, seq } = positionOf(first)
    const entries = write.map((record, i): LogEntry => ({ ...record, id: cursorOf(epoch, seq + i) }))
    const target: ModelLog = live ?? { entries: [], expiresAt: 0, leasedUntil: 0, generation: this.#generation, tokens: new Map(), keys: new Map() }
    this.#logs.set(name, target)
    target.entries.push(...entries)
    if (options.first === undefined) target.generation = this.#generation
    for (const { kind, type } of entries) if (kind === 'open') this.opened.set(epoch, type)
    this.#epochs = Math.max(this.#epochs, epoch)
    target.expiresAt = this.now() + options.ttl
    if (target.entries.at(-1)!.kind === 'end') target.leasedUntil = 0
    else if (options.lease !== undefined) target.leasedUntil = this.now() + options.lease
    const last = target.entries.at(-1)!.id
    if (options.token !== undefined) target.tokens.set(options.token.publisher, [options.token.sequence, last])
    if (options.idempotencyKey !== undefined) target.keys.set(options.idempotencyKey, [this.now() + options.ttl, last])
    if (entries.length > 0) this.#notify(name, entries)
    return last
  }

  #published (log: ModelLog | undefined, tail: LogEntry | undefined, records: readonly LogRecord[], { token, idempotencyKey }: AppendOptions): [Cursor, readonly LogRecord[] | 'duplicate'] {
    const used = token === undefined ? undefined : log?.tokens.get(token.publisher)
    if (used !== undefined && used[0] >= token!.sequence) return [used[1], 'duplicate']
    const key = idempotencyKey === undefined ? undefined : log?.keys.get(idempotencyKey)
    if (key !== undefined && key[0] > this.now()) return [key[1], 'duplicate']
    if (tail === undefined) return [cursorOf(Math.max(this.now(), this.#epochs + 1), 0), [{ kind: 'open', type: '', data: '', meta: '' }, ...records]]
    if (tail.kind === 'end') throw refusal('ENDED', tail)
    const { epoch, seq } = positionOf(tail.id)
    if (log!.generation !== this.#generation) return [cursorOf(Math.max(this.now(), this.#epochs + 1), 0), [{ kind: 'open', type: tail.id, data: '', meta: '' }, ...records]]
    return [cursorOf(epoch, seq + 1), records]
  }

  #fenced (log: ModelLog | undefined, tail: LogEntry | undefined, records: readonly LogRecord[], first: Cursor, after: Cursor | 'any' | null): [Cursor, readonly LogRecord[] | 'duplicate'] {
    const { epoch, seq } = positionOf(first)
    if (tail === undefined) {
      if (seq === 0 && after === null && records.length > 0) return [first, records]
      throw refusal('LOST', undefined)
    }
    const { epoch: e, seq: n } = positionOf(tail.id)
    if (epoch < e) throw refusal('FENCED', tail)
    if (epoch > e) {
      if (seq === 0 && after === 'any' && records.length > 0) {
        if (tail.kind === 'end') throw refusal('ENDED', tail)
        return [first, [{ ...records[0]!, type: tail.id }, ...records.slice(1)]]
      }
      if (seq === 0 && after === tail.id && records.length > 0) return [first, records]
      throw refusal('CONFLICT', tail)
    }
    const last = seq + records.length - 1
    if (records.length > 0 && seq === 0) {
      const opening = log!.entries.find(({ id }) => id === first)
      if (opening?.data === records[0]!.data) return [cursorOf(epoch, last), 'duplicate']
      throw refusal('CONFLICT', tail)
    }
    if (records.length > 0 && last <= n) return [cursorOf(epoch, last), 'duplicate']
    if (tail.kind === 'end') throw refusal('ENDED', tail)
    if (seq === n + 1) return [records.length === 0 ? tail.id : first, records]
    throw refusal('CONFLICT', tail)
  }

  async read (name: string, after: Cursor | null, { limit, maxText = Infinity, last }: ReadOptions): Promise<Slice> {
    const log = this.#logs.get(name)
    if (log === undefined || log.expiresAt <= this.now()) return { entries: [], tail: null, lease: null }
    let entries: readonly LogEntry[] = log.entries.filter(({ id }) => after === null || compareCursors(id, after) > 0)
    if (last !== undefined) {
      const first = log.entries.filter(({ kind }) => kind === 'event').slice(-last)[0]
      entries = log.entries.slice(first === undefined ? log.entries.findLastIndex(({ kind }) => kind === 'open') + 1 : log.entries.indexOf(first))
    }
    let text = 0
    entries = entries.slice(0, limit).filter(({ data }) => {
      const isWithin = text < maxText
      text += data.length
      return isWithin
    })
    return { entries, tail: log.entries.at(-1)!, lease: log.leasedUntil > this.now() ? log.leasedUntil - this.now() : null }
  }

  async watch (name: string, notify: Notify): Promise<() => void> {
    const watcher: Notify = entries => notify(entries)
    const watchers = this.#watchers.get(name) ?? new Set<Notify>()
    this.#watchers.set(name, watchers.add(watcher))
    return () => { watchers.delete(watcher) }
  }

  async delete (name: string): Promise<void> {
    this.#logs.delete(name)
    this.#notify(name, null)
  }

  async close (): Promise<void> {}

  /** What {@link rollBack} comes back with. */
  save (): () => void {
    const saved = structuredClone([...this.#logs])
    return () => { this.#logs = new Map(structuredClone(saved)) }
  }

  /** Comes back as it was, as another generation, and without leases. */
  rollBack (restore: () => void): void {
    restore()
    this.#generation++
    for (const log of this.#logs.values()) log.leasedUntil = 0
    for (const log of this.#watchers.keys()) this.#notify(log, null)
  }

  #notify (name: string, entries: readonly LogEntry[] | null): void {
    for (const notify of this.#watchers.get(name) ?? []) notify(entries)
  }
}

function refusal (code: StoreErrorCode, tail: LogEntry | undefined): StoreError {
  return new StoreError(code, code, { tail: tail?.id ?? null })
}
