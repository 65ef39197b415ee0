import type { Dated, Decoder } from './decode.ts'
import { ConnectionError, ResponseError } from './errors.ts'
import { framesOf, type Chunks } from './frames.ts'
import type { Repeatable } from './request.ts'
import type { Session } from './session.ts'
import { later, pause, retryAfterOf, sleep } from './wait.ts'

/** How connections are made, and made again. */
export interface Plan {
  readonly request: Repeatable
  readonly decoder: Decoder
  readonly delay: number
  readonly maxDelay: number
  readonly attempts: number
  /** How many ms of silence a connection may have. */
  readonly silence: number
  /** Whether what was asked for may be asked for again. */
  mayRepeat (): boolean
}

/**
 * The frames of a stream over as many connections as it takes; who takes them leaves at the last one. Returns when the
 * stream is over, also by the user's will.
 *
 * @throws ResponseError, ConnectionError, the reason of the user's signal, and what the user's `headers` throw
 */
export async function * connection (plan: Plan, session: Session): AsyncGenerator<Dated, void, undefined> {
  let failures = 0
  while (!session.isOver()) {
    const attempt = session.attempt = new AbortController()
    let problem: unknown
    try {
      const chunks = await open(plan, session, attempt)
      if (!chunks) return
      for await (const frame of framesOf(chunks, ms => { session.retry = ms })) {
        failures = 0
        yield session.note(frame)
      }
    } catch (error) {
      problem = error
    } finally {
      // The body of a refused response is the user's to read.
      if (problem instanceof ResponseError) session.attempt = undefined
      else attempt.abort()
    }
    if (session.isOver()) return
    const refused = problem instanceof ResponseError ? problem.response : undefined
    const isPassing = refused ? refused.status === 429 || refused.status >= 500 : !problem || problem instanceof ConnectionError
    if (!isPassing || !plan.mayRepeat() || failures >= plan.attempts) {
      if (!problem && !plan.decoder.hasSentinel) return
      throw problem ?? new ConnectionError('The stream ended')
    }
    attempt.abort()
    session.enter('waiting', problem)
    const retryAfter = retryAfterOf(refused)
    await sleep(pause(plan, failures++, session.retry, retryAfter), retryAfter !== undefined, session.signal)
  }
}

/** Makes one connection; undefined where the server says that there is nothing to ask for again. What may pass is thrown as a ConnectionError. */
async function open ({ request, silence }: Plan, session: Session, attempt: AbortController): Promise<Chunks | undefined> {
  const { signal } = attempt
  // What the user gave need not heed the signal.
  const guard = <T>(work: Promise<T>): Promise<T> => {
    let stop!: () => void
    const timer = later(silence, () => { attempt.abort(new ConnectionError(`Silent for ${silence} ms`)) })
    return new Promise<T>((resolve, reject) => {
      stop = () => { reject(signal.reason) }
      signal.addEventListener('abort', stop)
      work.then(resolve, reject)
    }).finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    })
  }
  const wired = <T>(work: Promise<T>): Promise<T> => guard(work).catch((cause: unknown) => {
    throw cause instanceof ConnectionError ? cause : new ConnectionError('The connection failed', { cause })
  })
  session.enter('connecting')
  signal.throwIfAborted()
  const send = await guard(request.prepare(session.lastEventId, signal))
  const response = await wired(send())
  if (response.status === 204) return undefined
  if (!response.ok || !isEventStream(response.headers.get('content-type'))) throw new ResponseError(response)
  session.enter('open')
  const reader = (response.body ?? new Blob([]).stream()).getReader()
  return { pull: () => wired(reader.read()), cancel: () => reader.cancel() }
}

export function isEventStream (type: unknown): boolean {
  return /^\s*text\/event-stream\s*(;|$)/i.test(String(type))
}
