// Runs: one producer, many readers, an end.
import { inspect } from 'node:util'
import { type PublishedOf } from '../contract/infer.ts'
import { type EventIterable } from '../contract/source.ts'
import { SSE_ERR_RUN_ENDED, SSE_ERR_RUN_EXISTS, SSE_ERR_RUN_NOT_FOUND, SSE_ERR_SOURCE } from '../errors.ts'
import { type ReadableLog } from '../log/logs.ts'
import { type Presentation } from '../log/reading.ts'
import { type EndState, type LogEntry } from '../log/store.ts'
import { type Feed } from '../response/feed.ts'
import { type FailureData } from '../wire/control.ts'
import { type Frames } from '../wire/frames.ts'
import { type Checkpoint, type Comment } from '../wire/message.ts'
import { type KeyOf } from './choosy-reader.ts'
import { checkpointFrame, regularEnd, sentinelFrame } from './control-frames.ts'
import { type Key, type LogCore, LogHandle, type Reading } from './log-handle.ts'
import { Producer, type ProducerHost } from './producer.ts'
import { ReadableRun } from './readable-run.ts'

/** Options of `app.sse.run`. */
export interface RunOptions {
  /**
   * ms after the last event until the run is forgotten.
   * @default 3600000
   */
  ttl?: number | undefined
  /**
   * How long a run without a sign of its producer counts as running, ms. It is renewed while the source is silent.
   * @default 15000
   */
  lease?: number | undefined
  /**
   * How many events a run may have; beyond that it fails.
   * @default 100000
   */
  maxEvents?: number | undefined
  /**
   * How many bytes of payload a run may have; beyond that it fails.
   * @default 16777216
   */
  maxBytes?: number | undefined
  /**
   * How long `fastify.close()` waits for the source before the run fails, ms.
   * @default 10000
   */
  shutdownGrace?: number | undefined
}

/** The options of a run, decided. */
export type RunSettings = { readonly [Name in keyof RunOptions]-?: number }

/** What a run's source is called with. */
export interface RunContext<Log = unknown> {
  /** Fires when the run is stopped (SSE_ERR_STOPPED), lost its lease (SSE_ERR_LOST), or its `shutdownGrace` is over (SSE_ERR_SHUTDOWN). */
  readonly signal: AbortSignal
  /** A logger with the run's name and id. */
  readonly log: Log
}

/** What produces a run's events. Comments and checkpoints are for sources that streams take too: a log does not keep them. */
export type RunSource<C, Log = unknown> = (context: RunContext<Log>) => RunEvents<C> | Promise<RunEvents<C>>

type RunEvents<C> = EventIterable<PublishedOf<C> | Comment | Checkpoint>

/** How a run stands. */
export interface RunStatus {
  readonly state: 'none' | 'running' | EndState
  /** The id of the last event, or of the end; null where there is no run. */
  readonly lastEventId: string | null
  /** Of a run that failed or was lost. */
  readonly error?: Pick<FailureData, 'statusCode' | 'code' | 'message'>
}

/** Writes a run by hand. */
export interface RunWriter<C> {
  /** Fires when the run was stopped, lost its lease, or its `shutdownGrace` is over. */
  readonly signal: AbortSignal
  /**
   * Appends an event; resolves to its id once the store has it.
   *
   * @throws SSE_ERR_RUN_ENDED; SSE_ERR_RUN_SIZE, with which the run fails; as `publish` of a topic
   */
  append (event: PublishedOf<C>): Promise<string>
  /** Ends the run well. */
  end (): Promise<void>
  /** Ends the run as failed. */
  fail (error: unknown): Promise<void>
}

/** What runs ask of the app around them. */
export interface RunHost {
  /** What one run's producer asks; `key` is undefined for the run without an id. */
  producer (name: string, key: Key | undefined): ProducerHost & { readonly log: unknown }
  /** A run has begun in this process. */
  started (producer: Producer, settings: RunSettings): void
}

/** How long the headers of a run wait for its first read, ms. */
const FIRST_READ = 2_000

/** All runs of one name. */
export class RunCore implements LogCore {
  readonly kind = 'run'
  readonly name: string
  readonly records: LogCore['records']
  readonly logs: LogCore['logs']
  readonly settings: RunSettings
  readonly host: RunHost

  constructor (name: string, records: LogCore['records'], logs: LogCore['logs'], settings: RunSettings, host: RunHost) {
    this.name = name
    this.records = records
    this.logs = logs
    this.settings = settings
    this.host = host
  }
}

/** A run. Made by `app.sse.run`. */
export class Run<C = unknown, Log = unknown> extends LogHandle<C> {
  protected declare readonly core: RunCore
  protected readonly defaultFrom = 'start'
  protected readonly keyOf: KeyOf | undefined = undefined

  /**
   * The run with an id: a cheap handle.
   *
   * @throws SSE_ERR_KEY for anything but an integer or a string without lone surrogates, and for a second id
   */
  of (id: Key): Run<C, Log> {
    return new Run(this.core, this.checkKey(id))
  }

