// The interface of a store, and the rules that every store keeps. All that is prone to races lives above it, in log/.

/**
 * A position in one log: `epoch-seq`, compared as numbers, epoch first. Within an epoch `seq` is contiguous from 0, the
 * record that opens it, so the successor of a position is arithmetic. Each has at most 15 digits.
 */
export type Cursor = `${number}-${number}`

/** How a run ended. */
export type EndState = 'complete' | 'failed' | 'stopped' | 'lost'

/** What is appended. */
export interface LogRecord {
  /** `open` starts an epoch, `event` is an event of the user, `end` seals the log: nothing follows within its epoch. */
  readonly kind: 'open' | 'event' | 'end'
  /** Of `event`: its name, '' for an unnamed one. Of `open`: the cursor that the epoch continues, '' for none. Of `end`: its {@link EndState}. */
  readonly type: string
  /** Of `event`: its payload as it goes out, JSON or raw text. Of `open`: the nonce of who opened it. Of `end`: its reason as JSON, or ''. */
  readonly data: string
  /** Kept and given back as it is, never interpreted by a store. */
  readonly meta: string
}

/** A record of the log, with its id. */
export interface LogEntry extends LogRecord {
  readonly id: Cursor
}

/** What tells one append of a publisher from the next, so that it can be repeated when its reply was lost. */
export interface PublishToken {
  /** The publisher: unique for each process and log. */
  readonly publisher: string
  /** Grows with each of the publisher's appends. It has one in flight at a time, so an earlier one is a late copy. */
  readonly sequence: number
}

export interface AppendOptions {
  /**
   * The id of `records[0]`: the append of a single producer, fenced and idempotent. Without it the store assigns the next
   * ids, which is how topics are published to.
   */
  readonly first?: Cursor | undefined
  /**
   * Only where `first` opens an epoch (seq 0): the tail that it supersedes; null where the log must not exist. `'any'`:
   * whatever the tail is, unless it is an `end`; the store makes it the type of the `open` record.
   */
  readonly after?: Cursor | 'any' | null | undefined
  /**
   * Only without `first`: the same token again, or an earlier one of its publisher, is a duplicate. A store remembers the
   * last of each publisher for 60 s at least.
   */
  readonly token?: PublishToken | undefined
  /** Only without `first`, and with one record: the same key again within `ttl` is a duplicate. */
  readonly idempotencyKey?: string | undefined
  /** Keep the newest that many events. A store may keep more, never fewer. Everything by default. */
  readonly maxEvents?: number | undefined
  /** The whole log is forgotten that long after its last append or renewal, ms. */
  readonly ttl: number
  /** Of a run: how long its producer counts as alive, ms. Set anew by each append, cleared by an `end` record. */
  readonly lease?: number | undefined
  /** Rejects with its reason; the outcome is then unknown, unless it was aborted before. No listener is left behind. */
  readonly signal?: AbortSignal | undefined
}

export interface ReadOptions {
  /** At most that many entries. */
  readonly limit: number
  /**
   * The page ends with the entry whose payload brings it to that much text, which a store counts in characters or bytes.
   * Only `limit` by default.
   */
  readonly maxText?: number | undefined
  /**
   * Instead of a cursor (pass null): begin at the newest n events, across epochs. `open` and `end` records do
   * not count. Where there are fewer, from the oldest event; where there is none, from what follows the newest `open` record.
   */
  readonly last?: number | undefined
  /** Rejects with its reason. No listener is left behind. */
  readonly signal?: AbortSignal | undefined
}

/** One page of a log. */
export interface Slice {
  /** Ascending, strictly after the cursor, without a hole that the store knows of. */
  readonly entries: readonly LogEntry[]
  /** The newest entry of the log; null if it does not exist. */
  readonly tail: LogEntry | null
  /** What is left of the producer's lease by the store's clock, ms; null if none is in force, also where it ran out. */
  readonly lease: number | null
}

/** Entries that were just appended, or null where the store cannot tell: then the log is to be read. */
export type Notify = (entries: readonly LogEntry[] | null) => void

