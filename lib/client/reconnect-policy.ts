// When a stream is requested again, and how long the client waits before it does.
import { abortable } from './abortable.ts'
import type { Clock } from './clock.ts'
import { ConnectionError, ResponseError, ResumeError } from './errors.ts'
import type { Session } from './session.ts'

/**
 * The smallest window of a wait in ms, unless `backoff.delay` is smaller: a server that sends `retry: 0` and ends every
 * connection would be asked hundreds of times a second.
 */
const MIN_WINDOW = 250

/** When and how a stream is requested again. */
export interface ReconnectOptions {
  /**
   * Whether a stream that ended or was cut is requested again.
   * @default true for GET, unless its last id cannot be sent back; otherwise only if the last event had an id
   */
  reconnect?: boolean | undefined
  /** The waits between attempts in ms: full jitter over a window that starts at `delay` and doubles up to `maxDelay`. */
  backoff?: {
    /** @default 1000 */
    delay?: number | undefined
    /**
     * Also the longest wait that the server can ask for by `retry` or `Retry-After`.
     * @default 30000
     */
    maxDelay?: number | undefined
    /**
     * Attempts in a row without an event before giving up. A connection that was open for 30 s starts the count again.
     * @default Infinity
     */
    attempts?: number | undefined
  } | undefined
  /**
   * Asked about a response that would end the loop: whether to request the stream again after a wait. A 401, say: refresh the
   * token, return true, and let `headers` be a function. What it throws ends the stream. 429 and 5xx are retried without
   * asking, wherever the request may be repeated. `attempts` bounds both.
   */
  shouldRetry?: ((error: ResponseError) => boolean | Promise<boolean>) | undefined
}

/** The user's rules for reconnecting. */
export class ReconnectPolicy {
  readonly #reconnect: boolean | undefined
  readonly #shouldRetry: ReconnectOptions['shouldRetry']
  readonly #isGet: boolean
  readonly #delay: number
  readonly maxDelay: number
  readonly attempts: number

  constructor ({ reconnect, backoff, shouldRetry }: ReconnectOptions, method: string) {
    const { delay = 1000, maxDelay = 30_000, attempts = Infinity } = backoff ?? {}
    this.#reconnect = reconnect
    this.#shouldRetry = shouldRetry
    this.#isGet = method === 'GET'
    this.#delay = delay
    this.maxDelay = maxDelay
    this.attempts = attempts
  }

  /**
   * Whether the request may be repeated.
   *
   * @param problem why it would be
   * @throws ResumeError if the stream would be resumed from another place than its last id
   */
  mayRepeat (session: Session, problem?: unknown): boolean {
    if (this.#reconnect !== undefined) return this.#reconnect
    const { unsendableId } = session
    if (this.#isGet && unsendableId !== undefined) throw new ResumeError(unsendableId, { cause: problem })
    return this.#isGet || session.isResumable
  }

  /**
   * Whether to go on after a connection.
   *
   * @param problem why it ended; undefined for a regular end
   * @throws ResumeError, and what `shouldRetry` throws
   */
  async shouldReconnect (session: Session, problem: unknown): Promise<boolean> {
    if (!(problem instanceof ResponseError)) return (problem === undefined || problem instanceof ConnectionError) && this.mayRepeat(session, problem)
    const { status } = problem.response
    if ((status === 429 || status >= 500) && this.mayRepeat(session, problem)) return true
    if (this.#shouldRetry === undefined) return false
    try {
      return await abortable(Promise.resolve(this.#shouldRetry(problem)), session.signal)
    } catch (error) {
      // Nobody gets the response any more.
      await problem.response.body?.cancel().catch(() => { /* its body was read, or is being read */ })
      throw error
    }
  }

  /**
   * The wait before the next attempt in ms: what the server asked for, at most `maxDelay`, plus full jitter over a window
   * that doubles with each failure in a row, at most to `maxDelay`. The jitter keeps the clients of a server that comes
   * back from meeting it all at once.
   *
   * @param failures attempts in a row without an event
   * @param retry the server's `retry` in ms
   * @param retryAfter the delay that a response asked for in ms
   */
  wait (failures: number, retry: number | undefined, retryAfter = 0): number {
    const first = failures === 0 && retry !== undefined ? Math.min(this.#delay, Math.max(retry, MIN_WINDOW)) : this.#delay
    return Math.min(this.maxDelay, Math.max(retry ?? 0, retryAfter)) + Math.random() * Math.min(this.maxDelay, first * 2 ** failures)
  }
}

/** The delay of a `Retry-After` header in ms (RFC 9110, section 10.2.3); undefined if there is no valid one. */
export function retryAfterOf (response: Response, now: number): number | undefined {
  const value = response.headers.get('retry-after') ?? ''
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return ms >= 0 ? ms : undefined
}

interface BrowserScope {
  navigator?: { onLine?: boolean }
  addEventListener?: (type: 'online', listener: () => void, options: { signal: AbortSignal }) => void
}

/**
 * Waits, and longer while the browser is offline. Coming online ends the wait early, unless the server asked for its length.
 * The signal ends it at once, without an error.
 *
 * @param isFirm whether the server asked for the length
 */
export function sleep (ms: number, isFirm: boolean, signal: AbortSignal, clock: Clock): Promise<void> {
  const { navigator, addEventListener } = globalThis as BrowserScope
  return new Promise(resolve => {
    const done = new AbortController()
    let isDue = !isFirm
    const wake = (): void => {
      if (!signal.aborted && navigator?.onLine === false) return
      cancel()
      done.abort()
      resolve()
    }
    const cancel = clock.setTimer(ms, () => {
      isDue = true
      wake()
    })
    signal.addEventListener('abort', wake, done)
    addEventListener?.('online', () => { if (isDue) wake() }, done)
    if (signal.aborted) wake()
  })
}
