import type { RequestOptions } from './options.ts'

/** A request that can be sent again. */
export interface Repeatable {
  readonly method: string
  /** Tells apart what is asked for: method, URL and a body of text. */
  readonly key: string
  /**
   * What the next attempt sends.
   *
   * @throws whatever the user's `headers` throw, and TypeError for a URL or headers that cannot be sent: asking again is of no use
   */
  prepare (lastEventId: string, signal: AbortSignal): Promise<RequestInit>
  send (init: RequestInit): Promise<Response>
}

/**
 * Checks what is to be sent, once for all attempts.
 *
 * @param rest the options that `fetch` takes as they are
 * @throws TypeError for a body that cannot be sent twice
 */
export function repeatable (url: string | URL, { headers, body, fetch: own }: RequestOptions, rest: RequestInit): Repeatable {
  const href = String(url)
  const method = (rest.method ?? (body === undefined ? 'GET' : 'POST')).toUpperCase()
  const isJson = isPlain(body)
  const payload = isJson ? JSON.stringify(body) : body
  if (typeof payload === 'object' && payload !== null && ('getReader' in payload || Symbol.asyncIterator in payload)) {
    throw new TypeError('A stream cannot be sent again: `body` must be text, bytes, a form or a plain object')
  }
  return {
    method,
    key: `${method} ${href} ${typeof payload === 'string' ? payload : ''}`,
    async prepare (lastEventId, signal) {
      const all = new Headers(typeof headers === 'function' ? await headers() : headers)
      if (!all.has('accept')) all.set('accept', 'text/event-stream')
      if (isJson && !all.has('content-type')) all.set('content-type', 'application/json')
      if (lastEventId !== '') all.set('last-event-id', byteString(lastEventId))
      const init = { cache: 'no-store', ...rest, method, headers: all, signal, ...(payload === undefined ? {} : { body: payload }) } as RequestInit
      // `fetch` reports a URL of no use and a broken connection by the same TypeError; this one by its own.
      if (own === undefined) Reflect.construct(Request, [href, init])
      return init
    },
    async send (init) {
      return (own ?? fetch)(href, init)
    }
  }
}

function isPlain (value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Array.isArray(value)
}

/** A header takes bytes: an id beyond ASCII goes as the UTF-8 that the standard asks for. */
function byteString (text: string): string {
  return Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join('')
}
