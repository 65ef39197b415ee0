// Reads of a store: a bound on how many are in flight, and retries while it is down.
import { SSE_ERR_STORE } from '../errors.ts'
import { type Alarm, type Alarms, type Clock } from './clock.ts'
import { positionOf } from './cursor.ts'
import { type Cursor, type Notify, type ReadOptions, type Slice, type Store, StoreError } from './store.ts'
import { Turns } from './turns.ts'

/** Called once when the store goes down, and once when it is back. */
export interface StoreReport {
  onDown (error: unknown): void
  onUp (): void
}

/** At most that many reads of this process are in flight; while the store is down, one. */
const IN_FLIGHT = 64
/** A store in memory or a file answers at once: some milliseconds of appends, then the event loop has its turn. */
const APPENDS_PER_TURN = 64
const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 2_000

interface Job {
  readonly run: () => Promise<unknown>
  readonly isWanted: () => boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Reads of a store that may be down: they wait for their turn, and are tried again until it is back. So ten thousand
 * followed logs ask a store that has just come back 64 at a time.
 */
export class StoreGate {
  readonly store: Store
  /** Rations appends: a loop that awaits each one would starve the event loop. */
  readonly appends = new Turns(APPENDS_PER_TURN)
  /** How often the store has gone. */
  outages = 0
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #report: StoreReport
  readonly #queue: Job[] = []
  #inFlight = 0
  #isDown = false
  #isClosed = false
  /** Until when nothing is tried, while the store is down. */
  #cancelPause: (() => void) | undefined
  #pause = SHORTEST_PAUSE

  constructor (store: Store, clock: Clock, alarms: Alarms, report: StoreReport) {
    this.store = store
    this.#clock = clock
    this.#alarms = alarms
    this.#report = report
  }

  /**
   * Reads a page, however long the store takes to be back.
   *
   * @param isWanted asked when its turn has come
   * @returns null when it is not wanted any more
   */
  read (log: string, after: Cursor | null, options: ReadOptions, isWanted: () => boolean): Promise<Slice | null> {
    return this.#enqueue(() => this.store.read(log, after, options), isWanted)
  }

  /** Watches a log, however long the store takes to be back; null when it is not wanted any more. */
  watch (log: string, notify: Notify, isWanted: () => boolean): Promise<(() => void) | null> {
    return this.#enqueue(() => this.store.watch(log, notify), isWanted)
  }

  /** Renews the life of a log that is followed, or opens it; null when it is not wanted any more. */
  renew (log: string, ttl: number, isWanted: () => boolean): Promise<Cursor | null> {
    return this.#enqueue(async () => checkCursor(await this.store.append(log, [], { ttl })), isWanted)
  }

  /** Called also for appends, which have a way of their own. */
  succeeded (): void {
    if (!this.#isDown) return
    this.#isDown = false
    this.#pause = SHORTEST_PAUSE
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#report.onUp()
    this.#pump()
  }

  failed (error: unknown): void {
    if (this.#isDown || this.#isClosed) return
    this.#isDown = true
    this.outages++
    this.#report.onDown(error)
  }

  /** Everything that waits resolves to null. */
  close (): void {
    this.#isClosed = true
    this.#cancelPause?.()
    for (const job of this.#queue.splice(0)) job.resolve(null)
  }

  #enqueue<T> (run: () => Promise<T>, isWanted: () => boolean): Promise<T | null> {
    if (this.#isClosed) return Promise.resolve(null)
    return new Promise((resolve, reject) => {
      this.#queue.push({ run, isWanted, resolve: resolve as (value: unknown) => void, reject })
      this.#pump()
    })
  }

  #pump (): void {
    while (this.#queue.length > 0 && this.#cancelPause === undefined && this.#inFlight < (this.#isDown ? 1 : IN_FLIGHT)) {
      const job = this.#queue.shift()!
      if (job.isWanted()) this.#try(job).catch(job.reject)
      else job.resolve(null)
    }
  }

  async #try (job: Job): Promise<void> {
    this.#inFlight++
    try {
      const value = await within(job.run(), this.store.limits.appendTimeout, this.#alarms)
      this.#inFlight--
      job.resolve(value)
      this.succeeded()
    } catch (error) {
      this.#inFlight--
      if (this.#isClosed || !isUnavailable(error)) {
        if (this.#isClosed) job.resolve(null)
        else job.reject(error)
      } else {
        this.#queue.unshift(job)
        this.failed(error)
        this.#rest()
      }
    }
    this.#pump()
  }

  /** Waits before the next try, longer each time. */
  #rest (): void {
    if (this.#cancelPause !== undefined) return
    const ms = this.#pause * (0.75 + Math.random() / 2)
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE)
    this.#cancelPause = this.#clock.setTimer(() => {
      this.#cancelPause = undefined
      this.#pump()
    }, ms, true)
  }
}

export function isUnavailable (error: unknown): boolean {
  return error instanceof StoreError && error.code === 'UNAVAILABLE'
}

/**
 * Checks what an append resolved to. A store of the user's own may give no cursor, which would end the process or keep it
 * reading for ever.
 *
 * @throws SSE_ERR_STORE
 */
export function checkCursor (last: unknown): Cursor {
  if (typeof last === 'string' && Number.isFinite(positionOf(last as Cursor).seq)) return last as Cursor
  throw new SSE_ERR_STORE(`its append resolved to ${String(last)}, which is no cursor`)
}

/**
 * Settles like a promise of a store, but as UNAVAILABLE after so many ms: a store has bounds of its own, but one that
 * hangs must not hang us.
 */
export function within<T> (promise: Promise<T>, ms: number, alarms: Alarms): Promise<T> {
  return new Promise((resolve, reject) => {
    const alarm: Alarm = {
      slot: 0,
      onAlarm: () => reject(new StoreError('UNAVAILABLE', `The store did not answer within ${ms} ms`))
    }
    alarms.set(alarm, ms)
    promise.then(value => {
      alarms.clear(alarm)
      resolve(value)
    }, error => {
      alarms.clear(alarm)
      reject(error)
    })
  })
}
