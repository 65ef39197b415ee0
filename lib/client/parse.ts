// The messages of one response that somebody else requested.
import { isEventStream } from '../wire/media-type.ts'
import { checkOptions, checkValue, OBJECT, STRING } from './check-options.ts'
import type { MessageOf, StreamMessage } from './contract.ts'
import { decoderOf, messagesOf } from './decode.ts'
import type { DecodeOptions } from './decode-options.ts'
import { ConnectionError, ResponseError } from './errors.ts'
import { framesOf, type Chunks, type IdentifiedFrame } from './frames.ts'
import type { ParseOptions, Rest } from './options.ts'

/** A response of `fetch`, of `node:http` or of Fastify's `inject`; or its bytes or text alone. */
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
 * @throws OptionError at once. The loop throws ResponseError for a response that is not an event stream, StreamError, MessageError,
 * GapError, EventSizeError, ConnectionError if the declared sentinel is missing, and what the source throws
 */
export function parse<C = unknown> (source: ParseSource, ...[options]: Rest<ParseOptions<C>>): AsyncGenerator<MessageOf<C>, void, undefined> {
  const given = (options ?? {}) as DecodeOptions
  checkValue('source', source, OBJECT + ' or ' + STRING)
  checkOptions(given)
  return read(source, given) as AsyncGenerator<MessageOf<C>, void, undefined>
}

async function * read (source: ParseSource, options: DecodeOptions): AsyncGenerator<StreamMessage, void, undefined> {
  const decoder = decoderOf(options)
  const answer = (typeof source === 'string' ? {} : source) as Answer
  const stream = typeof source === 'string' ? [source] : answer.stream ? answer.stream() : 'body' in answer ? answer.body ?? [] : source
  const status = answer.status ?? answer.statusCode
  if (status === 204) return
  if (status !== undefined) {
    const headers = answer.headers!
    // Not by class: undici's package and polyfills have Headers of their own.
    const type = typeof headers.get === 'function' ? headers.get('content-type') : headers['content-type']
    if (status < 200 || status > 299 || !isEventStream(String(type))) {
      throw new ResponseError(source instanceof Response ? source : responseOf(status, headers, stream))
    }
  }
  const isWhole = yield * messagesOf(identified(stream, options.maxEventSize), decoder)
  if (!isWhole && decoder.hasSentinel) throw new ConnectionError('The stream ended without its sentinel')
}

async function * identified (stream: unknown, maxEventSize: number | undefined): AsyncGenerator<IdentifiedFrame, void, undefined> {
  let lastEventId = ''
  for await (const frame of framesOf(chunksOf(stream), maxEventSize)) {
    lastEventId = frame.id ?? lastEventId
    yield { ...frame, lastEventId }
  }
}

/** A Response for the error. It takes over the stream, which nobody else reads. */
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
  if (iterator === undefined) throw new TypeError(`Expected a response, a stream or text, got ${typeof source}`)
  return { pull: async () => iterator.next(), cancel: async () => iterator.return?.() }
}
