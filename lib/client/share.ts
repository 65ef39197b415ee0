import type { Dated } from './decode.ts'
import type { Repeatable } from './request.ts'
import { type Channel, type Shared, Tab } from './tab.ts'

interface Locks {
  request (name: string, options: { signal: AbortSignal }, work: () => Promise<void>): Promise<void>
}

/**
 * In a module of its own, which only those load who share.
 *
 * The frames of a stream whose one connection is held by the tab that has the lock, the leader. When it goes, the next
 * tab goes on from the last id that it saw.
 */
export async function * share (shared: Shared): AsyncGenerator<Dated, void, undefined> {
  const { navigator, BroadcastChannel } = globalThis as unknown as { navigator?: { locks?: Locks }, BroadcastChannel?: new (name: string) => Channel }
  const name = shared.share === true ? nameOf(shared.plan.request) : shared.share
  if (!navigator?.locks || !BroadcastChannel || name === undefined) return yield * shared.open()
  const key = `fastify-typed-sse:${name}`
  const tab = new Tab(() => new BroadcastChannel(key), shared)
  try {
    navigator.locks.request(key, { signal: shared.session.signal }, () => tab.lead()).catch((error: unknown) => { tab.finish(error) })
    for (;;) {
      const frame = await tab.take()
      if (!frame) break
      yield frame
    }
    shared.session.isOver()
  } finally {
    tab.close()
  }
}

/** What tells one request from another; undefined where the body cannot be compared. */
function nameOf ({ method, href, body }: Repeatable): string | undefined {
  const { location } = globalThis as { location?: { href: string } }
  return body === undefined || typeof body === 'string' ? JSON.stringify([method, location ? new URL(href, location.href) : href, body]) : undefined
}