/** Limits that the layers above apply to every store alike. */
export interface StoreLimits {
  /** How long an append is tried before it fails, ms. */
  readonly appendTimeout: number
  /** The longest payload of an event, in bytes of UTF-8. */
  readonly maxEventBytes: number
}

/**
 * Where logs are kept. A log is named by any string without lone surrogates.
 *
 * Rules of `append`, where T = `e-n` is the tail, `first` = `E-N`, and there are k records:
 *
 * | situation | result |
 * |---|---|
 * | `first`, no T | accepted if N = 0 and `after` is null, else LOST |
 * | E < e | FENCED |
 * | E = e, N = 0 | the `open` record has the same data (nonce): a duplicate; else CONFLICT |
 * | E = e, N + k - 1 <= n | a duplicate of what was acknowledged: nothing is written |
 * | E = e, T is an `end` | ENDED |
 * | E = e, N = n + 1 | accepted |
 * | E = e, otherwise | CONFLICT |
 * | E > e, N = 0, `after` is 'any' | ENDED if T is an `end`, else accepted, with T as the type of `records[0]` |
 * | E > e, otherwise | accepted if N = 0 and `after` = T, else CONFLICT |
 * | `first`, no records | FENCED, LOST and ENDED as above; E = e and N = n + 1: lease and ttl are renewed, resolves to T; else CONFLICT |
 * | no `first`, no T | opens the epoch (store's clock in ms) with an `open` record of its own, then the records from seq 1 |
 * | no `first`, T is an `end` | ENDED |
 * | no `first`, T was written under another generation of the store | opens the epoch max(clock, e + 1) with an `open` record, then the records; its type is T where nothing that was acknowledged after T can be lost, else '' |
 * | no `first`, otherwise | the records from n + 1 |
 * | no `first`, no records | renews the ttl; opens the log by the rules above if it does not exist or the generation differs |
 *
 * The *generation* changes whenever the store may have been rolled back (a restarted Redis, another opening of a file).
 * It is kept with each log. Producers with `first` repair a rolled back log by themselves, so it does not concern them.
 */
export interface Store {
  readonly limits: StoreLimits
  /**
   * Appends all records, or none, then notifies watchers.
   *
   * @returns the id of the last record (of a duplicate: the id it was given), or the tail where there is no record
   * @throws StoreError
   */
  append (log: string, records: readonly LogRecord[], options: AppendOptions): Promise<Cursor>
  /**
   * Reads one page. It has every append that was acknowledged before the call, by any process.
   *
   * @param after the cursor; null begins with the oldest record kept
   * @throws StoreError of code UNAVAILABLE
   */
  read (log: string, after: Cursor | null, options: ReadOptions): Promise<Slice>
  /**
   * Watches a log. Once it has resolved, every append by any process leads to a `notify` at least, unless the store loses
   * its connection; then it notifies with null when it is back. Hints may be lost, repeated, or late: they are not truth.
   *
   * @returns a function that stops watching
   */
  watch (log: string, notify: Notify): Promise<() => void>
  /**
   * Deletes a log, with its tokens and keys; one that does not exist is no error. Watchers are notified with null. When
   * it is opened again, even in the same ms, it gets a higher epoch, so that no old cursor fits.
   */
  delete (log: string): Promise<void>
  /** Frees connections, files and timers. Afterwards every call throws UNAVAILABLE. */
  close (): Promise<void>
}

/**
 * FENCED: a higher epoch exists. ENDED: the log is sealed. CONFLICT: `first` does not follow the tail, or `after` is not
 * it. LOST: the log does not exist. In these nothing was written. UNAVAILABLE: the store is down or did not answer in
 * time, so that the outcome is unknown; the same call may be repeated if it has `first`, `token` or an `idempotencyKey`.
 */
export type StoreErrorCode = 'FENCED' | 'ENDED' | 'CONFLICT' | 'LOST' | 'UNAVAILABLE'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  /** The tail that an append met; null where there was none or it is not known. */
  readonly tail: Cursor | null

  constructor (code: StoreErrorCode, message: string, options: { tail?: Cursor | null, cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.tail = options.tail ?? null
  }
}
