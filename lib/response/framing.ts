// Headers and statuses that contradict the body which the session writes.
import { type RawResponse } from './outlet.ts'

/** Encodings of text that goes out as it is; they keep compressors and proxies away from it. */
const PLAIN = /^(identity|none)?$/i

/** Whether a response with this status ends with its headers. */
export function hasNoBody (status: number): boolean {
  return status < 200 || status === 204 || status === 205 || status === 304
}

/** Headers of an HTTP/1.1 connection (RFC 9113, section 8.2.2). Node throws for them once the headers leave, which ends the process. */
const OF_CONNECTION = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings', 'te']

/** The headers of a response, before they leave. */
interface Headers {
  hasHeader (name: string): boolean
  removeHeader (name: string): unknown
}

/**
 * Removes headers that no stream can have: a length, and over HTTP/2 those of a connection. They come with headers that were
 * copied from an upstream's response, say.
 */
export function removeForeign (headers: Headers, raw: RawResponse): void {
  if (headers.hasHeader('content-length')) headers.removeHeader('content-length')
  if (!('stream' in raw)) return
  for (const name of OF_CONNECTION) {
    if (headers.hasHeader(name)) headers.removeHeader(name)
  }
}

/** The same for a stream that is written straight into the response. Nothing encodes it, so an encoding is removed too. */
export function reframe (raw: RawResponse): void {
  removeForeign(raw, raw)
  if (!PLAIN.test(String(raw.getHeader('content-encoding') ?? ''))) raw.removeHeader('content-encoding')
  if ('stream' in raw || !raw.hasHeader('transfer-encoding')) return
  // Node does not write chunks where the header was removed.
  if (raw.useChunkedEncodingByDefault) raw.setHeader('transfer-encoding', 'chunked')
  else raw.removeHeader('transfer-encoding')
}
