// The one connection of a store that subscribes. All watchers of a log share a channel, and are notified after a reconnect.
import type { Notify } from '../log/store.ts'
import { Link } from './redis-link.ts'
import type { RedisDriver } from './redis-client.ts'
import { Watchers } from './watchers.ts'

interface Waiting {
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

interface Channel {
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
  readonly #watchers = new Watchers(name => this.#unsettle(name))
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
    const stop = this.#watchers.add(name, notify)
    try {
      await this.#active(name)
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  /** Resolves once the channel of a name is active. */
  #active (name: string): Promise<void> | undefined {
    let channel = this.#channels.get(name)
    if (channel === undefined) this.#channels.set(name, channel = { isActive: false, wasLost: false, waiting: undefined })
    if (channel.isActive) return undefined
    const { waiting = [] } = channel
    channel.waiting = waiting
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
      this.#unsettle(name)
    })
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
    // The server may not have seen the end of the subscription yet.
    if (this.#watchers.has(name)) this.#watchers.tell(name, this.#options.parse(payload))
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
    Promise.resolve().then(() => this.#settleAll()).catch(() => { /* the calls that wait were rejected */ })
  }

  async #settleAll (): Promise<void> {
    while (this.#unsettled.size > 0 && !this.#isClosed) {
      const wanted: string[] = []
      const unwanted: string[] = []
      for (const name of this.#unsettled) {
        this.#unsettled.delete(name)
        if (!this.#watchers.has(name)) unwanted.push(name)
        else if (!this.#channels.get(name)!.isActive) wanted.push(name)
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
      this.#watchers.tell(name, null)
    }
  }

  async #unsubscribe (names: string[]): Promise<void> {
    const active = names.filter(name => this.#channels.get(name)!.isActive)
    for (const name of names) {
      this.#channels.get(name)!.isActive = false
      // Somebody may have come back meanwhile; then it is unsettled again.
      if (this.#watchers.has(name)) continue
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

/** Takes the calls that wait for a channel to become active. */
function takeWaiting (channel: Channel): readonly Waiting[] {
  const { waiting = [] } = channel
  channel.waiting = undefined
  return waiting
}
