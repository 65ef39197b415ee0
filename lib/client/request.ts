import type { RequestOptions } from './options.ts'

/** A request that can be sent again. */
export interface Repeatable {
  readonly method: string
  readonly href: string
  readonly body: unknown
  /**
   * The next attempt, to be sent.
   *
   * @throws whatever the user's `headers` throw, and TypeError for a URL, headers or a body that cannot be sent: asking again is of no use
   */
  prepare (lastEventId: string, signal: AbortSignal): Promise<() => Promise<Response>>
}

/**
 * Settles once what all attempts send.
 *
 * @param options handed on as they are: `fetch` leaves alone what it does not know
 */
export function repeatable (url: string | URL, options: RequestOptions): Repeatable {
  const { headers, fetch: own } = options
  const href = String(url)
  const given = options.body ?? undefined
  if (given instanceof ReadableStream) throw new TypeError('Body is a stream')
  // All that `fetch` knows how to send has a tag, such as FormData.
  const isJson = typeof given === 'object' && !(Symbol.toStringTag in given)
  const body = isJson ? JSON.stringify(given) : given
  const method = (options.method ?? (body === undefined ? 'GET' : 'POST')).toUpperCase()
  return {
    method,
    href,
    body,
    async prepare (lastEventId, signal) {
      const all = new Headers({ accept: 'text/event-stream', ...(isJson && { 'content-type': 'application/json' }) })
      new Headers(typeof headers === 'function' ? await headers() : headers).forEach((value, name) => { all.set(name, value) })
      // A header takes bytes: an id beyond ASCII goes as the UTF-8 that the standard asks for.
      if (lastEventId) all.set('last-event-id', String.fromCharCode(...new TextEncoder().encode(lastEventId)))
      const init: RequestInit = { cache: 'no-store', ...options, method, headers: all, body, signal } as unknown as RequestInit
      // `fetch` reports what cannot be sent and a broken connection by the same TypeError; this one by its own.
      if (!own) Reflect.construct(Request, [href, init])
      return async () => (own ?? fetch)(href, init)
    }
  }
}
