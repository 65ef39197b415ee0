// The reader of a plain stream, which its channel writes to.
import { type Frames } from '../wire/frames.ts'
import { type After, type Page } from './pages.ts'
import { type ChannelPort, type WillingReader } from './port.ts'
import { closed } from './publisher.ts'
import { type Beginning, type Presentation, type Reader, type ReaderSink, type StartAt } from './reading.ts'
import { join } from './ring.ts'
import { Standby } from './standby.ts'
import { type LogEntry } from './store.ts'

/** A reader that is written to: at the tail it is a place in the ring, so its channel writes to thousands in a loop. */
export class PushReader implements Reader, WillingReader {
  slot = -1
  /** The place in the ring, while it is among the willing or its sink is full. */
  place = -1
  isBlocked = false
  lastAt = 0
  firstAt = 0
  events = 0
  bytes = 0
  readonly #channel: ChannelPort
  readonly #sink: ReaderSink
  /** The sink's socket, once it has one. Copied, because in a loop over thousands of readers each object on the way is a cache miss. */
  #direct: ReaderSink['direct'] = null
  readonly #end: Presentation['end']
  /** What it reads on after, while its place is not known to be in the ring. */
  #after: After = null
  #isReading = false
  #isStopped = false
  readonly #standby: Standby

  constructor (channel: ChannelPort, sink: ReaderSink, end: Presentation['end']) {
    this.#channel = channel
    this.#standby = new Standby(channel)
    this.#sink = sink
    this.#end = end
  }

  start (start: StartAt): void {
    this.#isReading = true
    this.#run(start).catch(error => this.fail(error))
  }

  resume (): void {
    if (!this.isBlocked || this.#isStopped) return
    this.isBlocked = false
    if (this.#isReading) return
    if (this.place !== -1 && this.#channel.ring.has(this.place)) this.#join()
    else this.#readOn()
  }

  stop (): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#channel.remove(this)
    this.#channel.leave()
    this.#standby.stop()
  }

  end (entry: LogEntry | null): void {
    if (this.#isStopped) return
    const { last, isGood } = this.#end(entry, entry === null ? null : this.#channel.ids.of(entry.id))
    this.stop()
    this.#sink.end(last, isGood)
  }

  fail (error: unknown): void {
    if (this.#isStopped) return
    this.stop()
    this.#sink.fail(error)
  }

  advance (now: number): boolean {
    const { ring } = this.#channel
    if (!ring.has(this.place)) {
      this.#channel.remove(this)
      this.#readOn()
      return false
    }
    try {
      while (this.place !== ring.head) {
        const { frames, count } = ring.joinedSince(this.place)
        if (count === 0) {
          this.end(ring.after(this.place).entry)
          return false
        }
        const cursor = ring.after(this.place + count - 1).entry.id
        this.place += count
        this.#after = cursor
        if (frames !== null && !this.#write(frames, now)) {
          this.#channel.remove(this)
          return false
        }
        // By a sink that found its client gone.
        if (this.#isStopped) return false
      }
    } catch (error) {
      this.fail(error)
      return false
    }
    return true
  }

  /** Among the willing; there is no await between this and the last that it took. */
  #join (): void {
    if (this.#isOver()) return
    this.#channel.add(this)
    if (this.place !== this.#channel.ring.head) this.advance(performance.now())
  }

  /** Ends the reader, where its channel is over, or it is at the end of a run. */
  #isOver (): boolean {
    const { over, ended } = this.#channel
    if (over === undefined && ended?.id !== this.#after) return false
    if (over === undefined) this.end(ended!)
    else if (over === 'gone') this.end(null)
    else if (over === 'closed') this.fail(closed())
    else this.fail(over.error)
    return true
  }

  #readOn (): void {
    this.place = -1
    this.#isReading = true
    this.#run(undefined).catch(error => this.fail(error))
  }

  /** Reads until the place is in the ring, the sink is full, or there is no more. */
  async #run (start: StartAt | undefined): Promise<void> {
    if (start !== undefined) await this.#begin(start)
    while (!this.#isStopped && !this.isBlocked && !this.#isInRing() && !this.#isOver()) await this.#readPage()
    this.#isReading = false
    if (!this.#isStopped && !this.isBlocked) this.#join()
  }

  #isInRing (): boolean {
    const after = this.#after
    if (!this.#channel.isReady || after === null || typeof after !== 'string') return false
    this.place = this.#channel.ring.placeOf(after)
    return this.place !== -1
  }

  async #begin (start: StartAt): Promise<void> {
    const channel = this.#channel
    if (start === 'now') {
      while (!channel.isReady && !this.#isStopped && channel.over === undefined) await this.#standby.move()
      if (this.#isStopped || !channel.isReady) return
      // Before what may take time, so that nothing which comes meanwhile is missed.
      const { cursor } = channel.ring
      this.#after = cursor
      await this.#beginAt({ reason: 'now', gap: null, id: channel.ids.of(cursor) })
    } else if (typeof start === 'object' && 'last' in start) {
      const cursor = await channel.beforeLast(start.last)
      this.#after = cursor
      if (cursor !== null) await this.#beginAt({ reason: 'history', gap: null, id: channel.ids.of(cursor) })
    } else if (start !== 'start') {
      this.#after = 'after' in start ? start.after : start
    }
  }

  async #beginAt (beginning: Beginning): Promise<void> {
    const begun = this.#channel.begin(beginning)
    this.#show(begun instanceof Promise ? await begun : begun)
  }

  async #readPage (): Promise<void> {
    const turn = this.#channel.turns.take()
    if (turn !== undefined) await turn
    const after = this.#after
    const page = await this.#channel.pageAfter(after)
    if (this.#isStopped) return
    if (page === null) {
      // The channel is over, and the loop that called sees to it.
    } else if (page === 'gone') {
      this.end(null)
    } else if ('asOf' in page) {
      await this.#standby.behind(page)
    } else {
      await this.#take(page)
    }
  }

  async #take ({ beginning, items, from }: Page): Promise<void> {
    const { ring, readers } = this.#channel
    if (readers > 1) ring.prepend(items, from)
    if (beginning !== null) {
      await this.#beginAt(beginning)
      if (this.#isStopped) return
    }
    this.#after = from
    for (let at = 0; at < items.length && !this.isBlocked;) {
      const { frames, count } = join(items, at)
      if (count === 0) {
        this.end(items[at]!.entry)
        return
      }
      at += count
      this.#after = items[at - 1]!.entry.id
      this.#show(frames)
    }
  }

  #show (frames: Frames | null): void {
    if (frames !== null && !this.#isStopped) this.#write(frames, performance.now())
  }

  #write (frames: Frames, now: number): boolean {
    const direct = this.#direct ??= this.#sink.direct
    const isWilling = direct !== null ? direct.write(frames.chunk) : this.#sink.writeFrames(frames)
    this.lastAt = now
    this.bytes += frames.byteLength
    if (frames.events > 0) {
      if (this.events === 0) this.firstAt = now
      this.events += frames.events
    }
    if (!isWilling) {
      this.isBlocked = true
      if (direct !== null) this.#sink.onBlocked()
    }
    return isWilling
  }
}
