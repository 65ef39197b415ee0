import { type FastifyInstance, type FastifyRequest } from 'fastify'

const kController = Symbol('sse.controller')

type SignalRequest = FastifyRequest & { [kController]: AbortController | null }

/**
 * Makes `request.signal` fire for more than Fastify's own reasons (the client left, the handler timed out): streams also
 * end because the server closes or because they had their time, which only {@link abortRequest} knows.
 */
export function decorateSignal (fastify: FastifyInstance): void {
  fastify.decorateRequest(kController, null)
  fastify.decorateRequest('signal', {
    getter (this: FastifyRequest) {
      const request = this as SignalRequest
      request[kController] ??= follow(nativeSignal(request))
      return request[kController].signal
    }
  })
}

/** Fires the signal of a request, if somebody ever asked for it. */
export function abortRequest (request: FastifyRequest, Reason: new () => Error): void {
  const controller = (request as SignalRequest)[kController]
  if (controller !== null && !controller.signal.aborted) controller.abort(new Reason())
}

function follow (signal: AbortSignal): AbortController {
  const controller = new AbortController()
  if (signal.aborted) controller.abort(signal.reason)
  else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
  return controller
}

/** The getter of Fastify's own Request, which is at the end of the prototype chain. */
function nativeSignal (request: FastifyRequest): AbortSignal {
  let found: PropertyDescriptor | undefined
  for (let level: object | null = request; level !== null; level = Object.getPrototypeOf(level)) {
    found = Object.getOwnPropertyDescriptor(level, 'signal') ?? found
  }
  return found!.get!.call(request)
}
