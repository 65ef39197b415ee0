import { SSE_ERR_CLIENT_GONE, SSE_ERR_MAX_DURATION, SSE_ERR_SHUTDOWN } from '../errors.ts'

/** Whether a source failed because its signal fired, which is how many end. */
export function isAbort (error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error instanceof SSE_ERR_SHUTDOWN ||
    error instanceof SSE_ERR_CLIENT_GONE || error instanceof SSE_ERR_MAX_DURATION)
}

/** Warns of other failures. Not within a method, where it would keep the session for as long as a source takes to be let go. */
export function unlessAbort (warn: (error: unknown) => void): (error: unknown) => void {
  return error => { if (!isAbort(error)) warn(error) }
}
