// Publishing to topics: many publishers, no fence, one append in flight for each log of this process.
import { randomBytes } from 'node:crypto'
import { SSE_ERR_STORE } from '../errors.ts'
import { type Alarms, type Clock } from './clock.ts'
import { cursorOf, positionOf } from './cursor.ts'
import { checkCursor, isUnavailable, type StoreGate, within } from './gate.ts'
import { type AppendOptions, type Cursor, type LogRecord } from './store.ts'

/** How a record is published. */
export interface PublishOptions {
  readonly ttl: number
  readonly maxEvents: number
  /** The same key again within `ttl` resolves to the id of the first. */
  readonly idempotencyKey?: string | undefined
}

interface Publication {
  readonly record: LogRecord
  readonly options: PublishOptions
  /** When it fails. */
  readonly deadline: number
  readonly resolve: (cursor: Cursor) => void
  readonly reject: (error: unknown) => void
}

/** One append has at most that many records, and about that much text. */
export const BATCH_RECORDS = 500
export const BATCH_LENGTH = 524_288

/** The least time for an append, ms: records that waited out their timeout behind a slow one still get a try. */
export const SHORTEST_TRY = 250

const SHORTEST_PAUSE = 10
const LONGEST_PAUSE = 500

/** ms until the n-th try after the first: 10 to 500, jittered. */
export function pauseBefore (attempt: number): number {
  return Math.min(SHORTEST_PAUSE * 2 ** attempt, LONGEST_PAUSE) * (0.75 + Math.random() / 2)
}

/** All that this process publishes. A log costs something only while an append of it is in flight. */
export class Publisher {
  readonly #gate: StoreGate
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #waiting = new Map<string, Publication[]>()
  /** Tokens are kept by log, so one name does for all. */
  readonly #name = randomBytes(9).toString('base64url')
  #sequence = 0
  #isClosed = false

  constructor (gate: StoreGate, clock: Clock, alarms: Alarms) {
    this.#gate = gate
    this.#clock = clock
    this.#alarms = alarms
  }

  /**
   * Publishes in the order of the calls.
   *
   * @returns the place of the record, once the store has it
   * @throws SSE_ERR_STORE when the store did not acknowledge it within `appendTimeout`; it may have it all the same
   */
  publish (log: string, record: LogRecord, options: PublishOptions): Promise<Cursor> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closed())
        return
      }
      const publication = { record, options, deadline: this.#clock.now() + this.#gate.store.limits.appendTimeout, resolve, reject }
      const waiting = this.#waiting.get(log)
      if (waiting !== undefined) {
        waiting.push(publication)
        return
      }
      this.#waiting.set(log, [publication])
      // What is published in one turn is one append, and leaves in one write to each reader.
      queueMicrotask(() => this.#next(log))
    })
  }

  /** Fails what the store has not acknowledged yet. */
  close (): void {
    this.#isClosed = true
    for (const waiting of this.#waiting.values()) for (const { reject } of waiting.splice(0)) reject(closed())
  }

  #next (log: string): void {
    const waiting = this.#waiting.get(log)!
    if (waiting.length === 0) {
      this.#waiting.delete(log)
      return
    }
    const batch = waiting.splice(0, batchLength(waiting))
    this.#append(log, batch).then(cursor => {
      const { epoch, seq } = positionOf(cursor)
      for (const [i, { resolve }] of batch.entries()) resolve(cursorOf(epoch, seq - (batch.length - 1 - i)))
      this.#next(log)
    }, error => {
      for (const { reject } of batch) reject(error)
      this.#next(log)
    })
  }

  /** Repeats one append, under one token, until it is acknowledged or its oldest record is too old. */
  async #append (log: string, batch: readonly Publication[]): Promise<Cursor> {
    const { deadline, options: { ttl, maxEvents, idempotencyKey } } = batch[0]!
    const options: AppendOptions = { ttl, maxEvents, idempotencyKey, token: { publisher: this.#name, sequence: ++this.#sequence } }
    const records = batch.map(({ record }) => record)
    const turn = this.#gate.appends.take()
    if (turn !== undefined) await turn
    for (let attempt = 0; ; attempt++) {
      const left = Math.max(deadline - this.#clock.now(), SHORTEST_TRY)
      try {
        const last = await within(this.#gate.store.append(log, records, options), left, this.#alarms)
        this.#gate.succeeded()
        return checkCursor(last)
      } catch (error) {
        if (!isUnavailable(error)) throw error
        this.#gate.failed(error)
        const pause = pauseBefore(attempt)
        if (this.#isClosed) throw closed()
        if (this.#clock.now() + pause >= deadline) throw unacknowledged(this.#gate.store.limits.appendTimeout, error)
        await new Promise<void>(resolve => this.#clock.setTimer(resolve, pause, false))
      }
    }
  }
}

/** How many waiting records go into one append; one with a key is appended alone. */
function batchLength (waiting: readonly Publication[]): number {
  let length = 0
  for (let i = 0; i < waiting.length; i++) {
    const { record, options: { idempotencyKey } } = waiting[i]!
    length += record.data.length
    if (i > 0 && (idempotencyKey !== undefined || i >= BATCH_RECORDS || length > BATCH_LENGTH)) return i
    if (idempotencyKey !== undefined) return 1
  }
  return waiting.length
}

export function unacknowledged (appendTimeout: number, cause: unknown): Error {
  return new SSE_ERR_STORE(`it did not answer within its appendTimeout of ${appendTimeout} ms; what was to be written may be in it all the same`, { cause })
}

export function closed (): Error {
  return new SSE_ERR_STORE('it was closed')
}
