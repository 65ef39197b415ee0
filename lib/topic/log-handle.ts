// What topics and runs have in common: a log, the contract of its events, and the ways to read it.
import { type EventOf, type PayloadEventOf } from '../contract/infer.ts'
import { type LogSource } from '../contract/source.ts'
import { SSE_ERR_KEY, SSE_ERR_OPTION } from '../errors.ts'
import { LogIds, logName } from '../log/ids.ts'
import { type Logs, type ReadableLog } from '../log/logs.ts'
import { type Presentation, type PulledEntry, type StartAt } from '../log/reading.ts'
import { checkOptions, type Rules } from '../options.ts'
import { type Feed } from '../response/feed.ts'
import { ignoreRejection } from '../stray-promise.ts'
import { type FailureData } from '../wire/control.ts'
import { type Frames } from '../wire/frames.ts'
import { type Checkpoint, type Comment, type Message } from '../wire/message.ts'
import { type Choice, ChoosyReader, type KeyOf } from './choosy-reader.ts'
import { messagesOf, type MessagesOptions } from './messages.ts'
import { type LogMessage, type Records } from './records.ts'
import { FROM, type From, startOf } from './start.ts'

/** A key of a topic, or the id of a run. */
export type Key = string | number

/** What a message of a contract is, as {@link LogHandle.messages} gives it: named as it was published, with its id. */
export type MessageOf<C> = LoggedMessage<PayloadEventOf<C>>

/** @typeParam E what may be published, or yielded */
type LoggedMessage<E> = unknown extends E
  ? LogMessage
  : [Extract<E, Message<unknown, undefined>>] extends [never]
      ? E extends { event: infer Name extends string, data: infer Data } ? Message<Data, Name> & Logged : never
      : Extract<E, Message<unknown, undefined>> & Logged

/** The fields that a log gives an event. Without its id it may be published again. */
interface Logged {
  readonly id: string
  readonly retry: undefined
  readonly comment: undefined
}

/**
 * How `reply.sse` reads a topic or run, beside the options of every stream.
 *
 * @typeParam E what the route may yield
 */
export interface ReadingOptions<E = unknown> {
  /**
   * Where a reader without a cursor begins; a function of a foreign `Last-Event-ID` that returns one of these.
   * @default 'now' for topics, 'start' for runs
   */
  from?: From | undefined
  /** Whether this reader gets a message. Its cursor advances regardless. Events of a snapshot have the id ''. */
  filter?: ((message: LoggedMessage<Exclude<E, Comment | Checkpoint>>) => boolean) | undefined
}

/** Options of `messages`. */
export interface MessageOptions extends MessagesOptions {
  /** As for `reply.sse`. */
  from?: From | undefined
}

/** Whether a reader gets a message. */
export type Filter = (message: LogMessage) => boolean

const MESSAGES_RULES: Rules<MessageOptions> = {
  from: FROM,
  signal: { expected: 'an AbortSignal', accepts: value => value instanceof AbortSignal },
  onGap: { expected: 'a function', accepts: value => typeof value === 'function' }
}

/** One reader, as the reply asks for it. */
export interface Reading {
  readonly lastEventId: string | undefined
  readonly from: From | undefined
  readonly filter: Filter | undefined
  /** The sentinel of the route's contract. */
  readonly sentinel: string | undefined
  /** The event that reports a failure, by the route's `errorEvent`, with the id of the end; null where it is off. */
  failure (failure: FailureData, id: string | null): Frames | null
}

/** The parts that all logs of one name share. */
export interface LogCore {
  readonly kind: 'topic' | 'run'
  readonly name: string
  readonly records: Records
  readonly logs: Logs
}

/** A log's name and key, for messages. */
export function titleOf ({ kind, name }: Pick<LogCore, 'kind' | 'name'>, key: Key | undefined): string {
  return `${kind} '${name}'${key === undefined ? '' : ` of '${key}'`}`
}

/** One log: a topic, or a run. */
export abstract class LogHandle<C> implements LogSource<EventOf<C>> {
  declare readonly '~log': EventOf<C>
  protected readonly core: LogCore
  protected readonly key: Key | undefined
  protected readonly log: string
  #ids: LogIds | undefined