  /**
   * Starts the run, unless somebody has. Of any number of calls on any instances, exactly one starts its source, which goes
   * on when the request is over.
   *
   * @returns once the log is open: `'started'`, `'running'` (another call won), or `'ended'`
   * @throws SSE_ERR_SOURCE for anything but a function, SSE_ERR_STORE
   */
  async start (source: RunSource<C, Log>): Promise<'started' | 'running' | 'ended'> {
    if (typeof source !== 'function') throw new SSE_ERR_SOURCE(`${inspect(source, { depth: 0 })} (a run takes the function: write start(({ signal }) => source))`)
    const claim = await this.#claim()
    if (claim.producer === undefined) return claim.outcome
    const { producer, log } = claim
    producer.produce(() => source({ signal: producer.signal, log: log as Log }))
    return 'started'
  }

  /**
   * Starts the run and returns its writer.
   *
   * @throws SSE_ERR_RUN_EXISTS where it was started before, SSE_ERR_STORE
   */
  async open (): Promise<RunWriter<C>> {
    const { producer } = await this.#claim()
    if (producer === undefined) throw new SSE_ERR_RUN_EXISTS(this.title)
    const { ids } = this
    return {
      get signal () { return producer.signal },
      append: async event => {
        if (producer.isOver) throw new SSE_ERR_RUN_ENDED(this.title, { cause: producer.signal.reason })
        return ids.of(await producer.append(event))
      },
      end: () => producer.end(),
      fail: error => producer.fail(error)
    }
  }

  /** @throws SSE_ERR_STORE */
  async status (): Promise<RunStatus> {
    const { logs, settings } = this.core
    const found = await logs.look(this.log, settings)
    if (found === null) return { state: 'none', lastEventId: null }
    const { tail } = found
    const lastEventId = this.ids.of(tail.id)
    if (tail.kind !== 'end') return { state: 'running', lastEventId }
    const state = tail.type as EndState
    if (state !== 'failed' && state !== 'lost') return { state, lastEventId }
    const { statusCode, code, message } = failureOfEnd(tail)
    return { state, lastEventId, error: { statusCode, ...(code === undefined ? {} : { code }), message } }
  }

  /**
   * Stops the run, on whichever instance it runs. Its signal fires with SSE_ERR_STOPPED.
   *
   * @returns whether it was running
   * @throws SSE_ERR_STORE
   */
  stop (): Promise<boolean> {
    return this.core.logs.stop(this.log, this.core.settings)
  }

  /**
   * For `reply.sse`: null for a 204, where the reader has everything, or only an end without a frame is left.
   *
   * @throws SSE_ERR_RUN_NOT_FOUND
   */
  static async open (run: Run, reading: Reading): Promise<Feed | null> {
    const { records, logs } = run.core
    await records.ready()
    const start = run.place(reading)
    const end = run.#end(reading)
    const after = typeof start === 'object' && 'after' in start ? start.after : null
    const seen = await logs.peek(run.log, after, FIRST_READ)
    if (seen !== null) {
      const { entries, tail } = seen
      if (tail === null) throw new SSE_ERR_RUN_NOT_FOUND(run.title)
      const isOnlyEndLeft = (after !== null || start === 'start') && tail.kind === 'end' && entries.every(({ kind }) => kind !== 'event') &&
        tail.id === (entries.at(-1)?.id ?? after)
      if (isOnlyEndLeft && (entries.length === 0 || end(tail, run.ids.of(tail.id)).last === null)) return null
    }
    return run.feed(start, reading, end)
  }

  async #claim (): Promise<{ outcome: 'started', producer: Producer, log: unknown } | { outcome: 'running' | 'ended', producer?: undefined }> {
    const { records, logs, settings, host, name } = this.core
    await records.ready()
    const { outcome, writer } = await logs.claim(this.log, settings)
    if (writer === undefined) return { outcome }
    const { log, ...parts } = host.producer(name, this.key)
    const producer = new Producer(writer, records, settings, parts)
    host.started(producer, settings)
    return { outcome: 'started', producer, log }
  }

  /** How the run ends for one reader. */
  #end ({ sentinel, failure }: Reading): Presentation['end'] {
    return (entry, id) => {
      const state = entry === null ? 'lost' : entry.type as EndState
      if (state === 'stopped') return regularEnd()
      if (state === 'complete') return { last: sentinel === undefined || id === null ? null : sentinelFrame(sentinel, id), isGood: true }
      const last: Frames | null = failure(entry === null ? LOST : failureOfEnd(entry), id)
      return { last: last ?? (id === null ? null : checkpointFrame(id)), isGood: false }
    }
  }

  protected override readable (): ReadableLog {
    return new ReadableRun(this.core, this.log)
  }
}

const LOST: FailureData = { statusCode: 500, code: 'SSE_ERR_LOST', error: 'Internal Server Error', message: 'Internal Server Error' }

/** What the end of a run says that did not end well. */
function failureOfEnd ({ type, data }: LogEntry): FailureData {
  return type === 'lost' || data === '' ? LOST : JSON.parse(data) as FailureData
}
