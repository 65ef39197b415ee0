// The entry `fastify-typed-sse/client/share`: one connection for all tabs. An entry of its own, so that `connect` alone does not ship it.
import type { RequestFactory } from '../request.ts'
import type { Share, ShareableStream } from '../share-types.ts'
import { Tab } from './tab.ts'
import type { Channel } from './tab-message.ts'

export type { Share } from '../share-types.ts'

interface Locks {
  request (name: string, options: { signal: AbortSignal }, work: () => Promise<void>): Promise<void>
}

/**
 * One connection for all tabs that request the same stream: `connect(url, { share: shareTabs() })`.
 *
 * The tab that holds a Web Lock has the connection; when it closes, the next one resumes from the last id. A tab that joins
 * gets what comes from then on. Where there are no Web Locks (pages that are not secure), each tab has its own connection.
 *
 * @param name tells streams apart. The default is method, URL and body; give a name if tabs may be logged in differently, or
 * if the body is neither text nor JSON: without one each tab has its own connection
 */
export function shareTabs (name?: string): Share {
  return stream => share(stream, name ?? nameOf(stream.request))
}

async function * share (stream: ShareableStream, name: string | undefined): ReturnType<Share> {
  const { navigator, BroadcastChannel } = globalThis as unknown as { navigator?: { locks?: Locks }, BroadcastChannel?: new (name: string) => Channel }
  if (!navigator?.locks || !BroadcastChannel || name === undefined) return yield * stream.open()
  const key = `fastify-typed-sse:${name}`
  const tab = new Tab(() => new BroadcastChannel(key), stream)
  try {
    navigator.locks.request(key, { signal: stream.session.signal }, () => tab.lead()).catch((error: unknown) => { tab.finish(error) })
    for (;;) {
      const frame = await tab.take()
      if (!frame) break
      yield frame
    }
    stream.session.throwIfAborted()
  } finally {
    tab.close()
  }
}

/** Method, URL and body of a request; undefined if the body cannot be compared. */
function nameOf ({ method, href, body }: RequestFactory): string | undefined {
  const { location } = globalThis as { location?: { href: string } }
  return body === undefined || typeof body === 'string' ? JSON.stringify([method, location ? new URL(href, location.href) : href, body]) : undefined
}
