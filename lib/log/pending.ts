// Records that a producer has appended and the store has not acknowledged: their order, batches and limit.
import { cursorOf } from './cursor.ts'
import { BATCH_LENGTH, BATCH_RECORDS } from './publisher.ts'
import { type Cursor, type LogRecord } from './store.ts'

/** One record that waits. */
export interface PendingRecord {
  readonly record: LogRecord
  /** When it fails. */
  readonly deadline: number
  readonly resolve: (cursor: Cursor) => void
  readonly reject: (error: unknown) => void
}

/** Above this the source of a run has to wait, characters. */
const FULL_LENGTH = BATCH_LENGTH / 2

/** The records of one writer that wait for the store. */
export class PendingRecords {
  readonly #records: PendingRecord[] = []
  #length = 0
  #isClosed = false
  #drained: PromiseWithResolvers | undefined

  get isEmpty (): boolean {
    return this.#records.length === 0
  }

  /** Whether as much waits as should; see {@link drained}. */
  get isFull (): boolean {
    return this.#length > FULL_LENGTH || this.#records.length > BATCH_RECORDS
  }

  /** Resolves once there is room again, or the writer is closed. */
  drained (): Promise<void> {
    if (!this.isFull || this.#isClosed) return Promise.resolve()
    this.#drained ??= promiseWithResolvers()
    return this.#drained.promise
  }

  add (pending: PendingRecord): void {
    this.#records.push(pending)
    this.#length += pending.record.data.length
  }

  /** The oldest, as many as go into one append. They stay until they are acknowledged. */
  batch (): readonly PendingRecord[] {
    let length = 0
    let count = 0
    for (; count < this.#records.length; count++) {
      length += this.#records[count]!.record.data.length
      if (count > 0 && (count >= BATCH_RECORDS || length > BATCH_LENGTH)) break
    }
    return this.#records.slice(0, count)
  }

  /** Resolves the records of a batch that the store has acknowledged, the first at this position. */
  acknowledge (batch: readonly PendingRecord[], epoch: number, seq: number): void {
    this.#records.splice(0, batch.length)
    for (const [i, { record, resolve }] of batch.entries()) {
      this.#length -= record.data.length
      resolve(cursorOf(epoch, seq + i))
    }
    if (this.isFull) return
    this.#drained?.resolve()
    this.#drained = undefined
  }

  /** Nothing more comes. What waits is rejected, where there is a reason. */
  close (reason: unknown): void {
    this.#isClosed = true
    if (reason !== undefined) for (const { reject } of this.#records.splice(0)) reject(reason)
    this.#drained?.resolve()
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function promiseWithResolvers (): PromiseWithResolvers {
  let resolve!: () => void
  const promise = new Promise<void>(_resolve => { resolve = _resolve })
  return { promise, resolve }
}
