// Time, as far as the client needs it. Tests hand in another clock.

/** A clock and its timers. */
export interface Clock {
  /** ms since the epoch. */
  now (): number
  /**
   * Calls `work` once after `ms`.
   *
   * @param ms any number >= 0; `Infinity` never calls it
   * @returns a function that cancels the timer
   */
  setTimer (ms: number, work: () => void): () => void
}

/** The longest delay of setTimeout; a longer one fires at once. */
const MAX_TIMEOUT = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer (ms, work) {
    if (ms === Infinity) return () => { /* there is no timer to cancel */ }
    const timer = setTimeout(work, Math.min(ms, MAX_TIMEOUT))
    return () => { clearTimeout(timer) }
  }
}
