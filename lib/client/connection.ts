import type { Dated, Decoder } from './decode.ts'
import { ConnectionError, ResponseError } from './errors.ts'
import { type Frame, framesOf, pullFrom } from './frames.ts'
import type { Repeatable } from './request.ts'
import type { Session } from './session.ts'
import { type Backoff, pause, retryAfterOf, sleep, within } from './wait.ts'

/** How connections are made, and made again. */
export interface Plan {
  readonly request: Repeatable
  readonly decoder: Decoder
  /** Undefined: for GET, and where the last event had an id. */
  readonly reconnect: boolean | undefined
  readonly backoff: Backoff & { readonly attempts: number }
  /** How many ms of silence a connection may have. */
  readonly silence: number | false
}

/** Leads to the next attempt. */
class Again {
  readonly cause: unknown
  readonly retryAfter: number | undefined

  constructor (cause: unknown, retryAfter?: number) {
    this.cause = cause
    this.retryAfter = retryAfter
  }
}

/**
 * The frames of a stream over as many connections as it takes. Returns when the stream is over, also by the user's will.
 *
 * @throws ResponseError, ConnectionError, the reason of the user's signal, and what the user's `headers` throw
 */
export async function * connection (plan: Plan, session: Session): AsyncGenerator<Dated, void, undefined> {
  let failures = 0
  const mayRetry = (): boolean =>
    (plan.reconnect ?? (plan.request.method === 'GET' || session.isResumable)) && failures < plan.backoff.attempts

  for (;;) {
    const attempt = new AbortController()
    const abort = (): void => { attempt.abort(session.signal.reason) }
    session.signal.addEventListener('abort', abort)
    if (session.signal.aborted) abort()
    let again: Again
    let isRefused = false
    try {
      session.enter('connecting')
      const response = await open(plan, session, attempt)
      if (response.status === 204) return
      if (!isEventStream(response)) {
        again = refusal(response, mayRetry())
      } else {
        session.enter('open')
        for await (const frame of read(plan, response, session, attempt)) {
          failures = 0
          yield session.note(frame)
          if (plan.decoder.isLast(frame)) return
        }
        if (!plan.decoder.hasSentinel && !mayRetry()) return
        again = new Again(new ConnectionError('The stream ended'))
      }
    } catch (error) {
      if (session.signal.aborted) return session.throwUnlessClosed()
      isRefused = error instanceof ResponseError
      if (!(error instanceof Again)) throw error
      again = error
    } finally {
      session.signal.removeEventListener('abort', abort)
      // The body of a refused response is the user's to read.
      if (!isRefused) attempt.abort()
    }
    if (!mayRetry()) throw again.cause
    session.enter('waiting', again.cause)
    await sleep(pause(plan.backoff, failures++, session.retry, again.retryAfter), again.retryAfter !== undefined, session.signal)
    if (session.signal.aborted) return session.throwUnlessClosed()
  }
}

async function open (plan: Plan, session: Session, attempt: AbortController): Promise<Response> {
  const init = await plan.request.prepare(session.lastEventId, attempt.signal)
  try {
    return await silent(plan, plan.request.send(init), attempt)
  } catch (error) {
    throw new Again(asConnectionError(error))
  }
}

/** What to do about a response that is no event stream: there is hope for a 429 and a 5xx, for others asking again is of no use. */
function refusal (response: Response, mayRetry: boolean): Again {
  const error = new ResponseError(response)
  if (!mayRetry || (response.status !== 429 && response.status < 500)) throw error
  response.body?.cancel().catch(() => { /* it is given up for good or ill */ })
  return new Again(error, retryAfterOf(response))
}

async function * read (plan: Plan, response: Response, session: Session, attempt: AbortController): AsyncGenerator<Frame, void, undefined> {
  if (response.body === null) return
  const { pull } = pullFrom(response.body)
  // Only what the connection throws: an error of the loop's body does not come here.
  const guarded = async (): ReturnType<typeof pull> => {
    try {
      return await silent(plan, pull(), attempt)
    } catch (error) {
      throw new Again(asConnectionError(error))
    }
  }
  yield * framesOf(guarded, ms => { session.retry = ms })
}

function silent<T> ({ silence }: Plan, work: Promise<T>, attempt: AbortController): Promise<T> {
  return within(work, silence, attempt, () => new ConnectionError(`Nothing came for ${String(silence)} ms`))
}

function asConnectionError (error: unknown): ConnectionError {
  return error instanceof ConnectionError ? error : new ConnectionError('The connection failed', { cause: error })
}

export function isEventStream ({ ok, headers }: Response): boolean {
  return ok && /^\s*text\/event-stream\s*(;|$)/i.test(headers.get('content-type') ?? '')
}
