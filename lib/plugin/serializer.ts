// Payloads of streams are checked and written by the plugin, so the serializer compiler of the app never gets to see their
// schemas: one of another provider (zod's, say) could not compile them.
import { type FastifyInstance, type RouteOptions } from 'fastify'
import { isEventStream } from '../wire/media-type.ts'

type SerializerCompiler = NonNullable<RouteOptions['serializerCompiler']>

/**
 * Gives a route a serializer compiler that answers for `text/event-stream` itself and passes on everything else.
 *
 * Fastify builds the compiler of a scope only for routes that have none of their own. So it has to find none when it asks
 * whether to build one, and this one when it then compiles: it reads the option twice in a row, once the app gets ready.
 */
export function shieldSerializer (scope: FastifyInstance, options: RouteOptions): void {
  let { serializerCompiler: own } = options
  let isDefined = false
  let isNext = false
  // Until then Fastify and other plugins copy the options.
  queueMicrotask(() => { isDefined = true })
  const compile: SerializerCompiler = route => {
    // A payload that bypasses `reply.sse` is not written by Fastify either: its media type is not JSON.
    if (isEventStream((route as { contentType?: string }).contentType ?? '')) return String
    return (own ?? scope.serializerCompiler!)(route)
  }
  Object.defineProperty(options, 'serializerCompiler', {
    get () {
      if (own !== undefined) return compile
      if (isDefined) isNext = !isNext
      return isDefined && !isNext ? compile : undefined
    },
    set (given: SerializerCompiler | undefined) { own = given },
    enumerable: true,
    configurable: true
  })
}
