/** A timer for any time: those beyond 2 ** 31 - 1 ms would fire at once. */
export function later (ms: number, work: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(work, Math.min(ms, 2e9))
}

/** The windows of waits, in ms: the first one and the largest. */
export interface Backoff {
  readonly delay: number
  readonly maxDelay: number
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
  const first = failures ? delay : Math.min(delay, retry ?? delay)
  return Math.max(retry ?? 0, retryAfter) + Math.random() * Math.min(maxDelay, first * 2 ** failures)
}

/** The delay that a `Retry-After` header names, in ms; undefined where it names none. */
export function retryAfterOf (response: Response | undefined): number | undefined {
  const value = response?.headers.get('retry-after') ?? '-'
  const seconds = +value
  const ms = seconds >= 0 ? seconds * 1000 : Date.parse(value) - Date.now()
  return ms >= 0 ? ms : undefined
}

interface Scope {
  navigator?: { onLine?: boolean }
  addEventListener?: (type: 'online', listener: () => void, options: { signal: AbortSignal }) => void
}

/**
 * Waits, and while the browser is offline waits on. Coming online ends a wait early unless the server named its length.
 * The signal ends it at once, without an error.
 */
export function sleep (ms: number, isFirm: boolean, signal: AbortSignal): Promise<void> {
  const { navigator, addEventListener } = globalThis as Scope
  return new Promise(resolve => {
    const over = new AbortController()
    let isDue = !isFirm
    const wake = (): void => {
      if (!signal.aborted && navigator?.onLine === false) return
      clearTimeout(timer)
      over.abort()
      resolve()
    }
    const timer = later(ms, () => {
      isDue = true
      wake()
    })
    signal.addEventListener('abort', wake, over)
    addEventListener?.('online', () => { if (isDue) wake() }, over)
    if (signal.aborted) wake()
  })
}
