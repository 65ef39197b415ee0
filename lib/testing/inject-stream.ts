// Streams of an app in tests: one message at a time, with backpressure and disconnects.
import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { OptionError } from '../client/errors.ts'
import type { MessageOf } from '../client/contract.ts'
import type { ParseOptions } from '../client/options.ts'
import { parse } from '../client/parse.ts'

/** The request, and the way it takes. */
interface StreamRequest {
  url: string
  /** @default 'GET', or 'POST' with a payload */
  method?: NonNullable<InjectOptions['method']> | undefined
  headers?: OutgoingHttpHeaders | undefined
  /** A string is sent as is, anything else as JSON. */
  payload?: unknown
  /**
   * Uses a real socket (HTTP/1.1, no TLS) instead of `inject`. If the app does not listen yet, it is told to, on a free
   * port of 127.0.0.1.
   * @default false
   */
  socket?: boolean | undefined
}

/** Options of `injectStream`: the request, and those of the client's `parse`. */
export type InjectStreamOptions<C = unknown> = StreamRequest & ParseOptions<C>

/** A URL does, unless the contract asks for an option. */
type Given<O extends StreamRequest> = StreamRequest extends O ? O | string : O

/** A response whose headers have arrived, and its messages as they arrive. */
export interface InjectedStream<M> extends AsyncIterable<M, undefined> {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /**
   * The next message. There is none after `disconnect`.
   *
   * @throws what the client's `parse` throws: a StreamError for a failure that the server reports, the connection's error for a cut
   */
  next (): Promise<IteratorResult<M, undefined>>
  /** The next `n` messages; fewer if the stream ends before. */
  next (n: number): Promise<M[]>
  /** Closes the connection, as a client that leaves. Resolves when it is closed. */
  disconnect (): Promise<void>
  /** Stops reading, so that the server meets backpressure, until the returned function is called. */
  stall (): () => void
  /** Leaving the loop disconnects. */
  [Symbol.asyncIterator] (): AsyncIterator<M, undefined, undefined>
}

interface Opened {
  response: { statusCode: number, headers: IncomingHttpHeaders, stream: Readable }
  disconnect (): Promise<void>
}

/**
 * Requests a stream of an app in a test. Resolves when the headers have arrived, so it works for endless streams, and for
 * those that fail after their headers, which plain `inject` rejects as a whole. Iterating a response that is not an event
 * stream throws the client's ResponseError.
 *
 * ```ts
 * const stream = await injectStream<typeof Chat>(app, { url: '/chat', payload: { prompt: 'to be' } })
 * const [first, second] = await stream.next(2)
 * await stream.disconnect()
 * ```
 *
 * @param request as for `app.inject`: the URL of a GET, or more
 * @throws OptionError
 * @typeParam C the contract, as for the client's `connect`
 */
export async function injectStream<C = unknown> (app: FastifyInstance, request: Given<InjectStreamOptions<C>>): Promise<InjectedStream<MessageOf<C>>> {
  const options: StreamRequest = typeof request === 'string' ? { url: request } : request
  checkNames(options)
  const { response, disconnect } = await (options.socket ? overSocket(app, options) : overInject(app, options))
  const { statusCode, headers, stream } = response
  const gate = new Gate(stream)
  const messages = parse<unknown>({ statusCode, headers, stream: () => gate.output }, options as ParseOptions) as AsyncGenerator<MessageOf<C>, undefined, undefined>

  let hasLeft = false
  const leave = async (): Promise<void> => {
    hasLeft = true
    gate.open()
    await disconnect()
  }
  const pull = async (): Promise<IteratorResult<MessageOf<C>, undefined>> => {
    try {
      const result = await messages.next()
      if (!hasLeft) return result
    } catch (error) {
      if (!hasLeft) throw error
    }
    return { done: true, value: undefined }
  }
  async function next (): Promise<IteratorResult<MessageOf<C>, undefined>>
  async function next (n: number): Promise<MessageOf<C>[]>
  async function next (n?: number): Promise<IteratorResult<MessageOf<C>, undefined> | MessageOf<C>[]> {
    return n === undefined ? pull() : severalOf(n, pull)
  }
  return {
    status: statusCode,
    headers,
    next,
    disconnect: leave,
    stall: () => gate.close(),
    [Symbol.asyncIterator]: () => ({
      next: () => next(),
      async return () {
        await leave()
        return { done: true, value: undefined }
      }
    })
  }
}

