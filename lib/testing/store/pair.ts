// What the cases of the suite share: two handles on one store, and short ways to say what is appended.
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type AppendOptions, type Cursor, type LogEntry, type LogRecord, type Store } from '../../log/store.ts'

/** A store under test. */
export interface StoreUnderTest {
  /** Two handles on one store, as two processes have them. Where a store lives in one object, the same object twice. */
  readonly stores: readonly [Store, Store]
  /** Moves the store's clock on by so many ms. Without it, cases about time wait. */
  readonly advance?: ((ms: number) => void | Promise<void>) | undefined
  /**
   * Closes both handles, makes the store begin another generation with the data it has, as a restart of its server does,
   * and resolves to two new handles. Without it, cases about generations are skipped.
   */
  readonly restart?: (() => Promise<readonly [Store, Store]>) | undefined
  /** Called after each case, in place of closing both handles. */
  readonly close?: (() => Promise<void>) | undefined
}

/** One case of {@link storeCases}. */
export interface StoreCase {
  readonly name: string
  /** Rejects where the store does not keep the rule. Resolves to why the case was skipped, if it was. */
  run (): Promise<string | undefined>
}

/** Long enough for everything that is not about expiry, ms. */
export const TTL = 600_000

/** Cases by name, before they are bound to a factory. */
export type Cases = Readonly<Record<string, (pair: Pair) => Promise<void>>>

/** Thrown by a case that needs what the factory does not offer. */
export class Skipped extends Error {}

/** Two handles, and a log of its own for each case, so that all may share one server. */
export class Pair {
  a: Store
  b: Store
  /** A name that no other case has. */
  readonly log = `case:${randomUUID()}`
  readonly #store: StoreUnderTest

  constructor (store: StoreUnderTest) {
    this.#store = store
    ;[this.a, this.b] = store.stores
  }

  /** Publishes: the store assigns the ids. */
  publish (data: readonly string[], options: Partial<AppendOptions> = {}, store = this.a): Promise<Cursor> {
    return store.append(this.log, data.map(text => event(text)), { ttl: TTL, ...options })
  }

  /** Appends at a position, as a producer does. */
  produce (first: Cursor, records: readonly LogRecord[], options: Partial<AppendOptions> = {}, store = this.a): Promise<Cursor> {
    return store.append(this.log, records, { first, ttl: TTL, ...options })
  }

  /** Every entry after a cursor, page by page. */
  async readAll (after: Cursor | null = null, { limit = 500, store = this.b } = {}): Promise<LogEntry[]> {
    const all: LogEntry[] = []
    let page
    do {
      page = await store.read(this.log, all.at(-1)?.id ?? after, { limit })
      all.push(...page.entries)
      // A page may be shorter than its limit.
    } while (page.entries.length > 0)
    return all
  }

  /** Lets time pass by the store's clock. */
  async elapse (ms: number): Promise<void> {
    if (this.#store.advance !== undefined) await this.#store.advance(ms)
    else await delay(ms)
  }

  /** Gives the store another generation. */
  async restart (): Promise<void> {
    const stores = await this.#store.restart?.()
    if (stores === undefined) throw new Skipped('The factory offers no `restart`')
    ;[this.a, this.b] = stores
  }

  async close (): Promise<void> {
    if (this.#store.close !== undefined) await this.#store.close()
    else await Promise.all([...new Set([this.a, this.b])].map(store => store.close()))
  }
}

export function event (data: string, type = '', meta = ''): LogRecord {
  return { kind: 'event', type, data, meta }
}

export function open (nonce: string, type: Cursor | '' = ''): LogRecord {
  return { kind: 'open', type, data: nonce, meta: '' }
}

export function end (state = 'complete', data = ''): LogRecord {
  return { kind: 'end', type: state, data, meta: '' }
}

/** Ids and payloads, for comparisons that a failure shows whole. */
export function brief (entries: readonly LogEntry[]): string[] {
  return entries.map(({ id, kind, data }) => kind === 'event' ? `${id} ${data}` : `${id} ${kind}`)
}

/** Resolves once a condition holds; there is no bound on the time it takes, as the runner has one. */
export async function until (condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await delay(2)
}
