// A promise where a value was expected: an async function where a sync one is called, say.

/**
 * Marks a promise as handled, because an error of our own is reported, or nobody waits any more: an unhandled rejection
 * would end the process. Anything else is left alone.
 */
export function ignoreRejection (value: unknown): void {
  if (value instanceof Promise) value.catch(() => {})
}
