import type { RequestOptions } from './options.ts'

/** A request that can be sent again. */
export interface Repeatable {
  readonly method: string
  /**
   * What the next attempt sends.
   *
   * @throws whatever the user's `headers` throw, and TypeError for a URL, headers or a body that cannot be sent: asking again is of no use
   */
  prepare (lastEventId: string, signal: AbortSignal): Promise<RequestInit>
  send (init: RequestInit): Promise<Response>
}

/**
 * Settles once what all attempts send.
 *
 * @param options handed on as they are: `fetch` leaves alone what it does not know
 */
export function repeatable (url: string | URL, options: RequestOptions): Repeatable {
  const { headers, body, fetch: own } = options
  const href = String(url)
  const isJson = body?.constructor === Object || Array.isArray(body)
  const payload = (isJson ? JSON.stringify(body) : body) as NonNullable<RequestInit['body']>
  const method = (options.method ?? (payload === undefined ? 'GET' : 'POST')).toUpperCase()
  return {
    method,
    async prepare (lastEventId, signal) {
      const all = new Headers(typeof headers === 'function' ? await headers() : headers)
      const byDefault = (name: string, value: string): void => { if (!all.has(name)) all.set(name, value) }
      byDefault('accept', 'text/event-stream')
      if (isJson) byDefault('content-type', 'application/json')
      // A header takes bytes: an id beyond ASCII goes as the UTF-8 that the standard asks for.
      if (lastEventId) all.set('last-event-id', String.fromCharCode(...new TextEncoder().encode(lastEventId)))
      const init: RequestInit = { cache: 'no-store', ...options, method, headers: all, body: payload, signal } as RequestInit
      // `fetch` reports what cannot be sent and a broken connection by the same TypeError; this one by its own.
      if (!own) Reflect.construct(Request, [href, init])
      return init
    },
    send: async init => (own ?? fetch)(href, init)
  }
}
