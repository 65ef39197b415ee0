// A connection that is replaced when it is lost, and on which nothing hangs: not while the server does not answer
// (stopped, half open), and not while it is away. Neither client gives this by its options alone.
import type { Connection, RedisDriver } from './redis-client.ts'

export interface LinkOptions {
  /** How long a connection may take to come about, and a command to be answered, ms. */
  readonly timeout: number
  readonly onMessage?: (channel: string, payload: string) => void
  /** An open connection was lost. */
  readonly onLost?: () => void
}

/** Between the starts of two attempts, ms. */
const PAUSE = 100
/** The timeout in ticks. Ticks, not times: while our own event loop is blocked no answer can be seen, and no tick counts. */
const TICKS = 4

export class Link {
  readonly #driver: RedisDriver
  readonly #options: LinkOptions
  /** Rejects what waits for an answer. */
  readonly #waiting = new Set<(cause: unknown) => void>()
  #connection: Connection | undefined
  #connecting: Promise<Connection> | undefined
  #lastAttempt = -Infinity
  #watchdog: NodeJS.Timeout | undefined
  #silentTicks = 0
  #isClosed = false
  #abandon: ((cause: unknown) => void) | undefined

  constructor (driver: RedisDriver, options: LinkOptions) {
    this.#driver = driver
    this.#options = options
  }

  /**
   * Runs a command on the connection, which is opened if there is none.
   *
   * @throws what the server or the client says, or an error when the connection is lost, or silent for the timeout: then
   * the outcome is unknown. With the signal's reason when it fires.
   */
  async request<T> (run: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    if (signal === undefined) return this.#run(run)
    return new Promise((resolve, reject) => {
      const stop = onAbort(signal, reject)
      this.#run(run).finally(stop).then(resolve, reject)
    })
  }

  close (): void {
    this.#isClosed = true
    this.#abandon?.(new Error('the store is closed'))
    this.#lose(new Error('the store is closed'))
  }

  async #run<T> (run: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#connection ?? await this.#connect()
    return new Promise((resolve, reject) => {
      // The first to wait starts the count.
      if (this.#waiting.size === 0) this.#silentTicks = 0
      this.#waiting.add(reject)
      run(connection).then(value => {
        this.#answered(reject)
        resolve(value)
      }, error => {
        this.#answered(reject)
        reject(error)
      })
    })
  }

  #answered (reject: (cause: unknown) => void): void {
    // What comes after the connection was given up says nothing about the present one.
    if (this.#waiting.delete(reject)) this.#silentTicks = 0
  }

  #connect (): Promise<Connection> {
    if (this.#isClosed) return Promise.reject(new Error('the store is closed'))
    this.#connecting ??= this.#attempt().finally(() => { this.#connecting = undefined })
    return this.#connecting
  }

  async #attempt (): Promise<Connection> {
    let timer: NodeJS.Timeout | undefined
    let connection: Connection | undefined
    const abandoned = new Promise<never>((_resolve, reject) => { this.#abandon = reject })
    // Where nothing waits for it yet.
    abandoned.catch(() => {})
    try {
      const pause = this.#lastAttempt + PAUSE - performance.now()
      if (pause > 0) await Promise.race([new Promise(resolve => { timer = setTimeout(resolve, pause) }), abandoned])
      this.#lastAttempt = performance.now()
      const opened: Connection = this.#driver.open({
        message: (channel, payload) => this.#options.onMessage?.(channel, payload),
        closed: cause => {
          if (this.#connection === opened) this.#lose(cause)
        }
      })
      connection = opened
      const { timeout } = this.#options
      timer = setTimeout(() => this.#abandon!(new Error(`no connection within ${timeout} ms`)), timeout)
      await Promise.race([opened.ready, abandoned])
    } catch (error) {
      connection?.ready.catch(() => {})
      connection?.close()
      throw error
    } finally {
      clearTimeout(timer)
      this.#abandon = undefined
    }
    this.#connection = connection
    this.#watchdog = setInterval(() => this.#tick(), this.#options.timeout / TICKS).unref()
    return connection
  }

  #tick (): void {
    if (this.#waiting.size > 0 && ++this.#silentTicks >= TICKS) {
      this.#lose(new Error(`no answer within ${this.#options.timeout} ms`))
    }
  }

  #lose (cause: unknown): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    clearInterval(this.#watchdog)
    connection.close()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const reject of waiting) reject(cause ?? new Error('the connection was lost'))
    this.#options.onLost?.()
  }
}

const cancels = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>()

/** Many commands may wait under one signal: with a listener each, Node.js would warn of a leak. */
function onAbort (signal: AbortSignal, cancel: (reason: unknown) => void): () => void {
  let all = cancels.get(signal)
  if (all === undefined) {
    all = new Set()
    cancels.set(signal, all)
  }
  if (all.size === 0) signal.addEventListener('abort', cancelAll)
  all.add(cancel)
  return () => {
    if (all.delete(cancel) && all.size === 0) signal.removeEventListener('abort', cancelAll)
  }
}

function cancelAll (this: AbortSignal): void {
  for (const cancel of cancels.get(this)!) cancel(this.reason)
}
