// Claims of runs: of any number of calls, on any instances, one becomes the producer.
import { randomBytes } from 'node:crypto'
import { SSE_ERR_STOPPED, SSE_ERR_STORE } from '../errors.ts'
import { type Alarms, type Clock } from './clock.ts'
import { cursorOf, positionOf } from './cursor.ts'
import { rememberDeletion } from './deletions.ts'
import { isUnavailable, type StoreGate, within } from './gate.ts'
import { closed, pauseBefore, unacknowledged } from './publisher.ts'
import { type Cursor, type EndState, type LogEntry, type LogRecord, type Slice, StoreError } from './store.ts'
import { Writer, type WriterOptions } from './writer.ts'

/** What became of a claim. */
export type Claim =
  | { readonly outcome: 'started', readonly writer: Writer }
  | { readonly outcome: 'running' | 'ended', readonly writer?: undefined }

/** A log that exists, with its lease. */
interface Existing extends Slice {
  readonly tail: LogEntry
}

/** Claims and stops runs, and seals those whose producer is dead. */
export class Producers {
  readonly #gate: StoreGate
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #writers = new Map<string, Writer>()
  /** The last epoch that this process opened: two runs of one id never share one, also within a ms. */
  #lastEpoch = 0
  #isClosed = false

  constructor (gate: StoreGate, clock: Clock, alarms: Alarms) {
    this.#gate = gate
    this.#clock = clock
    this.#alarms = alarms
  }

