// The producer of a run: pulls its source into the log, outside of any request.
import { setImmediate as turn } from 'node:timers/promises'
import { SSE_ERR_RUN_SIZE } from '../errors.ts'
import { type Cursor, type EndState, type LogRecord } from '../log/store.ts'
import { type Writer } from '../log/writer.ts'
import { ignoreRejection } from '../stray-promise.ts'
import { type FailureData } from '../wire/control.ts'
import { BareFrame } from '../wire/message.ts'
import { type Records } from './records.ts'

/** What is written before the event loop has its turn: characters, and {@link ITEM_COST} for each item. */
const TURN_LENGTH = 65_536
const ITEM_COST = 32

/** What a run may have. */
export interface RunLimits {
  readonly maxEvents: number
  readonly maxBytes: number
}

/** What a producer asks of the app around it. */
export interface ProducerHost {
  /** Opens a source as `reply.sse` does. */
  open (source: unknown): Iterator<unknown> | AsyncIterator<unknown>
  /** Whether an item that the contract rejects is dropped; it is logged then. */
  drops (error: unknown, item: unknown): boolean
  /** What readers may know of an error. */
  describe (error: unknown): FailureData
  /** The run has ended, or its log was taken away. */
  ended (summary: ProducerSummary): void
}

/** What a run came to, in this process. */
export interface ProducerSummary {
  /** `lost` where another epoch was opened, or the store failed. */
  readonly state: EndState
  readonly events: number
  readonly bytes: number
  /** From the start, ms. */
  readonly duration: number
  /** What it failed with. */
  readonly error?: unknown
}

/** One run as this process produces it. */
export class Producer {
  /** Resolves when the run has ended. */
  readonly done: Promise<void>
  readonly #writer: Writer
  readonly #records: Records
  readonly #limits: RunLimits
  readonly #host: ProducerHost
  readonly #controller = new AbortController()
  readonly #startedAt = performance.now()
  #iterator: Iterator<unknown> | AsyncIterator<unknown> | undefined
  #events = 0
  #bytes = 0
  #isOver = false
  #resolve!: () => void

  constructor (writer: Writer, records: Records, limits: RunLimits, host: ProducerHost) {
    this.#writer = writer
    this.#records = records
    this.#limits = limits
    this.#host = host
    this.done = new Promise(resolve => { this.#resolve = resolve })
    // The writer's own controller is freed with it.
    writer.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (writer.signal.aborted) this.#onAbort()
  }

  /** Whether nothing more can be appended. */
  get isOver (): boolean {
    return this.#isOver
  }

  /** Fires when the run was stopped, lost, or the server closes. */
  get signal (): AbortSignal {
    return this.#controller.signal
  }

  /** Pulls a source to its end. */
  produce (open: () => unknown): void {
    this.#pull(open).catch((error: unknown) => this.fail(error))
  }

  /**
   * Appends an event. One over the limits fails the run.
   *
   * @returns its place, once the store has it
   */
  async append (item: unknown): Promise<Cursor> {
    const record = this.#records.record(item)
    let appended
    try {
      appended = this.#append(record)
    } catch (error) {
      await this.fail(error)
      throw error
    }
    return appended.acknowledged
  }

  /** Ends the run well, with everything that was appended. */
  end (): Promise<void> {
    return this.#seal('complete', '', undefined)
  }

  /** Ends the run as failed. Readers get what the error may tell. */
  async fail (error: unknown): Promise<void> {
    if (this.#isOver) return
    const description = JSON.stringify(this.#host.describe(error))
    const sealed = this.#seal('failed', description, error)
    this.#abort(error)
    await sealed
  }

  async #pull (open: () => unknown): Promise<void> {
    const iterator = this.#iterator = this.#host.open(await open())
    // It may have been stopped meanwhile.
    if (this.#isOver) this.#release()
    let length = 0
    while (!this.#isOver) {
      const result = await iterator.next()
      if (this.#isOver) return
      if (result.done === true) return this.end()
      length += await this.#take(await result.value)
      if (length < TURN_LENGTH) continue
      length = 0
      await turn()
    }
  }

  /** @returns what the event counts against the turn */
  async #take (item: unknown): Promise<number> {
    // A log has no place for them, and a source that also streams by itself may have them.
    if (item instanceof BareFrame) return ITEM_COST
    let record
    try {
      record = this.#records.record(item)
    } catch (error) {
      if (this.#host.drops(error, item)) return TURN_LENGTH / 64
      throw error
    }
    const { acknowledged, length } = this.#append(record)
    // What the store refuses shows in the writer's signal.
    acknowledged.catch(() => {})
    if (this.#writer.isFull) await this.#writer.drained()
    return length
  }

  /** @throws SSE_ERR_RUN_SIZE */
  #append (record: LogRecord): { acknowledged: Promise<Cursor>, length: number } {
    const bytes = Buffer.byteLength(record.data)
    const { maxEvents, maxBytes } = this.#limits
    if (this.#events + 1 > maxEvents) throw new SSE_ERR_RUN_SIZE(`${maxEvents} events, its maxEvents`)
    if (this.#bytes + bytes > maxBytes) throw new SSE_ERR_RUN_SIZE(`${maxBytes} bytes, its maxBytes`)
    this.#events++
    this.#bytes += bytes
    return { acknowledged: this.#writer.append(record), length: record.data.length + ITEM_COST }
  }

  async #seal (state: EndState, data: string, error: unknown): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    try {
      await this.#writer.end(state, data)
      this.#finish(state, error)
    } catch (refusal) {
      this.#finish('lost', error ?? refusal)
    }
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#writer.signal
    this.#abort(reason)
    if (this.#isOver) return
    this.#isOver = true
    this.#finish(reason?.code === 'SSE_ERR_STOPPED' ? 'stopped' : 'lost', reason)
  }

  #abort (reason: unknown): void {
    if (this.#controller.signal.aborted) return
    this.#controller.abort(reason)
    this.#release()
  }

  /** Calls the source's `return()`. */
  #release (): void {
    try {
      ignoreRejection(this.#iterator?.return?.())
    } catch {
      // The same, from an iterator without promises.
    }
  }

  #finish (state: EndState, error: unknown): void {
    this.#writer.signal.removeEventListener('abort', this.#onAbort)
    const hasFailed = state === 'failed' || state === 'lost'
    this.#host.ended({
      state, events: this.#events, bytes: this.#bytes, duration: performance.now() - this.#startedAt, ...(hasFailed ? { error } : {})
    })
    this.#resolve()
  }
}
