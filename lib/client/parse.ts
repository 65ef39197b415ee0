import { isEventStream } from './connection.ts'
import type { MessageOf } from './contract.ts'
import { decoderOf } from './decode.ts'
import type { DecodeOptions } from './decode-options.ts'
import { ConnectionError, ResponseError } from './errors.ts'
import { framesOf, type Chunks } from './frames.ts'
import type { ParseOptions, Rest } from './options.ts'

/** A response of `fetch`, of `node:http`, of Fastify's `inject`, or its bytes or text alone. */
export type ParseSource =
  | Response
  | { readonly statusCode: number, readonly headers: object, stream (): AsyncIterable<unknown> }
  | AsyncIterable<string | Uint8Array>
  | ReadableStream<Uint8Array>
  | string

interface Answer {
  status?: number
  statusCode?: number
  headers?: Record<string, unknown>
  body?: unknown
  stream?: () => unknown
}

/**
 * The messages of one response, finite or endless. A 204 has none. Leaving the loop cancels the response.
 *
 * @typeParam C the contract, as for `connect`
 * @throws ResponseError for a response that is no event stream, StreamError, MessageError, ConnectionError where the declared
 * sentinel does not come, and what the source throws
 */
export async function * parse<C = unknown> (source: ParseSource, ...[given]: Rest<ParseOptions<C>>): AsyncGenerator<MessageOf<C>, void, undefined> {
  const decoder = await decoderOf((given ?? {}) as DecodeOptions)
  const answer = (typeof source === 'string' ? {} : source) as Answer
  const stream = typeof source === 'string' ? [source] : answer.stream ? answer.stream() : 'body' in answer ? answer.body ?? [] : source
  const status = answer.status ?? answer.statusCode
  if (status === 204) return
  if (status !== undefined) {
    const headers = answer.headers!
    // Headers not by their class, of which undici's package and polyfills have their own.
    const type = typeof headers.get === 'function' ? headers.get('content-type') : headers['content-type']
    if (status < 200 || status > 299 || !isEventStream(type)) {
      throw new ResponseError(source instanceof Response ? source : responseOf(status, headers, stream))
    }
  }
  let lastEventId = ''
  for await (const frame of framesOf(chunksOf(stream))) {
    if (decoder.isLast(frame)) return
    lastEventId = frame.id ?? lastEventId
    const message = decoder.decode({ ...frame, lastEventId })
    if (message) yield message as MessageOf<C>
  }
  if (decoder.hasSentinel) throw new ConnectionError('The stream ended')
}

/** For the error, and its `json()`: takes the stream over, which no one else reads. */
function responseOf (status: number, headers: object, stream: unknown): Response {
  const isEmpty = status === 205 || status === 304
  return new Response(isEmpty ? null : stream as ReadableStream, { status, headers: headers as Record<string, string> })
}

/** The chunks of a web stream, a Node stream or any (async) iterable of bytes or text. */
function chunksOf (source: unknown): Chunks {
  const { getReader } = source as Partial<ReadableStream<Uint8Array>>
  if (typeof getReader === 'function') {
    // Safari's streams are not iterable.
    const reader = getReader.call(source) as ReadableStreamDefaultReader<Uint8Array>
    return { pull: () => reader.read(), cancel: () => reader.cancel() }
  }
  const iterable = source as Partial<AsyncIterable<string | Uint8Array> & Iterable<string | Uint8Array>>
  const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.()
  if (iterator === undefined) throw new TypeError('Expected a response or a stream')
  return { pull: async () => iterator.next(), cancel: async () => iterator.return?.() }
}
