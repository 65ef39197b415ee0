import { Readable } from 'node:stream'
import { type FastifyReply, type FastifyRequest } from 'fastify'
import { SSE_ERR_ALREADY_SENT, SSE_ERR_NOT_ACCEPTABLE, SSE_ERR_SHUTDOWN, SSE_ERR_SOURCE } from '../errors.ts'
import { type ResolvedOptions, resolveOptions, type SseOptions } from '../response/options.ts'
import { unlessAbort } from '../response/aborted.ts'
import { isGone } from '../response/outlet.ts'
import { discard, isIterable } from '../response/source.ts'
import { Session } from '../response/session.ts'
import { ReplyHost, setHeaders } from './reply-host.ts'
import { checkErrorEvent, StreamRoute } from './route.ts'
import { watchResponse } from './signal.ts'
import { type Streams } from './streams.ts'

/** A session hangs on its reply. */
export const kSession = Symbol('sse.session')
/** The streams of a route hang on its config, which requests can see. */
export const kRoute = Symbol('sse.route')
/** The plugin's options hang on the instance, from which child scopes inherit. */
export const kDefaults = Symbol('sse.defaults')

export type SseReply = FastifyReply & { [kSession]: Pick<Session, 'closed' | 'fail'> | null }
type SseConfig = { [kRoute]?: StreamRoute }
type SseInstance = { sse: Streams, [kDefaults]: ResolvedOptions }
type RouteDefinition = Pick<FastifyRequest['routeOptions'], 'config' | 'schema' | 'url'>
type Handler = (this: unknown, request: FastifyRequest, reply: FastifyReply) => unknown

/** `reply.sse`; typed and described in `augment.ts`. */
export function sse (this: FastifyReply, source: unknown, options?: SseOptions): FastifyReply {
  try {
    return answer(this as SseReply, source, options)
  } catch (error) {
    discard(source)
    throw error
  }
}

function answer (reply: SseReply, source: unknown, options: SseOptions | undefined): FastifyReply {
  const { sse: streams } = reply.server as unknown as SseInstance
  if (reply.sent || reply[kSession] !== null) throw new SSE_ERR_ALREADY_SENT()
  const { handlerTimeout, ...definition } = reply.request.routeOptions
  const route = routeOf(reply, definition)
  const contract = route.contract(reply.statusCode)
  const resolved = resolveOptions(options, route.options)
  if (options?.errorEvent !== undefined) checkErrorEvent(contract.events, resolved)
  if (reply.request.method === 'HEAD') return answerHead(reply, source)
  if (isGone(reply.raw)) {
    // Nothing will ever tell of the end of this response: it has been told.
    reply[kSession] = unanswerable(reply, Promise.resolve())
    discard(source)
    return reply
  }
  if (streams.isClosing) throw new SSE_ERR_SHUTDOWN()
  const host = new ReplyHost(reply, streams, resolved, handlerTimeout > 0)
  const session = new Session({
    raw: reply.raw,
    options: resolved,
    heartbeats: streams.heartbeats,
    encode: contract.encode,
    sentinel: contract.sentinel,
    firstEventWithin: handlerTimeout > 0 ? Math.max(1, handlerTimeout - reply.elapsedTime) : undefined
  }, host)
  host.session = session
  reply[kSession] = session
  streams.add(session)
  begin(session, reply.request, source)
  return reply
}

/** Lets a handler be a generator, return what is to be streamed, or be async without returning the reply. */
export function streamingHandler (route: StreamRoute, handler: Handler): Handler {
  return function (request, reply) {
    if (route.refuses(request)) throw new SSE_ERR_NOT_ACCEPTABLE()
    watchResponse(request, reply.raw)
    let result: unknown
    try {
      result = handler.call(this, request, reply)
    } catch (error) {
      return failed(reply as SseReply, error)
    }
    if (result instanceof Promise) {
      return result.then(value => settle(route, reply as SseReply, value), (error: unknown) => failed(reply as SseReply, error))
    }
    return take(route, reply as SseReply, result)
  }
}

