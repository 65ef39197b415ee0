// Readers with a filter, or that get only the newest event of each key. They pull, so a slow one costs a cursor, and what it
// gets is decided when it gets there.
import { setImmediate as turn } from 'node:timers/promises'
import { closed } from '../log/publisher.ts'
import { type Batch, type Presentation, type Pull, type PulledEntry } from '../log/reading.ts'
import { type LogEntry } from '../log/store.ts'
import { type FeedSink, type Following } from '../response/feed.ts'
import { type Frames } from '../wire/frames.ts'
import { readyFrame } from './control-frames.ts'

/** What is written before the event loop has its turn, bytes. */
const TURN_BYTES = 65_536

/** The key of an event for conflation; undefined for one that always counts. */
export type KeyOf = (entry: PulledEntry) => string | number | undefined

/** What a reader gets. */
export interface Choice extends Pick<Presentation, 'begin' | 'end'> {
  /** Whether the reader gets an event. Everything by default. */
  readonly takes?: ((entry: PulledEntry) => boolean) | undefined
  /** Of the events of a key only the newest counts. No conflation by default. */
  readonly keyOf?: KeyOf | undefined
}

/** Writes what a reader chooses to its session. */
export class ChoosyReader implements Following {
  isBlocked = false
  lastAt = 0
  firstAt = 0
  events = 0
  bytes = 0
  readonly #pull: Pull
  readonly #sink: FeedSink
  readonly #choice: Choice
  #isStopped = false
  #onResume: (() => void) | undefined
  /** The last id that was written. */
  #shown: string | null = null
  #written = 0
  /** Whether everything that was pulled has been written or dropped, so that the cursor is a place to resume from. */
  #isIdle = false
  /** Whether the newest event that was pulled was dropped. */
  #isBehind = false
  /** What was pulled too far. */
  #held: Batch | null | undefined

  constructor (pull: Pull, sink: FeedSink, choice: Choice) {
    this.#pull = pull
    this.#sink = sink
    this.#choice = choice
  }

  start (): this {
    this.#run().catch(error => {
      if (this.#isStopped) return
      this.stop()
      this.#sink.fail(error)
    })
    return this
  }

  resume (): void {
    this.isBlocked = false
    this.#onResume?.()
    this.#onResume = undefined
  }

  stop (): void {
    this.#isStopped = true
    this.#pull.stop()
    this.resume()
  }

  /** In place of a heartbeat's comment: the cursor has moved past events that the reader does not get. */
  beat (): Frames | null {
    const { id } = this.#pull
    if (!this.#isIdle || id === null || id === this.#shown) return null
    this.#shown = id
    return readyFrame(id)
  }

  async #run (): Promise<void> {
    while (!this.#isStopped) {
      this.#isIdle = this.#held === undefined
      const batch = this.#held ?? await this.#pull.next()
      this.#isIdle = false
      this.#held = undefined
      // The app that has the log was closed, unless this reader was.
      if (batch === null) throw closed()
      if (batch.end !== undefined) return this.#end(batch.end)
      if (batch.beginning !== undefined) {
        this.#shown = batch.beginning.id
        const frames = this.#choice.begin(batch.beginning)
        await this.#write(frames instanceof Promise ? await frames : frames)
      } else {
        const chosen = await this.#choose(batch.entries)
        for (const entry of chosen) {
          this.#shown = entry.id
          await this.#write(entry.frames)
        }
        this.#isBehind = chosen.at(-1) !== batch.entries.at(-1)
      }
    }
  }

  /** The chosen ones of a batch. Where only the newest of a key counts, everything that is there is looked at first. */
  async #choose (batch: readonly PulledEntry[]): Promise<readonly PulledEntry[]> {
    const { takes, keyOf } = this.#choice
    const taken = takes === undefined ? batch : batch.filter(takes)
    if (keyOf === undefined) return taken
    const newest = new Newest(keyOf)
    newest.add(taken)
    for (let more; (more = await this.#pull.more()) !== undefined;) {
      if (more?.entries === undefined) {
        // A gap comes after what was before it.
        this.#held = more
        break
      }
      newest.add(takes === undefined ? more.entries : more.entries.filter(takes))
    }
    return newest.entries()
  }

  async #write (frames: Frames | null): Promise<void> {
    if (frames === null || this.#isStopped) return
    this.lastAt = performance.now()
    if (this.firstAt === 0 && frames.events > 0) this.firstAt = this.lastAt
    this.events += frames.events
    this.bytes += frames.byteLength
    this.#written += frames.byteLength
    if (!this.#sink.writeFrames(frames)) {
      this.isBlocked = true
      await new Promise<void>(resolve => { this.#onResume = resolve })
    } else if (this.#written >= TURN_BYTES) {
      this.#written = 0
      await turn()
    }
  }

  #end (entry: LogEntry | null): void {
    if (this.#isStopped) return
    this.stop()
    const { id } = this.#pull
    const { last, isGood } = this.#choice.end(entry, id)
    // Without the id of the end, a client that reconnects would go through the dropped events again, for ever.
    this.#sink.end(last ?? (this.#isBehind && id !== null ? readyFrame(id) : null), isGood)
  }
}

/** The newest event of each key, and all without one, in the log's order. */
class Newest {
  readonly #keyOf: KeyOf
  /** By key, or by itself without one. A key that comes again goes to the end. */
  readonly #entries = new Map<unknown, PulledEntry>()

  constructor (keyOf: KeyOf) {
    this.#keyOf = keyOf
  }

  add (entries: readonly PulledEntry[]): void {
    for (const entry of entries) {
      const key = this.#keyOf(entry) ?? entry
      this.#entries.delete(key)
      this.#entries.set(key, entry)
    }
  }

  entries (): readonly PulledEntry[] {
    return Array.from(this.#entries.values())
  }
}
