// Topics: many publishers, many readers, no end.
import { inspect } from 'node:util'
import { type PublishedOf } from '../contract/infer.ts'
import { SSE_ERR_OPTION } from '../errors.ts'
import { LONE_SURROGATE } from '../log/ids.ts'
import { type ReadableLog } from '../log/logs.ts'
import { checkOptions, type Rules } from '../options.ts'
import { type Feed } from '../response/feed.ts'
import { ignoreRejection } from '../stray-promise.ts'
import { type KeyOf } from './choosy-reader.ts'
import { regularEnd } from './control-frames.ts'
import { type Filter, type Key, type LogCore, LogHandle, type MessageOf, type Reading } from './log-handle.ts'
import { ReadableTopic, type Snapshot } from './readable-topic.ts'
import { type SnapshotFunction, Snapshots } from './snapshots.ts'

/** Options of `app.sse.topic`. */
export interface TopicOptions<C = unknown> {
  /**
   * How many of the newest events are kept, at least.
   * @default 1000
   */
  maxEvents?: number | undefined
  /**
   * ms after the last event or reader until the topic is forgotten.
   * @default 3600000
   */
  ttl?: number | undefined
  /**
   * The events that a reader gets which begins at `'now'`, or after a gap. Events that are published after it was called
   * may be in it, and follow it in any case. Concurrent calls for a key share one result, so it must not depend on who asks; the
   * reader's `filter` decides what of it that reader gets. A call that takes 30 s fails with SSE_ERR_SNAPSHOT.
   */
  snapshot?: SnapshotFunction<PublishedOf<C>> | undefined
  /** A reader that is behind gets only the newest event of each key. Events without a key are never dropped. */
  conflate?: ((message: MessageOf<C>) => Key | undefined) | undefined
}

/** Options of `publish`. */
export interface PublishOptions {
  /** An event with the same key is published once within `ttl`; again it resolves to the id of the first. */
  idempotencyKey?: string | undefined
}

const NO_OPTIONS: PublishOptions = {}
const PUBLISH_RULES: Rules<PublishOptions> = {
  idempotencyKey: {
    expected: 'a string that is not empty and has no lone surrogates',
    accepts: value => typeof value === 'string' && value !== '' && !LONE_SURROGATE.test(value)
  }
}

/** The options of a topic, decided. */
export interface TopicSettings {
  readonly maxEvents: number
  readonly ttl: number
  readonly snapshot: SnapshotFunction<unknown> | undefined
  readonly conflate: ((message: never) => Key | undefined) | undefined
}

/** All topics of one name. */
export class TopicCore implements LogCore {
  readonly kind = 'topic'
  readonly name: string
  readonly records: LogCore['records']
  readonly logs: LogCore['logs']
  readonly settings: TopicSettings
  /** Those that are being made. */
  readonly snapshots = new Snapshots<Snapshot>()

  constructor (name: string, records: LogCore['records'], logs: LogCore['logs'], settings: TopicSettings) {
    this.name = name
    this.records = records
    this.logs = logs
    this.settings = settings
  }
}

/** A topic, or the one for a key. Made by `app.sse.topic`. */
export class Topic<C = unknown> extends LogHandle<C> {
  protected declare readonly core: TopicCore
  protected readonly defaultFrom = 'now'

  /**
   * The topic for a key: a cheap handle.
   *
   * @throws SSE_ERR_KEY for anything but an integer or a string without lone surrogates, and for a second key
   */
  of (key: Key): Topic<C> {
    return new Topic(this.core, this.checkKey(key))
  }

  /**
   * Checks and serializes an event, once for all readers, and appends it. Events are stored in the order of the calls.
   *
   * @returns its id, once the store has it
   * @throws SSE_ERR_OPTION, SSE_ERR_MESSAGE, SSE_ERR_EVENT, SSE_ERR_PAYLOAD, SSE_ERR_SERIALIZE, SSE_ERR_EVENT_SIZE for an event that is then stored nowhere;
   *   SSE_ERR_STORE where the store did not acknowledge it
   */
  async publish (event: PublishedOf<C>, options?: PublishOptions): Promise<string> {
    const { records, logs, settings } = this.core
    const { idempotencyKey } = options === undefined ? NO_OPTIONS : checkOptions(options, PUBLISH_RULES)
    if (records.encoder === undefined) await records.ready()
    const { ttl, maxEvents } = settings
    return this.ids.of(await logs.publish(this.log, records.record(event), { ttl, maxEvents, idempotencyKey }))
  }

  /** The number of readers in this process. */
  get subscribers (): number {
    return this.core.logs.readersOf(this.log)
  }

  /** For `reply.sse`. */
  static open (topic: Topic, reading: Reading): Feed | Promise<Feed> {
    const { records } = topic.core
    const start = topic.place(reading)
    const feed = () => topic.feed(start, reading, regularEnd)
    return records.encoder === undefined ? records.ready().then(feed) : feed()
  }

  protected override get keyOf (): KeyOf | undefined {
    const { records, settings: { conflate } } = this.core
    if (conflate === undefined) return undefined
    return ({ entry, id }) => {
      const message = records.shared(entry, id)
      return message === undefined ? undefined : checkKey(conflate(message as never))
    }
  }

  protected override readable (filter?: Filter): ReadableLog {
    return new ReadableTopic(this.core, this.log, this.key, filter)
  }
}

/** @throws SSE_ERR_OPTION: a promise, say, is another key each time, so that nothing would be conflated; NaN is the key of all that have none */
function checkKey (key: unknown): Key | undefined {
  if (key === null || key === undefined) return undefined
  if (typeof key === 'string' || (typeof key === 'number' && !Number.isNaN(key))) return key
  ignoreRejection(key)
  throw new SSE_ERR_OPTION('conflate', 'a function that returns a string, a number or undefined', `one that returned ${inspect(key, { depth: 0 })}`)
}
