// Remembers which runs were deleted. A producer in another process would otherwise take its missing log for data loss, and repair it.
import { positionOf } from './cursor.ts'
import { type Cursor, type Store } from './store.ts'

/** How long a deletion is remembered, ms: a producer renews its lease more often than that. */
const TTL = 600_000

/** The name of the log that holds the deletion; no topic or run has such a name. */
function nameOf (log: string): string {
  return `deleted:${log}`
}

/** @param tail of the log that is about to be deleted */
export async function rememberDeletion (store: Store, log: string, tail: Cursor): Promise<void> {
  const { epoch } = positionOf(tail)
  await store.append(nameOf(log), [{ kind: 'event', type: '', data: String(epoch), meta: '' }], { ttl: TTL, maxEvents: 1 })
}

/** Whether a log was deleted when it had this epoch, or a later one. */
export async function wasDeleted (store: Store, log: string, epoch: number): Promise<boolean> {
  const { entries } = await store.read(nameOf(log), null, { limit: 1, last: 1 })
  return entries[0] !== undefined && Number(entries[0].data) >= epoch
}
