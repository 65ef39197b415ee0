// `reply.sse`: turns a reply into a stream. The session does the streaming, ReplyHost answers for it.
import { Readable } from 'node:stream'
import { type FastifyReply, type FastifyRequest } from 'fastify'
import { SSE_ERR_ALREADY_SENT, SSE_ERR_NOT_ACCEPTABLE, SSE_ERR_SOURCE } from '../errors.ts'
import { acceptsEventStream } from '../response/accept.ts'
import { resolveOptions, type SseOptions } from '../response/options.ts'
import { unlessAbort } from '../response/aborted.ts'
import { isGone } from '../response/outlet.ts'
import { discard } from '../response/source.ts'
import { Session } from '../response/session.ts'
import { onceClosed } from '../response/turn.ts'
import { type ReadingOptions } from '../topic/log-handle.ts'
import { isLog, type LogCall, openLog, READ_OPTIONS, refuseReadOptions, takeReadOptions } from './log-source.ts'
import { ReplyHost, setHeaders } from './reply-host.ts'
import { checkErrorEvent, StreamRoute } from './route.ts'
import { optionsOf, type ReplySession, responsesOf, routeOf, sessionOf, setSession, settingsOf, streamsOf } from './scope.ts'
import { refuse } from './shutdown.ts'
import { watchResponse } from './signal.ts'

const NO_OPTIONS: { options: undefined, read: ReadingOptions } = { options: undefined, read: {} }

/** `reply.sse`; typed and described in `augment.ts`. */
export function sse (this: FastifyReply, source: unknown, options?: SseOptions & ReadingOptions): FastifyReply {
  return stream(this, source, options)
}

/** Streams a source, and releases it if that fails. */
export function stream (reply: FastifyReply, source: unknown, options: (SseOptions & ReadingOptions) | undefined): FastifyReply {
  try {
    return answer(reply, source, options)
  } catch (error) {
    discard(source)
    throw error
  }
}

/** @throws SSE_ERR_NOT_ACCEPTABLE */
export function checkAccept ({ headers }: FastifyRequest): void {
  if (!acceptsEventStream(headers.accept)) throw new SSE_ERR_NOT_ACCEPTABLE()
}

function answer (reply: FastifyReply, source: unknown, given: (SseOptions & ReadingOptions) | undefined): FastifyReply {
  const { request, raw } = reply
  const streams = streamsOf(reply.server)
  if (reply.sent || sessionOf(reply) !== null) throw new SSE_ERR_ALREADY_SENT()
  const { handlerTimeout } = request.routeOptions
  const route = routeOf(request) ?? earlyRoute(request)
  const contract = route.contract(reply.statusCode)
  const { options, read } = given === undefined ? NO_OPTIONS : takeReadOptions<SseOptions>(given)
  const resolved = resolveOptions(options, route.options, READ_OPTIONS)
  if (options?.errorEvent !== undefined) checkErrorEvent(contract.events, resolved)
  if (resolved.strictAccept) checkAccept(request)
  if (request.method === 'HEAD') return answerHead(reply, source)
  watchResponse(request, raw)
  if (isGone(raw)) {
    // Nothing reports the end of this response any more: it already was.
    setSession(reply, unanswerable(reply, Promise.resolve()))
    discard(source)
    return reply
  }
  if (streams.isClosing) {
    setSession(reply, unanswerable(reply, closeOf(reply)))
    discard(source)
    refuse(reply)
    return reply
  }
  const config = streams.configOf(contract, resolved)
  const firstEventWithin = handlerTimeout > 0 ? Math.max(1, handlerTimeout - reply.elapsedTime) : undefined
  const session = new Session(raw, config, new ReplyHost(reply, streams, config, handlerTimeout > 0), firstEventWithin)
  setSession(reply, session)
  begin(session, source, { reply, route, contract, config, options: read })
  return reply
}

/** A route that was defined before the plugin was loaded. It can stream if it has no schema; a contract was never compiled. */
function earlyRoute ({ routeOptions, server }: FastifyRequest): StreamRoute {
  const { url = '' } = routeOptions
  return new StreamRoute({ url, responses: responsesOf(routeOptions), options: optionsOf(routeOptions) }, settingsOf(server)!.streams)
}

function begin (session: Session, source: unknown, call: Omit<LogCall, 'lastEventId'>): void {
  if (source instanceof Promise) {
    discard(source)
    session.fail(new SSE_ERR_SOURCE('a promise (await it, or give an async function)'))
  } else if (typeof source === 'function') session.start(() => openGiven(source(new SourceInput(call.reply.request)), call))
  else if (isLog(source)) session.start(() => openGiven(source, call))
  else session.start(() => plainSource(source, call), source)
}

/** A topic or run is streamed by a feed; anything else is what it is. */
function openGiven (given: unknown, call: Omit<LogCall, 'lastEventId'>): unknown {
  if (given instanceof Promise) return given.then((settled: unknown) => openGiven(settled, call))
  if (isLog(given)) return openLog(given, { ...call, lastEventId: lastEventId(call.reply.request.raw) })
  return plainSource(given, call)
}

/**
 * A source that is neither topic nor run.
 *
 * @throws SSE_ERR_OPTION
 */
function plainSource (source: unknown, { options }: Pick<LogCall, 'options'>): unknown {
  // Null answers 204, whatever it would have been.
  if (source === null || source === undefined || options === NO_OPTIONS.read) return source
  try {
    refuseReadOptions(options)
  } catch (error) {
    discard(source)
    throw error
  }
  return source
}

/** A HEAD request gets the headers of the stream; its source is never started. */
function answerHead (reply: FastifyReply, source: unknown): FastifyReply {
  discard(source)
  setSession(reply, unanswerable(reply, closeOf(reply)))
  setHeaders(reply)
  return reply.send(Readable.from([]))
}

function closeOf ({ raw }: FastifyReply): Promise<void> {
  return new Promise(resolve => { onceClosed(raw, resolve) })
}

/** In place of a session where there is no stream: later errors of the handler can only be logged. */
function unanswerable ({ log }: FastifyReply, closed: Promise<void>): ReplySession {
  return { closed, fail: unlessAbort(error => log.warn({ err: error }, 'handler failed after its reply was over')) }
}

/** What a source function is called with. Getters, because a signal that nobody asks for costs nothing. */
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
 * The `Last-Event-ID` header. A header schema without additional properties removes it from `headers`, so the raw
 * headers are read. Clients send it as UTF-8, Node decodes it as Latin-1.
 */
function lastEventId ({ rawHeaders }: { rawHeaders: string[] }): string | undefined {
  const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'last-event-id')
  // An empty one says that there is none.
  return at === -1 || rawHeaders[at + 1] === '' ? undefined : Buffer.from(rawHeaders[at + 1]!, 'latin1').toString('utf8')
}
