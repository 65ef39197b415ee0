// The logs of an app: one channel for each that has readers, and the ways to publish to, produce, read and delete one.
import { Channel, type ChannelParts } from './channel.ts'
import { Alarms, type Clock, systemClock } from './clock.ts'
import { type FollowedLog } from './follower.ts'
import { StoreGate, type StoreReport } from './gate.ts'
import { type Claim, Producers } from './producers.ts'
import { Publisher, type PublishOptions } from './publisher.ts'
import { type Presentation, type Pull, type Reader, type ReaderSink, type StartAt } from './reading.ts'
import { type Cursor, type LogEntry, type LogRecord, type Store, type StoreLimits } from './store.ts'
import { Turns } from './turns.ts'
import { type WriterOptions } from './writer.ts'

/** A log as its readers in this process share it. */
export interface ReadableLog extends FollowedLog {
  /** While a log has readers, all of them get the presentation of the first. */
  readonly presentation: Presentation
}

/** A run as the store has it. */
export interface RunState {
  readonly tail: LogEntry
}

/** How many apps use a store: apps of one process may share one, and the last to close closes it. */
const users = new WeakMap<Store, number>()

/** All logs of a store, for one process: the way to them for everything above log/. */
export class Logs {
  readonly #store: Store
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #gate: StoreGate
  readonly #publisher: Publisher
  readonly #producers: Producers
  readonly #channels = new Map<string, Channel>()
  readonly #parts: ChannelParts
  #isClosed = false

  /** @param report called once when the store goes down, and once when it is back */
  constructor (store: Store, report: StoreReport, clock: Clock = systemClock) {
    this.#store = store
    users.set(store, (users.get(store) ?? 0) + 1)
    this.#clock = clock
    this.#alarms = new Alarms(clock)
    this.#gate = new StoreGate(store, clock, this.#alarms, report)
    this.#publisher = new Publisher(this.#gate, clock, this.#alarms)
    this.#producers = new Producers(this.#gate, clock, this.#alarms)
    this.#parts = {
      gate: this.#gate,
      clock,
      alarms: this.#alarms,
      turns: new Turns(),
      // Where it fails, the next look finds the run as it is.
      seal: ({ log, ttl, lease }, tail) => { this.#producers.seal(log, tail, { ttl, lease: lease! }).catch(() => {}) },
      onIdle: channel => { if (this.#channels.get(channel.log) === channel) this.#channels.delete(channel.log) }
    }
  }

  get limits (): StoreLimits {
    return this.#store.limits
  }

  /**
   * Publishes a record, in the order of the calls.
   *
   * @returns its place, once the store has it
   * @throws SSE_ERR_STORE when the store did not acknowledge it within `appendTimeout`
   */
  publish (log: string, record: LogRecord, options: PublishOptions): Promise<Cursor> {
    return this.#publisher.publish(log, record, options)
  }

  /**
   * Claims a run; of all claims, in all processes, exactly one gets its writer.
   *
   * @throws SSE_ERR_STORE
   */
  claim (log: string, options: WriterOptions): Promise<Claim> {
    return this.#producers.claim(log, options)
  }

  /**
   * Stops a run, wherever it is produced.
   *
   * @returns whether it was running
   * @throws SSE_ERR_STORE
   */
  stop (log: string, options: WriterOptions): Promise<boolean> {
    return this.#producers.stop(log, options)
  }

  /**
   * The tail of a run, null where there is none. One whose producer is dead is sealed first, which takes a third of its
   * lease.
   *
   * @throws SSE_ERR_STORE
   */
  async look (log: string, options: WriterOptions): Promise<RunState | null> {
    return this.#producers.look(log, options)
  }

  /**
   * Deletes a log.
   *
   * @param isRun whether it is a run, whose producer is to be stopped, in whichever process
   * @throws SSE_ERR_STORE
   */
  delete (log: string, isRun: boolean): Promise<void> {
    return this.#producers.delete(log, isRun)
  }

  /**
   * Where a reader would be: the entries after a cursor, at most three (the `open` records of two epochs, and an `end`), and the tail.
   *
   * @param ms how long the store may take
   * @returns null where it took longer, or is down
   */
  async peek (log: string, after: Cursor | null, ms: number): Promise<{ readonly entries: readonly LogEntry[], readonly tail: LogEntry | null } | null> {
    let isWanted = true
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.setTimer(() => {
        isWanted = false
        resolve(null)
      }, ms, false)
      this.#gate.read(log, after, { limit: 3 }, () => isWanted).then(resolve, reject).finally(cancel)
    })
  }

  /**
   * Writes a log to a sink, from a place on.
   *
   * @param end how it ends for this reader: runs differ in that by their route
   */
  follow (log: ReadableLog, sink: ReaderSink, start: StartAt, end: Presentation['end'] = log.presentation.end): Reader {
    return this.#channel(log).follow(sink, start, end)
  }

  /** Reads a log from a place on, as it is asked for. */
  pull (log: ReadableLog, start: StartAt): Pull {
    return this.#channel(log).pull(start)
  }

  /** How many readers a log has in this process. */
  readersOf (log: string): number {
    return this.#channels.get(log)?.readers ?? 0
  }

  /** Ends all readers, fails what waits to be published, leaves this process's runs to their leases, and releases the store. */
  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
    this.#producers.close()
    this.#publisher.close()
    this.#gate.close()
    this.#alarms.close()
    const left = users.get(this.#store)! - 1
    users.set(this.#store, left)
    if (left === 0) await this.#store.close()
  }

  #channel (log: ReadableLog): Channel {
    let channel = this.#channels.get(log.log)
    if (channel !== undefined) return channel
    channel = new Channel(log, log.presentation, this.#parts)
    if (this.#isClosed) channel.close()
    else this.#channels.set(log.log, channel)
    return channel
  }
}
