// The request of a stream, which is sent again for each connection.
import { OptionError } from './errors.ts'

/** What is sent, and by what. All options of `fetch` are passed on to it. */
export interface FetchOptions extends Omit<RequestInit, 'body' | 'headers' | 'signal' | 'method'> {
  /** @default 'GET', or 'POST' with a body */
  method?: string | undefined
  /** Headers, or a function that is called for each attempt, for a fresh token. What it throws ends the stream. */
  headers?: RequestInit['headers'] | (() => RequestInit['headers'] | Promise<RequestInit['headers']>)
  /** Plain objects and arrays are sent as JSON; FormData and the like pass through. Streams are rejected: they cannot be sent twice. */
  body?: unknown
  /** Replaces the global `fetch`. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
}

/** Makes the requests of a stream. */
export interface RequestFactory {
  readonly method: string
  readonly href: string
  readonly body: unknown
  /**
   * Prepares the next attempt; the function that it resolves to sends it.
   *
   * @throws what the user's `headers` throw, and TypeError for a URL, headers or a body that cannot be sent: a retry would not help
   */
  prepare (lastEventId: string, signal: AbortSignal): Promise<() => Promise<Response>>
}

/**
 * Fixes once what every attempt sends.
 *
 * @param options passed on to `fetch`, which ignores what it does not know
 * @throws OptionError for a body that cannot be sent twice, TypeError for one that is not JSON
 */
export function requestFactoryOf (url: string | URL, options: FetchOptions): RequestFactory {
  const { headers, fetch: custom } = options
  const href = String(url)
  const given = options.body ?? undefined
  if (given instanceof ReadableStream) throw new OptionError('body', 'what can be sent again', 'a stream: read it first')
  // Everything that `fetch` sends in a form of its own has a tag, such as FormData.
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
      // A header takes bytes, one a character: the id goes as the UTF-8 that the standard asks for.
      if (lastEventId !== '') all.set('last-event-id', String.fromCharCode(...new TextEncoder().encode(lastEventId)))
      const init: RequestInit = { cache: 'no-store', ...options, method, headers: all, body, signal } as unknown as RequestInit
      // `fetch` throws the same TypeError for a request that cannot be sent and for a broken connection; Request throws only the former.
      if (!custom) Reflect.construct(Request, [href, init])
      return async () => (custom ?? fetch)(href, init)
    }
  }
}
