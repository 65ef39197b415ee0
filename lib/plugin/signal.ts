// `request.signal` of requests that stream. It fires for more reasons than Fastify's own (the client left, the handler
// timed out): a stream also ends because the server closes or because it reached its `maxDuration`. Requests that do not
// stream keep Fastify's signal and its reasons.
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { SSE_ERR_CLIENT_GONE } from '../errors.ts'
import { isGone, onFinish, type RawResponse, wasAborted, wasSent } from '../response/outlet.ts'
import { controllerOf, responseOf, routeOf, setController, setResponse } from './scope.ts'

/** Replaces the getter of `request.signal`. */
export function decorateSignal (fastify: FastifyInstance): void {
  fastify.decorateRequest('signal', {
    getter (this: FastifyRequest) {
      const known = controllerOf(this)
      if (known !== null) return known.signal
      const response = responseOf(this)
      if (response === null && routeOf(this) === undefined) return nativeSignal(this)
      const controller = new AbortController()
      setController(this, controller)
      follow(this, controller, nativeSignal(this))
      if (response !== null) watch(this, response)
      return controller.signal
    }
  })
}

/**
 * Tells a request that it streams, and where: the response's close is the only sure sign that a client has left which
 * sent a body.
 */
export function watchResponse (request: FastifyRequest, response: RawResponse): void {
  if (responseOf(request) !== null) return
  setResponse(request, response)
  const controller = controllerOf(request)
  if (controller === null) return
  // Fastify's signal fires as soon as a body was read. Until now it was right to say so, too.
  if (controller.signal.aborted && !isGone(response)) setController(request, null)
  else watch(request, response)
}

/**
 * Fires the signal of a request, if somebody has asked for it.
 *
 * @returns whether somebody has
 */
export function abortRequest (request: FastifyRequest, Reason: new () => Error): boolean {
  const controller = controllerOf(request)
  if (controller === null) return false
  if (!controller.signal.aborted) controller.abort(new Reason())
  return true
}

function watch (request: FastifyRequest, response: RawResponse): void {
  let isSent = false
  const onClose = (): void => { if (!isSent || wasAborted(response)) abortRequest(request, SSE_ERR_CLIENT_GONE) }
  if (isGone(response)) return onClose()
  onFinish(response, () => { isSent = wasSent(response) })
  response.once('close', onClose)
}

function follow (request: FastifyRequest, controller: AbortController, signal: AbortSignal): void {
  const onAbort = (): void => {
    const isClose = signal.reason?.name === 'AbortError'
    const isStreaming = responseOf(request) !== null || routeOf(request)?.isDeclared === true
    if (!isStreaming || !isClose) controller.abort(signal.reason)
    // It fires at the close of the request, which comes as soon as a body was read; a client that leaves later closes the response.
    else if (!request.raw.readableEnded) controller.abort(new SSE_ERR_CLIENT_GONE())
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
}

/** Fastify's own getter, which is at the end of the prototype chain. */
function nativeSignal (request: FastifyRequest): AbortSignal {
  let found: PropertyDescriptor | undefined
  for (let level: object | null = request; level !== null; level = Object.getPrototypeOf(level)) {
    found = Object.getOwnPropertyDescriptor(level, 'signal') ?? found
  }
  return found!.get!.call(request)
}
