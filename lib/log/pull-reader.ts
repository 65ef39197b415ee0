// The reader of a stream with `filter` or `conflate`, and of `messages()`: it asks for what is next.
import { type After } from './pages.ts'
import { type ChannelPort } from './port.ts'
import { type Batch, type Beginning, type Pull, type StartAt } from './reading.ts'
import { type Item } from './ring.ts'
import { Standby } from './standby.ts'
import { type LogEntry } from './store.ts'

/** A reader that asks for what is next: a cursor, and nothing that waits for it. */
export class PullReader implements Pull {
  readonly #channel: ChannelPort
  /** Where to begin, until that is known. */
  #start: StartAt | undefined
  #after: After = null
  /** What comes after a beginning. */
  #items: readonly Item[] | undefined
  #isStopped = false
  readonly #standby: Standby

  constructor (channel: ChannelPort, start: StartAt) {
    this.#channel = channel
    this.#standby = new Standby(channel)
    this.#start = start
  }

  get id (): string | null {
    return typeof this.#after === 'string' ? this.#channel.ids.of(this.#after) : null
  }

  get isCurrent (): boolean {
    return this.#channel.isReady && this.#after === this.#channel.ring.cursor
  }

  async next (): Promise<Batch | null> {
    while (!this.#isStopped) {
      const batch = await this.#step()
      if (batch !== undefined) return batch
    }
    return null
  }

  async more (): Promise<Batch | null | undefined> {
    while (!this.#isStopped) {
      if (this.#start === undefined && this.isCurrent) return undefined
      const batch = await this.#step()
      if (batch !== undefined) return batch
    }
    return null
  }

  stop (): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#channel.leave()
    this.#standby.stop()
  }

  /** Undefined where nothing came of it but a step on. */
  async #step (): Promise<Batch | null | undefined> {
    if (this.#items !== undefined) {
      const items = this.#items
      this.#items = undefined
      return this.#batchOf(items)
    }
    if (this.#start === undefined) return this.#fromRing() ?? await this.#fromStore()
    const beginning = await this.#begin(this.#start)
    return beginning === undefined || this.#isStopped ? undefined : { beginning }
  }

  async #begin (start: StartAt): Promise<Beginning | undefined> {
    const channel = this.#channel
    if (start === 'now') {
      while (!channel.isReady && channel.over === undefined && !this.#isStopped) await this.#standby.move()
      this.#start = undefined
      if (!channel.isReady) return undefined
      this.#after = channel.ring.cursor
      return { reason: 'now', gap: null, id: channel.ids.of(channel.ring.cursor) }
    }
    this.#start = undefined
    if (typeof start !== 'object') return undefined
    if (!('last' in start)) {
      this.#after = 'after' in start ? start.after : start
      return undefined
    }
    const cursor = await channel.beforeLast(start.last)
    this.#after = cursor
    return cursor === null ? undefined : { reason: 'history', gap: null, id: channel.ids.of(cursor) }
  }

  /** Undefined where the place is not in the ring, or at its head. */
  #fromRing (): Batch | undefined {
    const after = this.#after
    const { ring, isReady } = this.#channel
    if (!isReady || after === null || typeof after !== 'string') return undefined
    const place = ring.placeOf(after)
    return place === -1 || place === ring.head ? undefined : this.#batchOf(ring.since(place))
  }

  /** Undefined where nothing came of it but a step on. */
  async #fromStore (): Promise<Batch | null | undefined> {
    const channel = this.#channel
    if (channel.over !== undefined) return this.#over(channel.over)
    if (this.isCurrent) {
      if (channel.ended !== undefined) return this.#endWith(channel.ended)
      await this.#standby.move()
      return undefined
    }
    const page = await channel.pageAfter(this.#after)
    if (this.#isStopped) return null
    // The channel is over, and the next round sees to it.
    if (page === null) return undefined
    if (page === 'gone') return this.#endWith(null)
    if ('asOf' in page) {
      await this.#standby.behind(page)
      return undefined
    }
    this.#after = page.from
    if (page.beginning === null) return this.#batchOf(page.items)
    this.#items = page.items
    return { beginning: page.beginning }
  }

  #over (over: NonNullable<ChannelPort['over']>): Batch | null {
    if (over === 'gone') return this.#endWith(null)
    if (over === 'closed') return null
    throw over.error
  }

  #endWith (end: LogEntry | null): Batch {
    this.stop()
    return { end }
  }

  /** Items as far as there is no end among them; the end comes by itself. */
  #batchOf (items: readonly Item[]): Batch | undefined {
    const first = items[0]
    if (first === undefined) return undefined
    if (first.entry.kind === 'end') {
      this.#after = first.entry.id
      return this.#endWith(first.entry)
    }
    const end = items.at(-1)!.entry.kind === 'end' ? -1 : items.length
    const entries = items.slice(0, end)
    this.#after = entries.at(-1)!.entry.id
    const events = entries.filter(({ entry }) => entry.kind === 'event')
    return events.length === 0 ? undefined : { entries: events }
  }
}
