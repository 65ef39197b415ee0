/** The longest delay of a timer: beyond it they fire at once. */
const MAX_DELAY = 2 ** 31 - 1

/** How long to wait before the next attempt. All in ms. */
export interface Backoff {
  /** The window of the first wait. */
  delay: number
  /** The largest window. */
  maxDelay: number
}

/**
 * The wait before the next attempt: the least that the server asked for, and full jitter over a window that doubles
 * with every failure in a row, so that a server that comes back is not met by all its clients at once.
 *
 * @param failures attempts in a row that brought no event
 * @param retry the server's `retry`, in ms
 * @param retryAfter what a 429 or 503 asked for, in ms
 */
export function pause ({ delay, maxDelay }: Backoff, failures: number, retry: number | undefined, retryAfter = 0): number {
  const first = failures === 0 && retry !== undefined ? Math.min(delay, retry) : delay
  return Math.max(retry ?? 0, retryAfter) + Math.random() * Math.min(maxDelay, first * 2 ** failures)
}

/** The delay that a `Retry-After` header names, in ms; undefined where it names none. */
export function retryAfterOf (response: Response): number | undefined {
  const value = response.headers.get('retry-after')
  if (value === null) return undefined
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

interface Scope {
  navigator?: { onLine?: boolean }
  addEventListener?: (type: 'online', listener: () => void) => void
  removeEventListener?: (type: 'online', listener: () => void) => void
}

/**
 * Waits, and while the browser is offline waits on. Coming online ends a wait early unless the server named its length.
 * The signal ends it at once, without an error.
 */
export function sleep (ms: number, isFirm: boolean, signal: AbortSignal): Promise<void> {
  const scope = globalThis as Scope
  return new Promise(resolve => {
    let isDue = false
    const wake = (): void => {
      if (!signal.aborted && scope.navigator?.onLine === false) return
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      scope.removeEventListener?.('online', online)
      resolve()
    }
    const online = (): void => { if (isDue || !isFirm) wake() }
    const timer = setTimeout(() => {
      isDue = true
      wake()
    }, Math.min(ms, MAX_DELAY))
    signal.addEventListener('abort', wake)
    scope.addEventListener?.('online', online)
    if (signal.aborted) wake()
  })
}

/**
 * The outcome of `work`, or the reason of the controller's signal, whichever is first. A silence of `ms` aborts it.
 * A listener for each call rather than one race against a long-lived promise, which would keep every loser alive.
 */
export function within<T> (work: Promise<T>, ms: number | false, controller: AbortController, onSilence: () => Error): Promise<T> {
  const { signal } = controller
  return new Promise((resolve, reject) => {
    const timer = ms === false ? undefined : setTimeout(() => { controller.abort(onSilence()) }, Math.min(ms, MAX_DELAY))
    const settle = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', fail)
    }
    const fail = (): void => {
      settle()
      const reason: unknown = signal.reason
      reject(reason instanceof Error ? reason : new Error('Aborted', { cause: reason }))
    }
    signal.addEventListener('abort', fail)
    if (signal.aborted) fail()
    work.then(resolve, reject).finally(settle).catch(() => { /* neither throws */ })
  })
}
