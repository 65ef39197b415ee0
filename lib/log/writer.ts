// The producer of a run: appends in order, renews its lease, repairs what the store lost, and is fenced by its epoch.
import { SSE_ERR_LOST, SSE_ERR_STOPPED } from '../errors.ts'
import { type Alarm, type Alarms, type Clock } from './clock.ts'
import { cursorOf, positionOf } from './cursor.ts'
import { wasDeleted } from './deletions.ts'
import { isUnavailable, type StoreGate, within } from './gate.ts'
import { type PendingRecord, PendingRecords } from './pending.ts'
import { closed, pauseBefore, SHORTEST_TRY, unacknowledged } from './publisher.ts'
import { RepairWindow } from './repair.ts'
import { type Cursor, type EndState, type LogRecord, StoreError } from './store.ts'

/** How a run is written. */
export interface WriterOptions {
  readonly ttl: number
  readonly lease: number
}

/** How long a fenced writer asks who fenced it, ms: its signal waits for the answer. */
const REASON_TIMEOUT = 2_000

/**
 * The one producer of a run, which holds its lease: it renews it while silent, repairs what the store lost of its last
 * records, and stops when another epoch was opened. One append is in flight; what comes meanwhile goes in the next.
 */
export class Writer implements Alarm {
  slot = 0
  readonly log: string
  readonly #epoch: number
  readonly #options: WriterOptions
  readonly #gate: StoreGate
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #onClosed: (writer: Writer) => void
  readonly #controller = new AbortController()
  readonly #pending = new PendingRecords()
  readonly #acknowledged = new RepairWindow()
  #isBusy = false
  #isRenewalDue = false
  /** Set once nothing more is taken: what a later append is refused with. */
  #refusal: unknown
  #isClosed = false
  #lastAppendAt: number
  #unwatch: (() => void) | null = null

  /** @param opening the `open` record of the epoch, which the store has acknowledged */
  constructor (log: string, epoch: number, opening: LogRecord, options: WriterOptions, parts: { gate: StoreGate, clock: Clock, alarms: Alarms, onClosed: (writer: Writer) => void }) {
    this.log = log
    this.#epoch = epoch
    this.#options = options
    this.#gate = parts.gate
    this.#clock = parts.clock
    this.#alarms = parts.alarms
    this.#onClosed = parts.onClosed
    this.#lastAppendAt = this.#clock.now()
    this.#acknowledged.add([opening], this.#lastAppendAt)
    this.#alarms.set(this, options.lease / 3)
    this.#watch()
  }

  /** Fires when the run was stopped (SSE_ERR_STOPPED), taken for dead (SSE_ERR_LOST), or the store failed (SSE_ERR_STORE). */
  get signal (): AbortSignal {
    return this.#controller.signal
  }