const REQUEST_NAMES = ['url', 'method', 'headers', 'payload', 'socket'] satisfies Array<keyof StreamRequest>
const PARSE_NAMES = ['contract', 'raw', 'sentinel', 'errorEvent', 'check', 'onInvalid', 'onGap', 'maxEventSize'] satisfies Array<keyof ParseOptions>

/** @throws OptionError, for those of `app.inject` that are not passed on, too */
function checkNames (options: StreamRequest): void {
  const known: readonly string[] = [...REQUEST_NAMES, ...PARSE_NAMES]
  if (typeof options !== 'object' || options === null) throw new OptionError('request', 'a URL or an object', String(options))
  const unknown = Object.keys(options).find(name => !known.includes(name))
  if (unknown !== undefined) throw new OptionError(unknown, `one of ${known.join(', ')}`, 'an unknown name')
}

async function severalOf<M> (n: number, pull: () => Promise<IteratorResult<M, undefined>>): Promise<M[]> {
  if (!Number.isSafeInteger(n) || n < 0) throw new OptionError('n', 'an integer >= 0', String(n))
  const several: M[] = []
  while (several.length < n) {
    const { done, value } = await pull()
    if (done) break
    several.push(value)
  }
  return several
}

/** Passes on bytes only when they are pulled, and can be closed. */
class Gate {
  readonly output: AsyncIterable<Uint8Array>
  #opened: Promise<void> | undefined
  open: () => void = () => { /* already open */ }

  constructor (stream: Readable) {
    // The stream is read only as far as it is pulled: that's how backpressure reaches the server.
    const opened = (): Promise<void> | undefined => this.#opened
    this.output = {
      async * [Symbol.asyncIterator] () {
        const chunks = stream[Symbol.asyncIterator]()
        for (;;) {
          await opened()
          const { done, value } = await chunks.next() as IteratorResult<Uint8Array>
          if (done) return
          yield value
        }
      }
    }
  }

  close (): () => void {
    this.#opened ??= new Promise(resolve => {
      this.open = () => {
        this.#opened = undefined
        resolve()
      }
    })
    return this.open
  }
}

function requestOf ({ method, headers, payload }: StreamRequest): { method: NonNullable<InjectOptions['method']>, headers: OutgoingHttpHeaders, payload: string | undefined } {
  const isText = payload === undefined || typeof payload === 'string'
  return {
    method: method ?? (payload === undefined ? 'GET' : 'POST'),
    headers: { ...(isText ? {} : { 'content-type': 'application/json' }), ...headers },
    payload: isText ? payload : JSON.stringify(payload)
  }
}

async function overInject (app: FastifyInstance, options: StreamRequest): Promise<Opened> {
  const { payload, ...rest } = requestOf(options)
  const answer = await app.inject({ url: options.url, ...rest, ...(payload === undefined ? {} : { payload }), payloadAsStream: true } as InjectOptions)
  const stream = answer.stream()
  const { res } = answer.raw
  return {
    response: { statusCode: answer.statusCode, headers: answer.headers as IncomingHttpHeaders, stream },
    async disconnect () {
      const closed = stream.closed ? undefined : once(stream, 'close')
      stream.on('error', () => { /* cut on purpose */ })
      res.req.destroy()
      res.destroy()
      stream.destroy()
      await closed
    }
  }
}

async function overSocket (app: FastifyInstance, options: StreamRequest): Promise<Opened> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new TypeError(`Expected an app that listens on a port, got one that listens on ${address}: use injectStream without \`socket\``)
  // `::` includes the addresses of IPv4, which are the only ones on machines without IPv6.
  const host = address.address === '::' ? 'localhost' : address.address === '0.0.0.0' ? '127.0.0.1' : address.address
  const { payload, ...rest } = requestOf(options)
  const request = httpRequest({ host, port: address.port, path: options.url, agent: false, ...rest })
  request.end(payload)
  const [response] = await once(request, 'response') as [IncomingMessage]
  return {
    response: { statusCode: response.statusCode!, headers: response.headers, stream: response },
    async disconnect () {
      const closed = response.socket.closed ? undefined : once(response.socket, 'close')
      response.on('error', () => { /* cut on purpose */ })
      request.on('error', () => { /* cut on purpose */ })
      request.destroy()
      await closed
    }
  }
}
