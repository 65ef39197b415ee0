/** Whether a source failed because its signal fired: an AbortError of the platform, or one of our own reasons. */
export function isAbort (error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

/** Warns of other failures. Not within a method, where it would keep the session for as long as a source takes to be let go. */
export function unlessAbort (warn: (error: unknown) => void): (error: unknown) => void {
  return error => { if (!isAbort(error)) warn(error) }
}