  /** The place of the last record that the store has acknowledged. */
  get last (): Cursor {
    return cursorOf(this.#epoch, this.#acknowledged.next - 1)
  }

  /** Whether as much waits for the store as should; see {@link drained}. */
  get isFull (): boolean {
    return this.#pending.isFull
  }

  /** Resolves once more may be appended, or nothing can be. */
  drained (): Promise<void> {
    return this.#pending.drained()
  }

  /**
   * Appends a record after those before it.
   *
   * @returns its place, once the store has it
   * @throws what {@link signal} fires with
   */
  append (record: LogRecord): Promise<Cursor> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== undefined) {
        reject(this.#refusal)
        return
      }
      this.#pending.add({ record, deadline: this.#clock.now() + this.#gate.store.limits.appendTimeout, resolve, reject })
      this.#wake()
    })
  }

  /**
   * Seals the log after what was appended before, in one append with the last of it.
   *
   * @param data the reason, as JSON, or ''
   */
  end (state: EndState, data = ''): Promise<Cursor> {
    const ended = this.append({ kind: 'end', type: state, data, meta: '' })
    this.#refusal ??= new StoreError('ENDED', 'The run was ended')
    return ended
  }

  /** Seals the log as stopped. The source is in this process, so its signal fires at once. */
  stop (): Promise<Cursor> {
    const isRefused = this.#refusal !== undefined
    const ended = this.end('stopped')
    if (!isRefused) this.#controller.abort(new SSE_ERR_STOPPED())
    return ended
  }

  /**
   * Gives up without telling the store: the lease runs out.
   *
   * @param reason what {@link signal} fires with; by default that the store was closed
   */
  abandon (reason: unknown = closed()): void {
    this.#close(reason)
  }

  onAlarm (): void {
    const silent = this.#clock.now() - this.#lastAppendAt
    const wait = this.#options.lease / 3 - silent
    if (wait > 0) {
      this.#alarms.set(this, wait)
      return
    }
    this.#alarms.set(this, this.#options.lease / 3)
    this.#renew()
  }

  /** A foreign epoch shows at once, not at the next renewal: its append is a hint to renew now, which is then refused. */
  #watch (): void {
    this.#gate.watch(this.log, entries => {
      if (entries === null || !entries.every(({ id }) => positionOf(id).epoch === this.#epoch)) this.#renew()
    }, () => !this.#isClosed).then(unwatch => {
      if (this.#isClosed) unwatch?.()
      else this.#unwatch = unwatch
    }, error => this.#close(error))
  }

  #renew (): void {
    this.#isRenewalDue = true
    this.#wake()
  }

  #wake (): void {
    if (this.#isBusy || this.#isClosed) return
    this.#isBusy = true
    this.#run().catch(async error => this.#close(await this.#reasonOf(error)))
  }

  async #run (): Promise<void> {
    for (;;) {
      const turn = this.#gate.appends.take()
      if (turn !== undefined) await turn
      if (this.#isClosed || (this.#pending.isEmpty && !this.#isRenewalDue)) break
      await this.#write(this.#pending.batch())
    }
    this.#isBusy = false
  }

  /** Appends a batch, or renews the lease with an empty one. Repeats it under the same ids, so that it is written once. */
  async #write (batch: readonly PendingRecord[]): Promise<void> {
    this.#isRenewalDue = false
    const { next } = this.#acknowledged
    let from = next
    const records = batch.map(({ record }) => record)
    for (let attempt = 0; ; attempt++) {
      const deadline = batch[0]?.deadline ?? this.#clock.now() + this.#gate.store.limits.appendTimeout
      try {
        await within(this.#gate.store.append(this.log, [...this.#acknowledged.since(from), ...records], {
          ...this.#options, first: cursorOf(this.#epoch, from), after: null
        }), Math.max(deadline - this.#clock.now(), SHORTEST_TRY), this.#alarms)
        break
      } catch (error) {
        if (this.#isClosed) return
        if (isUnavailable(error)) {
          this.#gate.failed(error)
          const pause = pauseBefore(attempt)
          if (batch.length > 0 && this.#clock.now() + pause >= deadline) throw unacknowledged(this.#gate.store.limits.appendTimeout, error)
          await new Promise<void>(resolve => this.#clock.setTimer(resolve, pause, false))
          // A renewal must not hold up what has come to be appended.
          if (batch.length === 0) {
            this.#isRenewalDue = true
            return
          }
        } else {
          if (error instanceof StoreError && error.code === 'LOST' && await this.#wasDeleted()) throw new SSE_ERR_STOPPED()
          from = this.#acknowledged.repairFrom(error, this.#epoch)
        }
      }
    }
    this.#gate.succeeded()
    this.#acknowledge(batch, records, next)
  }

  /** Whether the run was deleted. If the store does not answer, the log counts as lost. */
  async #wasDeleted (): Promise<boolean> {
    try {
      return await within(wasDeleted(this.#gate.store, this.log, this.#epoch), REASON_TIMEOUT, this.#alarms)
    } catch {
      return false
    }
  }

  #acknowledge (batch: readonly PendingRecord[], records: readonly LogRecord[], seq: number): void {
    this.#lastAppendAt = this.#clock.now()
    this.#acknowledged.add(records, this.#lastAppendAt)
    this.#pending.acknowledge(batch, this.#epoch, seq)
    if (records.at(-1)?.kind === 'end') this.#close(undefined)
  }

  /** The reason that a refused writer gives its source. */
  async #reasonOf (error: unknown): Promise<unknown> {
    if (!(error instanceof StoreError)) return error
    try {
      const { tail } = await within(this.#gate.store.read(this.log, null, { limit: 1, last: 1 }), REASON_TIMEOUT, this.#alarms)
      if (tail?.kind === 'end' && tail.type === 'stopped') return new SSE_ERR_STOPPED()
    } catch {
      // Down just now: that it is lost is true in any case.
    }
    return new SSE_ERR_LOST(this.log, { cause: error })
  }

  /** @param reason undefined after the end that was asked for */
  #close (reason: unknown): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#alarms.clear(this)
    this.#unwatch?.()
    this.#onClosed(this)
    this.#pending.close(reason)
    if (reason === undefined) return
    this.#refusal = reason
    this.#controller.abort(reason)
  }
}
