// The names of the events that the library itself sends, apart from their schemas: the client's bundle needs the names alone.

/** The name of the event that gives a reader a position to resume from. */
export const READY_EVENT = '$ready'

/** The name of the event that tells a reader that it missed events. */
export const GAP_EVENT = '$gap'

/** Whether an event name is reserved for the library: contracts must not declare it. */
export function isReservedName (name: string): boolean {
  return name.startsWith('$')
}
