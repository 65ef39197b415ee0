// Catches handlers' results that Fastify would answer with `200 {}`: generators and the like where no stream is declared,
// on a route that was defined before the plugin was loaded, or given to `reply.send`.
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { SSE_ERR_NOT_STREAMED } from '../errors.ts'
import { declarationOf } from '../contract/declaration.ts'
import { isLog } from './log-source.ts'
import { responsesOf, routeOf } from './scope.ts'

/** Hooks run on routes of the scope and below it, also on those that were defined before. */
export function refuseUnsent (fastify: FastifyInstance): void {
  fastify.addHook('preSerialization', (request, reply, payload, done) => {
    if (isLog(payload) || isPulled(payload)) done(new SSE_ERR_NOT_STREAMED(request.routeOptions.url ?? request.url, adviceFor(request, reply)))
    else done(null, payload)
  })
}

/** Whether a value is made to be pulled, so that JSON has nothing for it. */
function isPulled (payload: unknown): boolean {
  if (typeof payload !== 'object' || payload === null || 'toJSON' in payload) return false
  return Symbol.asyncIterator in payload || (Symbol.iterator in payload && 'next' in payload)
}

function adviceFor (request: FastifyRequest, { statusCode }: FastifyReply): string {
  const route = routeOf(request)
  if (route === undefined) {
    const responses = responsesOf(request.routeOptions)
    const isEarly = responses === undefined || Object.values(responses).some(response => declarationOf(response) !== undefined)
    return isEarly ? 'define the route after `await app.register(typedSse)`' : 'declare the response with `EventStream`'
  }
  if (route.isUndeclared || route.isStream(statusCode)) return 'call `reply.sse(source)` in place of `reply.send(source)`'
  return `it declares a stream for status ${route.statuses.join(', ')}, not for ${statusCode}: call \`reply.code()\` first, or declare it for ${statusCode}`
}
