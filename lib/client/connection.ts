import type { Dated, Decoder } from './decode.ts'
import { ConnectionError, ResponseError } from './errors.ts'
import { type Frame, framesOf } from './frames.ts'
import type { Repeatable } from './request.ts'
import type { Session } from './session.ts'
import { pause, retryAfterOf, sleep } from './wait.ts'

/** How connections are made, and made again. */
export interface Plan {
  readonly request: Repeatable
  readonly decoder: Decoder
  /** Undefined: for GET, and where the last event had an id. */
  readonly reconnect: boolean | undefined
  readonly delay: number
  readonly maxDelay: number
  readonly attempts: number
  /** How many ms of silence a connection may have; 0 for any. */
  readonly silence: number
}

/**
 * The frames of a stream over as many connections as it takes. Returns when the stream is over, also by the user's will.
 *
 * @throws ResponseError, ConnectionError, the reason of the user's signal, and what the user's `headers` throw
 */
export async function * connection (plan: Plan, session: Session): AsyncGenerator<Dated, void, undefined> {
  const { request, decoder, reconnect, attempts } = plan
  let failures = 0
  while (!session.isOver()) {
    const attempt = new AbortController()
    const abort = (): void => { attempt.abort() }
    session.signal.addEventListener('abort', abort)
    let problem: unknown
    try {
      for await (const frame of once(plan, session, attempt)) {
        if (frame === OVER) return
        failures = 0
        yield session.note(frame)
        if (decoder.isLast(frame)) return
      }
    } catch (error) {
      problem = error
    } finally {
      session.signal.removeEventListener('abort', abort)
      // The body of a refused response is the user's to read.
      if (!(problem instanceof ResponseError)) abort()
    }
    if (session.isOver()) return
    const refused = problem instanceof ResponseError ? problem.response : undefined
    const isPassing = refused ? refused.status === 429 || refused.status >= 500 : !problem || problem instanceof ConnectionError
    if (!isPassing || !(reconnect ?? (request.method === 'GET' || session.isResumable)) || failures >= attempts) {
      if (!problem && !decoder.hasSentinel) return
      throw problem ?? new ConnectionError('The stream ended')
    }
    abort()
    session.enter('waiting', problem)
    const retryAfter = refused && retryAfterOf(refused)
    await sleep(pause(plan, failures++, session.retry, retryAfter), retryAfter !== undefined, session.signal)
  }
}

/** In the place of a frame: there is nothing to ask for again. */
const OVER = 0

/** One connection. What may pass is thrown as a ConnectionError. */
async function * once ({ request, silence }: Plan, session: Session, attempt: AbortController): AsyncGenerator<Frame | typeof OVER, void, undefined> {
  const guard = <T>(work: Promise<T>): Promise<T> => {
    const timer = silence && setTimeout(() => { attempt.abort(new ConnectionError(`Silent for ${silence} ms`)) }, silence)
    return work.catch((cause: unknown) => {
      const { reason } = attempt.signal
      throw reason instanceof ConnectionError ? reason : new ConnectionError('The connection failed', { cause })
    }).finally(() => { clearTimeout(timer) })
  }
  session.enter('connecting')
  const init = await request.prepare(session.lastEventId, attempt.signal)
  const response = await guard(request.send(init))
  if (response.status === 204) yield OVER
  if (!response.ok || !isEventStream(response.headers.get('content-type'))) throw new ResponseError(response)
  session.enter('open')
  if (!response.body) return
  const reader = response.body.getReader()
  // A custom fetch may leave the body to itself.
  attempt.signal.addEventListener('abort', () => { reader.cancel().catch(() => { /* it is over in any case */ }) })
  yield * framesOf(() => guard(reader.read()), ms => { session.retry = ms })
  attempt.signal.throwIfAborted()
}

export function isEventStream (type: unknown): boolean {
  return /^\s*text\/event-stream\s*(;|$)/i.test(String(type))
}
