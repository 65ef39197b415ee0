// What a producer keeps of its acknowledged records, in case the store loses them.
import { positionOf } from './cursor.ts'
import { type LogRecord, StoreError } from './store.ts'

/** Kept whatever their age, bytes: all of a short run. */
const SHORT = 65_536
const LONGEST = 1_048_576
/** What a store loses of acknowledged records is not older, ms: `appendfsync everysec` may delay a write by two seconds. */
const AGE = 5_000

/** The last acknowledged records of a writer, to be appended again under the same ids if the store lost them. */
export class RepairWindow {
  /** The seq of the oldest kept. */
  first = 0
  /** The seq after the newest. */
  next = 0
  readonly #records: Array<{ readonly record: LogRecord, readonly at: number }> = []
  #length = 0

  /** @param now ms */
  add (records: readonly LogRecord[], now: number): void {
    for (const record of records) {
      this.#records.push({ record, at: now })
      this.#length += lengthOf(record)
    }
    this.next += records.length
    let stale = 0
    while (this.#length > LONGEST || (this.#length > SHORT && this.#records[stale]!.at < now - AGE)) this.#length -= lengthOf(this.#records[stale++]!.record)
    if (stale === 0) return
    this.#records.splice(0, stale)
    this.first += stale
  }

  /**
   * From where records have to be appended again, because the store lost them: it was rolled back, or forgot the log.
   *
   * @throws the error, if it has another reason, or if the lost records are not kept any more
   */
  repairFrom (error: unknown, epoch: number): number {
    if (!(error instanceof StoreError)) throw error
    const tail = error.tail === null ? null : positionOf(error.tail)
    const isBehind = error.code === 'CONFLICT' && tail !== null && tail.epoch === epoch && tail.seq < this.next - 1
    if (error.code !== 'LOST' && !isBehind) throw error
    const from = isBehind ? tail!.seq + 1 : 0
    if (from < this.first) throw error
    return from
  }

  /** The records from a seq on, which must be kept. */
  since (seq: number): LogRecord[] {
    return this.#records.slice(seq - this.first).map(({ record }) => record)
  }
}

function lengthOf ({ type, data, meta }: LogRecord): number {
  return type.length + data.length + meta.length + 100
}
