// The one connection of a store that subscribes. Many who watch one log share a channel; after a reconnect all are told.

import type { Notify } from '../log/store.ts'
import { Link } from './redis-link.ts'
import type { RedisDriver } from './redis-client.ts'

/** One call of `watch`. */
interface Watcher {
  readonly name: string
  readonly notify: Notify
  isStopped: boolean
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

// There may be many thousands of them: an array of one is a seventh of a Set of one.
interface Channel {
  watchers: Watcher[]
  /** The server has the subscription. */
  isActive: boolean
  /** It had, and what was sent since may be missed. */
  wasLost: boolean
  /** Undefined while nobody waits for it to be active. */
  waiting: Waiting[] | undefined
}

/** At most that many channels in one command. */
const BATCH = 500
/** Before a failed command is tried again, ms. */
const RETRY = 500
export interface SubscriptionsOptions {
  /** Of a connection and of each command, ms. */
  readonly timeout: number
  /** How often the connection is asked whether it lives, as nothing else is sent on a quiet one, ms. */
  readonly ping: number
  /** The entries of a notification. */
  readonly parse: (payload: string) => Parameters<Notify>[0]
}

export class Subscriptions {
  readonly #link: Link
  readonly #channels = new Map<string, Channel>()
  /** Channels whose subscription may differ from what their watchers want. */
  readonly #unsettled = new Set<string>()
  readonly #options: SubscriptionsOptions
  #pings: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #isSettling = false
  #isClosed = false

  constructor (driver: RedisDriver, options: SubscriptionsOptions) {
    this.#options = options
    this.#link = new Link(driver, {
      timeout: options.timeout,
      onMessage: (channel, payload) => this.#notify(channel, payload),
      onLost: () => this.#lost()
    })
  }

  /** Resolves once the subscription is active. @throws if it cannot be made now */
  async watch (name: string, notify: Notify): Promise<() => void> {
    if (this.#isClosed) throw new Error('the store is closed')
    // One function may watch twice: each call has its own entry.
    const watcher: Watcher = { name, notify, isStopped: false }
    const channel = this.#channels.get(name)
    if (channel === undefined) this.#channels.set(name, { watchers: [watcher], isActive: false, wasLost: false, waiting: undefined })
    else channel.watchers = [...channel.watchers, watcher]
    if (channel?.isActive !== true) await this.#active(watcher)
    return () => this.#unwatch(watcher)
  }

  /** Resolves once the channel of a watcher is active; where it cannot be, the watcher is gone. */
  async #active (watcher: Watcher): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        const channel = this.#channels.get(watcher.name)!
        channel.waiting ??= []
        channel.waiting.push({ resolve, reject })
        this.#unsettle(watcher.name)
      })
    } catch (error) {
      this.#unwatch(watcher)
      throw error
    }
  }

  #unwatch (watcher: Watcher): void {
    if (watcher.isStopped) return
    watcher.isStopped = true
    const channel = this.#channels.get(watcher.name)!
    // Another array: its watchers may be being told.
    channel.watchers = channel.watchers.filter(other => other !== watcher)
    if (channel.watchers.length === 0) this.#unsettle(watcher.name)
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
    clearInterval(this.#pings)
    this.#link.close()
    for (const channel of this.#channels.values()) {
      for (const { reject } of takeWaiting(channel)) reject(new Error('the store is closed'))
    }
  }

  #notify (name: string, payload: string): void {
    const channel = this.#channels.get(name)
    // The server had not seen the end of the subscription yet.
    if (channel === undefined) return
    tell(channel, this.#options.parse(payload))
  }

  #lost (): void {
    clearInterval(this.#pings)
    this.#pings = undefined
    for (const [name, channel] of this.#channels) {
      channel.wasLost ||= channel.isActive
      channel.isActive = false
      this.#unsettled.add(name)
    }
    this.#settle()
  }

  #unsettle (name: string): void {
    this.#unsettled.add(name)
    this.#settle()
  }

  /** One at a time, so that commands for one channel cannot overtake each other. */
  #settle (): void {
    if (this.#isSettling || this.#isClosed) return
    this.#isSettling = true
    // Whoever begins to watch in this turn joins the first command.
    Promise.resolve().then(() => this.#settleAll()).catch(() => { /* it rejects those who wait */ })
  }

  async #settleAll (): Promise<void> {
    while (this.#unsettled.size > 0 && !this.#isClosed) {
      const wanted: string[] = []
      const unwanted: string[] = []
      for (const name of this.#unsettled) {
        this.#unsettled.delete(name)
        const channel = this.#channels.get(name)!
        if (channel.watchers.length === 0) unwanted.push(name)
        else if (!channel.isActive) wanted.push(name)
        if (wanted.length + unwanted.length >= BATCH) break
      }
      await this.#subscribe(wanted)
      await this.#unsubscribe(unwanted)
    }
    // In the turn of the last look, or what comes in between would wait for ever.
    this.#isSettling = false
  }

  async #subscribe (names: string[]): Promise<void> {
    if (names.length === 0) return
    try {
      await this.#link.request(connection => connection.subscribe(names))
    } catch (error) {
      for (const name of names) {
        for (const { reject } of takeWaiting(this.#channels.get(name)!)) reject(error)
      }
      this.#tryAgain(names)
      return
    }
    this.#pings ??= setInterval(() => { this.#link.request(connection => connection.ping()).catch(() => {}) }, this.#options.ping).unref()
    for (const name of names) this.#activate(name)
  }

  #activate (name: string): void {
    const channel = this.#channels.get(name)!
    channel.isActive = true
    for (const { resolve } of takeWaiting(channel)) resolve()
    if (channel.wasLost) {
      channel.wasLost = false
      tell(channel, null)
    }
  }

  async #unsubscribe (names: string[]): Promise<void> {
    const active = names.filter(name => this.#channels.get(name)!.isActive)
    for (const name of names) {
      const channel = this.#channels.get(name)!
      channel.isActive = false
      // Somebody may have come back meanwhile; then it is unsettled again.
      if (channel.watchers.length > 0) continue
      this.#channels.delete(name)
      this.#unsettled.delete(name)
    }
    // Where it fails, the connection is lost, and the subscription with it.
    if (active.length > 0) await this.#link.request(connection => connection.unsubscribe(active)).catch(() => {})
  }

  #tryAgain (names: string[]): void {
    for (const name of names) this.#channels.get(name)!.wasLost = true
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      // Those that are active are passed over.
      for (const name of this.#channels.keys()) this.#unsettled.add(name)
      this.#settle()
    }, RETRY).unref()
  }
}

/** Those who wait for a channel, which then has none. */
function takeWaiting (channel: Channel): readonly Waiting[] {
  const { waiting = [] } = channel
  channel.waiting = undefined
  return waiting
}

function tell ({ watchers }: Channel, entries: Parameters<Notify>[0]): void {
  for (const watcher of watchers) if (!watcher.isStopped) watcher.notify(entries)
}