  /**
   * Claims a run. Of all claims of a log, in all processes, exactly one is 'started'.
   *
   * @throws SSE_ERR_STORE when the store did not answer within `appendTimeout`
   */
  async claim (log: string, options: WriterOptions): Promise<Claim> {
    const found = await this.look(log, options)
    if (found !== null) return { outcome: found.tail.kind === 'end' ? 'ended' : 'running' }
    const epoch = this.#newEpoch(0)
    const opening = openRecord('')
    try {
      await this.#patiently(() => this.#gate.store.append(log, [opening], { ...options, first: cursorOf(epoch, 0), after: null }))
    } catch (error) {
      // Another claim was faster: what became of it meanwhile?
      if (error instanceof StoreError) return this.claim(log, options)
      throw error
    }
    const writer = new Writer(log, epoch, opening, options, {
      gate: this.#gate,
      clock: this.#clock,
      alarms: this.#alarms,
      onClosed: writer => { if (this.#writers.get(log) === writer) this.#writers.delete(log) }
    })
    this.#writers.set(log, writer)
    return { outcome: 'started', writer }
  }

  /**
   * Seals a run as stopped, wherever its producer is.
   *
   * @returns whether it was running
   * @throws SSE_ERR_STORE when the store did not answer within `appendTimeout`
   */
  async stop (log: string, options: WriterOptions): Promise<boolean> {
    const writer = this.#writers.get(log)
    if (writer !== undefined) {
      try {
        await writer.stop()
        return true
      } catch (error) {
        // Ended, or fenced, just now: the log knows.
        if (error instanceof SSE_ERR_STORE) throw error
      }
    }
    const deadline = this.#deadline()
    const found = await this.#read(log, deadline)
    if (found === null || found.tail.kind === 'end') return false
    return this.#supersede(log, found.tail.id, options, deadline)
  }

  /**
   * Seals a log as lost, under an epoch of its own, unless its tail has moved on.
   *
   * @param tail as last seen
   */
  async seal (log: string, tail: Cursor, options: WriterOptions): Promise<void> {
    const first = cursorOf(this.#newEpoch(positionOf(tail).epoch), 0)
    const records = [openRecord(tail), endRecord('lost')]
    try {
      await this.#patiently(() => this.#gate.store.append(log, records, { ...options, first, after: tail }))
    } catch (error) {
      // Its producer, or another look, was faster.
      if (!(error instanceof StoreError)) throw error
    }
  }

  /**
   * Seals a log as stopped, whatever its tail is by then: a producer that appends all the time would always be ahead of one
   * that was seen.
   *
   * @returns false when it was ended, or gone, before
   */
  async #supersede (log: string, tail: Cursor, options: WriterOptions, deadline: number): Promise<boolean> {
    for (let above = positionOf(tail).epoch; ;) {
      const first = cursorOf(this.#newEpoch(above), 0)
      const records = [openRecord(''), endRecord('stopped')]
      try {
        await this.#patiently(() => this.#gate.store.append(log, records, { ...options, first, after: 'any' }), deadline)
        return true
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        // Another epoch was opened meanwhile, unless it is over.
        if (error.tail === null || error.code === 'ENDED') return false
        above = positionOf(error.tail).epoch
      }
    }
  }

  /**
   * The state of a run, whose producer is not dead: where no lease is in force, at this look and at another a third of it
   * later, in which a live producer would have renewed it, the run is sealed as lost.
   *
   * @returns null where the log does not exist
   * @throws SSE_ERR_STORE when the store did not answer within `appendTimeout`
   */
  async look (log: string, options: WriterOptions): Promise<Existing | null> {
    const found = await this.#read(log)
    if (found === null || found.tail.kind === 'end' || found.lease !== null) return found
    await new Promise<void>(resolve => this.#clock.setTimer(resolve, options.lease / 3, false))
    const again = await this.#read(log)
    if (again === null || again.lease !== null || again.tail.id !== found.tail.id) return again
    await this.seal(log, again.tail.id, options)
    return this.#read(log)
  }

  /** Deletes a log. The producer of a run is stopped: in this process at once, elsewhere when it next asks the store. */
  async delete (log: string, isRun: boolean): Promise<void> {
    this.#writers.get(log)?.abandon(new SSE_ERR_STOPPED())
    const found = isRun ? await this.#read(log) : null
    if (found !== null && mayHaveProducer(found.tail)) await this.#patiently(() => rememberDeletion(this.#gate.store, log, found.tail.id))
    return this.#patiently(() => this.#gate.store.delete(log))
  }

  /** Abandons all runs of this process: their leases run out. */
  close (): void {
    this.#isClosed = true
    for (const writer of this.#writers.values()) writer.abandon()
  }

  async #read (log: string, deadline?: number): Promise<Existing | null> {
    const slice = await this.#patiently(() => this.#gate.store.read(log, null, { limit: 1, last: 1 }), deadline)
    return slice.tail === null ? null : slice as Existing
  }

  #newEpoch (above: number): number {
    this.#lastEpoch = Math.max(this.#clock.now(), above + 1, this.#lastEpoch + 1)
    return this.#lastEpoch
  }

  /** Until when the store may be waited for. */
  #deadline (): number {
    return this.#clock.now() + this.#gate.store.limits.appendTimeout
  }

  /** Repeats a call while the store is down, for as long as an append may take, or until the app closes. */
  async #patiently<T> (call: () => Promise<T>, deadline = this.#deadline()): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      if (this.#isClosed) throw closed()
      try {
        const value = await within(call(), deadline - this.#clock.now(), this.#alarms)
        this.#gate.succeeded()
        return value
      } catch (error) {
        if (!isUnavailable(error)) throw error
        this.#gate.failed(error)
        const pause = pauseBefore(attempt)
        if (this.#clock.now() + pause >= deadline) throw unacknowledged(this.#gate.store.limits.appendTimeout, error)
        await new Promise<void>(resolve => this.#clock.setTimer(resolve, pause, false))
      }
    }
  }
}

/** Whether a producer may still be writing: only the producer itself ends a run as complete or failed. */
function mayHaveProducer ({ kind, type }: LogEntry): boolean {
  return kind !== 'end' || type === 'stopped' || type === 'lost'
}

function endRecord (type: EndState): LogRecord {
  return { kind: 'end', type, data: '', meta: '' }
}

function openRecord (type: Cursor | ''): LogRecord {
  return { kind: 'open', type, data: randomBytes(12).toString('base64url'), meta: '' }
}