  /** @throws SSE_ERR_KEY */
  constructor (core: LogCore, key?: Key) {
    this.core = core
    this.key = key
    this.log = logName(core.kind, core.name, key)
  }

  /** Whether its events are those of another contract, given as text. */
  carries (contract: string): boolean {
    return this.core.records.text === contract
  }

  /** Its name and key, for messages. */
  get title (): string {
    return titleOf(this.core, this.key)
  }

  /**
   * Exactly one key: a key that is missing by mistake must not name the log without one, and `of(tenant).of(user)` must not
   * drop the tenant.
   */
  protected checkKey (key: Key): Key {
    if (this.key !== undefined) throw new SSE_ERR_KEY(this.title, 'a second one: make one key of the two')
    if (key === undefined) throw new SSE_ERR_KEY(this.title, 'undefined')
    return key
  }

  /** Deletes the log. The source of a run is stopped, wherever it runs. */
  delete (): Promise<void> {
    return this.core.logs.delete(this.log, this.core.kind === 'run')
  }

  /**
   * The messages of the log, from a place on, for use in code: filters, merges, tests. A stream can yield them again; to publish
   * one, leave its id out.
   *
   * @throws SSE_ERR_OPTION; in the loop SSE_ERR_GAP where events are missing and there is no `onGap`; of a run also what it
   *   failed with, SSE_ERR_LOST, SSE_ERR_RUN_NOT_FOUND where none was started within 5 s, or SSE_ERR_STORE where the app closes first
   */
  messages (given: MessageOptions = {}): AsyncGenerator<MessageOf<C>, void, void> {
    const { from = this.defaultFrom, ...options } = checkOptions(given, MESSAGES_RULES)
    const { kind, records, logs } = this.core
    const start = startOf(() => this.ids, from, this.defaultFrom, undefined)
    const open = async () => {
      await records.ready()
      return logs.pull(this.readable(), start)
    }
    return messagesOf({ title: this.title, hasEnd: kind === 'run', open, toMessage: ({ entry, id }) => records.message(entry, id) }, options) as AsyncGenerator<MessageOf<C>, void, void>
  }

  protected get ids (): LogIds {
    this.#ids ??= new LogIds(this.log)
    return this.#ids
  }

  protected abstract readonly defaultFrom: 'now' | 'start'
  /** The log with what its readers are shown; one with a filter gets a part of the snapshot. */
  protected abstract readable (filter?: Filter): ReadableLog
  /** The key of an event for conflation. */
  protected abstract readonly keyOf: KeyOf | undefined

  /** A feed of the log for one reader. Plain readers share every byte; others choose. */
  protected feed (start: StartAt, { filter }: Reading, end: Presentation['end']): Feed {
    const { logs, records } = this.core
    const log = this.readable()
    const { keyOf } = this
    if (filter === undefined && keyOf === undefined) return { follow: sink => logs.follow(log, sink, start, end) }
    const { presentation } = this.readable(filter)
    const choice: Choice = {
      takes: filter === undefined ? undefined : entry => filterEntry(records, filter, entry),
      keyOf,
      begin: beginning => presentation.begin(beginning),
      end
    }
    return { follow: sink => new ChoosyReader(logs.pull(log, start), sink, choice).start() }
  }

  protected place ({ from = this.defaultFrom, lastEventId }: Reading): StartAt {
    return startOf(() => this.ids, from, this.defaultFrom, lastEventId)
  }
}

/** An event that the contract does not have is shown as a gap, whatever the filter says. */
function filterEntry (records: Records, filter: Filter, { entry, id }: PulledEntry): boolean {
  const message = records.shared(entry, id)
  return message === undefined || takes(filter, message)
}

/**
 * Asks a filter.
 *
 * @throws SSE_ERR_OPTION for an async one: every promise is truthy, so it would let everything through
 */
export function takes (filter: Filter, message: LogMessage): boolean {
  const taken: unknown = filter(message)
  if (taken instanceof Promise) {
    ignoreRejection(taken)
    throw new SSE_ERR_OPTION('filter', 'a function that returns a boolean', 'an async one')
  }
  return Boolean(taken)
}
