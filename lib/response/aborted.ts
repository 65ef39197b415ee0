/** Whether a source failed because its signal fired: an AbortError of the platform, or one of our own reasons. */
export function isAbort (error: unknown): boolean {
  try {
    return error instanceof Error && error.name === 'AbortError'
  } catch {
    // A revoked proxy, or a getter that throws.
    return false
  }
}

/** Warns of other failures. A free function, so that a source whose return() never settles does not retain the session. */
export function unlessAbort (warn: (error: unknown) => void): (error: unknown) => void {
  return error => { if (!isAbort(error)) warn(error) }
}
