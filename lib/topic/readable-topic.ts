// A topic as its readers in this process share it: the followed log, and the frames of its events, gaps and snapshots.
import { inspect } from 'node:util'
import { SSE_ERR_SNAPSHOT } from '../errors.ts'
import { type ReadableLog } from '../log/logs.ts'
import { type Beginning, type Presentation } from '../log/reading.ts'
import { type LogEntry } from '../log/store.ts'
import { Frames } from '../wire/frames.ts'
import { gapFrame, readyFrame, regularEnd } from './control-frames.ts'
import { type Filter, type Key, type LogCore, takes, titleOf } from './log-handle.ts'
import { type SnapshotEvent } from './records.ts'
import { type SnapshotFunction, type Snapshots } from './snapshots.ts'

/** What `snapshot` gave. */
export interface Snapshot {
  readonly events: readonly SnapshotEvent[]
  /** All of them, for readers without a filter. */
  readonly frames: Frames | null
}

/** What presenting a topic needs of its declaration. */
export interface ShownTopics extends LogCore {
  readonly settings: {
    readonly ttl: number
    readonly snapshot: SnapshotFunction<unknown> | undefined
  }
  /** Those that are being made. */
  readonly snapshots: Snapshots<Snapshot>
}

/** One object for the log and its presentation: a process keeps one for each topic that it follows. */
export class ReadableTopic implements ReadableLog, Presentation {
  readonly log: string
  /** A topic has no end. */
  readonly end = regularEnd
  readonly #core: ShownTopics
  readonly #key: Key | undefined
  readonly #filter: Filter | undefined

  /** @param filter of a reader that has one: which events of a snapshot it gets */
  constructor (core: ShownTopics, log: string, key: Key | undefined, filter: Filter | undefined) {
    this.#core = core
    this.log = log
    this.#key = key
    this.#filter = filter
  }

  get ttl (): number { return this.#core.settings.ttl }
  get lease (): undefined { return undefined }
  get presentation (): Presentation { return this }
  get hasSnapshot (): boolean { return this.#core.settings.snapshot !== undefined }

  entry (entry: LogEntry, id: string): Frames {
    return this.#core.records.frames(entry, id)
  }

  begin ({ reason, gap, id }: Beginning): Frames | Promise<Frames> {
    const { settings: { snapshot }, snapshots } = this.#core
    if (reason === 'history') return readyFrame(id)
    if (snapshot === undefined) return gap === null ? readyFrame(id) : gapFrame(gap, id)
    const key = this.#key
    const filter = this.#filter
    const made = snapshots.get(`${reason} ${this.log}`, async () => this.#snapshotOf(await snapshot({ key, reason })),
      ms => this.#failure(`gave nothing within ${ms} ms`))
    return made.then(({ events, frames }) => Frames.join([
      ...gap === null ? [] : [gapFrame(gap)],
      ...filter !== undefined ? events.filter(({ message }) => takes(filter, message())).map(({ frames }) => frames) : frames === null ? [] : [frames],
      // Last, so that a reader cut in between starts over.
      readyFrame(id)
    ]))
  }

  async #snapshotOf (given: Iterable<unknown> | AsyncIterable<unknown>): Promise<Snapshot> {
    if (!isIterable(given)) throw this.#failure(`must be an (async) iterable of events, or a promise of one, got ${inspect(given, { depth: 0 })}`)
    const { records } = this.#core
    const events: SnapshotEvent[] = []
    for await (const event of given) events.push(records.snapshotEvent(event))
    return { events, frames: events.length === 0 ? null : Frames.join(events.map(({ frames }) => frames)) }
  }

  #failure (message: string): Error {
    return new SSE_ERR_SNAPSHOT(titleOf(this.#core, this.#key), message)
  }
}

function isIterable (value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
}
