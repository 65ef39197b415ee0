// What a request for a stream gets while the server closes: 503 with `Retry-After`. An EventSource gives up for good on a
// 503, but reconnects after a network error, so its connection (over HTTP/2 its stream) is closed without a response.
import { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { type FastifyInstance, type FastifyReply } from 'fastify'
import { SSE_ERR_SHUTDOWN } from '../errors.ts'
import { removeForeign } from '../response/framing.ts'
import { isEventStream } from '../wire/media-type.ts'

/** In seconds: another instance takes over, or this one restarts. */
const RETRY_AFTER = '1'
/** The share of `pluginTimeout` that the hook uses at most. */
const HOOK_SHARE = 0.9

/** Takes the place of Fastify's own 503, which it answers while it closes, before hooks and handlers run. */
export function refuseRequests (server: Server): void {
  // Fastify's listener runs after this one and finds the response closed.
  server.prependListener('request', (request, response) => {
    if (isEventSource(request)) hangUp(response)
    else response.setHeader('retry-after', RETRY_AFTER)
  })
}

/**
 * Waits for `finished`, but no longer than Fastify lets a `preClose` hook take: beyond `pluginTimeout`, `close()` rejects. A
 * longer grace goes on after the hook, because `onClose` hooks have no limit.
 */
export async function withinHook ({ initialConfig: { pluginTimeout } }: FastifyInstance, finished: Promise<void>): Promise<void> {
  if (!pluginTimeout) return finished
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>(resolve => { timer = setTimeout(resolve, pluginTimeout * HOOK_SHARE) })
  await Promise.race([finished, limit])
  clearTimeout(timer)
}

/** Refuses a request that came before the server closed. */
export function refuse (reply: FastifyReply): void {
  removeForeign(reply, reply.raw)
  if (isEventSource(reply.request.raw)) hangUp(reply.raw)
  else reply.header('retry-after', RETRY_AFTER).send(new SSE_ERR_SHUTDOWN())
}

function isEventSource ({ method, headers: { accept } }: IncomingMessage | Http2ServerRequest): boolean {
  return method === 'GET' && accept !== undefined && isEventStream(accept)
}

function hangUp (response: ServerResponse | Http2ServerResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_REFUSED_STREAM)
  // Queued behind another response of its connection, it has no socket yet.
  else if (response.socket === null) response.once('socket', socket => socket.destroy())
  else response.socket.destroy()
}
