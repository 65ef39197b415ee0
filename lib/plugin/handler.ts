// What a route handler may be or return besides calling `reply.sse`: a generator, any iterable where nothing but a stream
// is declared, or a promise of one of these.
import { type FastifyReply } from 'fastify'
import { SSE_ERR_ALREADY_SENT } from '../errors.ts'
import { isIterable } from '../response/source.ts'
import { isLog } from './log-source.ts'
import { checkAccept, stream } from './reply.ts'
import { type StreamRoute } from './route.ts'
import { type Handler, sessionOf } from './scope.ts'
import { watchResponse } from './signal.ts'

/** Wraps the handler of a route that has streams, or may have. */
export function streamingHandler (route: StreamRoute, handler: Handler): Handler {
  return function (request, reply) {
    if (route.isRefusable) checkAccept(request)
    if (route.isDeclared) watchResponse(request, reply.raw)
    let result: unknown
    try {
      result = handler.call(this, request, reply)
    } catch (error) {
      return fail(reply, error)
    }
    if (result instanceof Promise) {
      return result.then(value => settle(route, reply, value), (error: unknown) => fail(reply, error))
    }
    return take(route, reply, result)
  }
}

/** A handler that fails after `reply.sse` fails the stream: Fastify could not answer for it any more. */
function fail (reply: FastifyReply, error: unknown): unknown {
  const session = sessionOf(reply)
  if (session === null) throw error
  session.fail(error)
  return session.closed
}

/** What an async handler resolves to. Fastify sends even `undefined` until the headers are out, so the stream is awaited. */
function settle (route: StreamRoute, reply: FastifyReply, value: unknown): unknown {
  return take(route, reply, value) ?? sessionOf(reply)?.closed
}

/** Streams what a handler returned if it is a stream. Otherwise returns it to Fastify, unless the reply already is a stream. */
function take (route: StreamRoute, reply: FastifyReply, value: unknown): unknown {
  if (isStream(route, reply, value)) stream(reply, value, undefined)
  else if (sessionOf(reply) === null) return value
  else if (value !== undefined && value !== reply) reply.log.warn({ err: new SSE_ERR_ALREADY_SENT() }, 'handler returned a value after reply.sse')
  return undefined
}

/** Whether a handler's result is to be streamed. Beside other media types, an array is a JSON body. */
function isStream (route: StreamRoute, reply: FastifyReply, value: unknown): boolean {
  if (value === undefined || value === reply || sessionOf(reply) !== null || reply.sent) return false
  if (route.isUndeclared) return isGenerator(value)
  if (!route.isStream(reply.statusCode)) return false
  // Anything that is no source is refused by `stream`: Fastify would send it although nothing else is declared.
  return route.isOnlyStream(reply.statusCode) ? !(value instanceof Error) : isGenerator(value)
}

/** What is a stream and no JSON: a generator, a topic, a run. */
function isGenerator (value: unknown): boolean {
  return isLog(value) || (isIterable(value) && 'next' in value)
}