/** A handler that fails after `reply.sse` fails the stream: Fastify could not answer for it any more. */
function failed (reply: SseReply, error: unknown): unknown {
  const session = reply[kSession]
  if (session === null) throw error
  session.fail(error)
  return session.closed
}

/** What an async handler resolves with: Fastify would send it, even `undefined`, until the headers are out. */
function settle (route: StreamRoute, reply: SseReply, value: unknown): unknown {
  return take(route, reply, value) ?? reply[kSession]?.closed
}

/** Streams what a handler returned, if that is to be streamed; else it is for Fastify, unless the reply is a stream already. */
function take (route: StreamRoute, reply: SseReply, value: unknown): unknown {
  if (isStream(route, reply, value)) reply.sse(value as never)
  else if (reply[kSession] === null) return value
  else if (value !== undefined && value !== reply) reply.log.warn({ err: new SSE_ERR_ALREADY_SENT() }, 'handler returned a value after reply.sse')
  return undefined
}

/** Whether a handler's result is to be streamed; beside other media types, an array is a JSON body. */
function isStream (route: StreamRoute, reply: FastifyReply, value: unknown): boolean {
  if (value === undefined || value === reply || (reply as SseReply)[kSession] !== null || reply.sent) return false
  if (route.isUndeclared) return isGenerator(value)
  if (!route.isStream(reply.statusCode)) return false
  // Of what is no source, `reply.sse` tells; Fastify would send it, though nothing else is declared.
  return route.isOnlyStream(reply.statusCode) ? !(value instanceof Error) : isGenerator(value)
}

function isGenerator (value: unknown): boolean {
  return isIterable(value) && 'next' in value
}

/** The streams of a reply's route; of one that was defined before the plugin was loaded, no contract is compiled. */
function routeOf (reply: FastifyReply, { config, schema, url = '' }: RouteDefinition): StreamRoute {
  const route = (config as SseConfig)[kRoute]
  if (route !== undefined) return route
  return new StreamRoute({ url, config, ...(schema === undefined ? {} : { schema }) } as never, (reply.server as unknown as SseInstance)[kDefaults])
}

function begin (session: Session, request: FastifyRequest, source: unknown): void {
  try {
    if (source instanceof Promise) {
      discard(source)
      throw new SSE_ERR_SOURCE('a promise (await it, or give an async function)')
    }
    session.start(typeof source === 'function' ? source(new SourceInput(request)) : source)
  } catch (error) {
    session.fail(error)
  }
}

/** A HEAD request gets the headers of the stream; its source is never started. */
function answerHead (reply: SseReply, source: unknown): FastifyReply {
  discard(source)
  const { raw } = reply
  reply[kSession] = unanswerable(reply, new Promise(resolve => { raw.once('close', resolve) }))
  setHeaders(reply)
  return reply.send(Readable.from([]) as never)
}

/** In the place of a session, where there is no stream: of what the handler does wrong from here on, only the log can tell. */
function unanswerable ({ log }: FastifyReply, closed: Promise<void>): Pick<Session, 'closed' | 'fail'> {
  return { closed, fail: unlessAbort(error => log.warn({ err: error }, 'handler failed after its reply was over')) }
}

/** What a source function is called with; getters, because a signal that nobody asks for costs nothing. */
class SourceInput {
  readonly #request: FastifyRequest

  constructor (request: FastifyRequest) {
    this.#request = request
  }

  get signal (): AbortSignal {
    return this.#request.signal
  }

  get lastEventId (): string | undefined {
    return lastEventId(this.#request.raw)
  }
}

/**
 * The `Last-Event-ID` header. A header schema without additional properties has it removed from `headers`, so the raw
 * headers are read; clients send it as UTF-8, which Node takes for Latin-1.
 */
function lastEventId ({ rawHeaders }: { rawHeaders: string[] }): string | undefined {
  const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'last-event-id')
  return at === -1 ? undefined : Buffer.from(rawHeaders[at + 1]!, 'latin1').toString('utf8')
}
