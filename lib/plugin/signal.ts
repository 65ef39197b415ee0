import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { SSE_ERR_CLIENT_GONE } from '../errors.ts'
import { isGone, onceSent, type RawResponse, wasAborted } from '../response/outlet.ts'

const kController = Symbol('sse.controller')
const kResponse = Symbol('sse.response')

type SignalRequest = FastifyRequest & { [kController]: AbortController | null, [kResponse]: RawResponse | null }

/**
 * Makes `request.signal` fire for more than Fastify's own reasons (the client left, the handler timed out): streams also
 * end because the server closes or because they had their time, which only {@link abortRequest} knows.
 */
export function decorateSignal (fastify: FastifyInstance): void {
  fastify.decorateRequest(kController, null)
  fastify.decorateRequest(kResponse, null)
  fastify.decorateRequest('signal', {
    getter (this: FastifyRequest) {
      const request = this as SignalRequest
      if (request[kController] === null) {
        request[kController] = new AbortController()
        follow(request, nativeSignal(request))
        if (request[kResponse] !== null) watch(request, request[kResponse])
      }
      return request[kController].signal
    }
  })
}

/** Tells a request of its response, whose close is the only sure sign that a client who sent a body has left. */
export function watchResponse (request: FastifyRequest, response: RawResponse): void {
  const own = request as SignalRequest
  own[kResponse] = response
  if (own[kController] !== null) watch(own, response)
}

/** Fires the signal of a request, if somebody ever asked for it. */
export function abortRequest (request: FastifyRequest, Reason: new () => Error): void {
  const controller = (request as SignalRequest)[kController]
  if (controller !== null && !controller.signal.aborted) controller.abort(new Reason())
}

function watch (request: FastifyRequest, response: RawResponse): void {
  let isSent = false
  const onClose = () => { if (!isSent || wasAborted(response)) abortRequest(request, SSE_ERR_CLIENT_GONE) }
  if (isGone(response)) return onClose()
  onceSent(response, () => { isSent = true })
  response.once('close', onClose)
}

function follow (request: SignalRequest, signal: AbortSignal): void {
  const onAbort = () => {
    const isClose = signal.reason?.name === 'AbortError'
    // Fastify fires at the close of the request, which comes as soon as a body was read; who leaves later closes the response.
    if (isClose && request.raw.readableEnded) return
    request[kController]!.abort(isClose && request[kResponse] !== null ? new SSE_ERR_CLIENT_GONE() : signal.reason)
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
}

/** The getter of Fastify's own Request, which is at the end of the prototype chain. */
function nativeSignal (request: FastifyRequest): AbortSignal {
  let found: PropertyDescriptor | undefined
  for (let level: object | null = request; level !== null; level = Object.getPrototypeOf(level)) {
    found = Object.getOwnPropertyDescriptor(level, 'signal') ?? found
  }
  return found!.get!.call(request)
}
