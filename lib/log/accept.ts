// The rules of `append` (see Store) as one pure function, for stores that decide in JavaScript. What it needs of a log
// has to be read, and its decision carried out, in one transaction.
import { cursorOf, positionOf } from './cursor.ts'
import { type AppendOptions, type Cursor, type LogRecord, StoreError } from './store.ts'

/** What decides on an append. */
export interface LogHead {
  readonly epoch: number
  readonly seq: number
  /** Whether the tail is an `end` record. */
  readonly isEnded: boolean
  /** The data of the `open` record of this epoch. */
  readonly nonce: string
  /** Whether the tail was written under the store's present generation. */
  readonly isCurrent: boolean
  /**
   * Whether the store may have lost what was acknowledged after the tail, where that is not current. Then the new epoch
   * does not continue the tail: a reader who is there may miss events as well as one who is ahead of it.
   */
  readonly isSuspect?: boolean
}

/** The records to write, from a position on; without records only ttl and lease are renewed. */
export interface Acceptance {
  readonly epoch: number
  /** The seq of the first record; of the tail, where there is none. */
  readonly seq: number
  /** What was asked for, after an `open` record of the store's own where an epoch has to be opened. */
  readonly records: readonly LogRecord[]
}

/** Nothing is to be written: it was before, under this id. */
export interface Duplicate {
  readonly duplicate: Cursor
}

/**
 * Decides on an append. Tokens and idempotency keys come before, as only the store knows those.
 *
 * @param head null where the log does not exist
 * @param now the store's clock, ms since 1970: the epoch of a log that is opened without `first`
 * @throws StoreError FENCED, ENDED, CONFLICT, LOST
 */
export function accept (head: LogHead | null, records: readonly LogRecord[], options: AppendOptions, now: number): Acceptance | Duplicate {
  return options.first === undefined ? acceptPublished(head, records, now) : acceptFenced(head, records, options.first, options.after ?? null)
}

function acceptPublished (head: LogHead | null, records: readonly LogRecord[], now: number): Acceptance {
  if (head === null) return { epoch: now, seq: 0, records: [opening(''), ...records] }
  const tail = cursorOf(head.epoch, head.seq)
  if (head.isEnded) throw new StoreError('ENDED', `The log was sealed at ${tail}`, { tail })
  if (!head.isCurrent) return { epoch: Math.max(now, head.epoch + 1), seq: 0, records: [opening(head.isSuspect === true ? '' : tail), ...records] }
  return { epoch: head.epoch, seq: records.length === 0 ? head.seq : head.seq + 1, records }
}

function opening (type: Cursor | ''): LogRecord {
  return { kind: 'open', type, data: '', meta: '' }
}

function acceptFenced (head: LogHead | null, records: readonly LogRecord[], first: Cursor, after: Cursor | 'any' | null): Acceptance | Duplicate {
  const { epoch, seq } = positionOf(first)
  if (head === null) {
    if (seq === 0 && after === null && records.length > 0) return { epoch, seq, records }
    throw new StoreError('LOST', `There is no log that ${first} could follow`)
  }
  const tail = cursorOf(head.epoch, head.seq)
  const conflict = (): StoreError => new StoreError('CONFLICT', `${first} does not follow the tail ${tail}`, { tail })
  if (epoch < head.epoch) throw new StoreError('FENCED', `Epoch ${epoch} was superseded, the tail is ${tail}`, { tail })
  const ended = (): StoreError => new StoreError('ENDED', `The log was sealed at ${tail}`, { tail })
  if (epoch > head.epoch) {
    if (seq === 0 && after === 'any' && records.length > 0) {
      if (head.isEnded) throw ended()
      return { epoch, seq, records: [{ ...records[0]!, type: tail }, ...records.slice(1)] }
    }
    if (seq === 0 && after === tail && records.length > 0) return { epoch, seq, records }
    throw conflict()
  }
  const last = seq + records.length - 1
  if (records.length > 0) {
    if (seq === 0) {
      if (records[0]!.data === head.nonce) return { duplicate: cursorOf(epoch, last) }
      throw conflict()
    }
    if (last <= head.seq) return { duplicate: cursorOf(epoch, last) }
  }
  if (head.isEnded) throw ended()
  if (seq !== head.seq + 1) throw conflict()
  return { epoch, seq: records.length === 0 ? head.seq : seq, records }
}
