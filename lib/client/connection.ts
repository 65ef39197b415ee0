// The frames of a stream, over as many connections as it takes.
import { isReservedName } from '../wire/event-names.ts'
import { isEventStream } from '../wire/media-type.ts'
import { abortable } from './abortable.ts'
import type { Clock } from './clock.ts'
import { ConnectionError, ResponseError } from './errors.ts'
import { framesOf, type Chunks, type IdentifiedFrame } from './frames.ts'
import { type ReconnectPolicy, retryAfterOf, sleep } from './reconnect-policy.ts'
import type { RequestFactory } from './request.ts'
import type { Session } from './session.ts'

/** A connection that was open for so many ms is not a failure, even if no event came. */
const STEADY = 30_000

/** What all connections of a stream have in common. */
export interface ConnectionConfig {
  readonly request: RequestFactory
  readonly policy: ReconnectPolicy
  readonly clock: Clock
  /** A connection that is silent for so many ms is dead. */
  readonly maxSilence: number
  readonly maxEventSize: number | undefined
  /** Whether an end without a sentinel is a cut. */
  readonly hasSentinel: boolean
}

/**
 * Connects, reads, and connects again. Returns when the stream is over or the session is closed.
 *
 * @throws ResponseError, ConnectionError, ResumeError, EventSizeError, the reason of the user's signal, and what the user's `headers` and `shouldRetry` throw
 */
export async function * connection (config: ConnectionConfig, session: Session): AsyncGenerator<IdentifiedFrame, void, undefined> {
  const { policy, clock } = config
  let failures = 0
  while (!session.isClosed) {
    const attempt = session.attempt = new AbortController()
    let openedAt = Infinity
    let problem: unknown
    try {
      const chunks = await open(config, session, attempt)
      if (!chunks) return
      openedAt = clock.now()
      for await (const frame of framesOf(chunks, config.maxEventSize, ms => { session.retry = ms })) {
        if (!isReservedName(frame.event)) failures = 0
        yield session.record(frame)
      }
    } catch (error) {
      problem = error
    } finally {
      // The body of a refused response is the user's to read.
      if (problem instanceof ResponseError) session.attempt = undefined
      else attempt.abort()
    }
    if (session.isClosed) break
    // A quiet stream that is cut now and then is not a failing one.
    if (clock.now() - openedAt >= STEADY) failures = 0
    if (failures >= policy.attempts || !await policy.shouldReconnect(session, problem)) {
      if (problem === undefined && !config.hasSentinel) return
      throw problem ?? new ConnectionError('The stream ended without its sentinel')
    }
    attempt.abort()
    session.enter('waiting', problem)
    const retryAfter = problem instanceof ResponseError ? retryAfterOf(problem.response, clock.now()) : undefined
    await sleep(policy.wait(failures++, session.retry, retryAfter), retryAfter !== undefined, session.signal, clock)
  }
  session.throwIfAborted()
}

/**
 * Opens one connection.
 *
 * @returns undefined if the server says that there is nothing to read any more (204)
 * @throws ConnectionError for what a retry may mend, ResponseError, and what the user's `headers` throw
 */
async function open ({ request, clock, maxSilence }: ConnectionConfig, session: Session, attempt: AbortController): Promise<Chunks | undefined> {
  const { signal } = attempt
  // The user's functions may ignore the signal, so nothing waits for them alone.
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    const cancel = clock.setTimer(maxSilence, () => { attempt.abort(new ConnectionError(`The connection was silent for ${maxSilence} ms`)) })
    try {
      return await abortable(work, signal)
    } finally {
      cancel()
    }
  }
  const guardNetwork = <T>(work: Promise<T>): Promise<T> => guard(work).catch((cause: unknown) => {
    throw cause instanceof ConnectionError ? cause : new ConnectionError('The connection failed', { cause })
  })
  session.enter('connecting')
  signal.throwIfAborted()
  const send = await guard(request.prepare(session.lastEventId, signal))
  const response = await guardNetwork(send())
  if (response.status === 204) return undefined
  if (!response.ok || !isEventStream(response.headers.get('content-type') ?? '')) throw new ResponseError(response)
  session.enter('open')
  const reader = (response.body ?? new Blob([]).stream()).getReader()
  return { pull: () => guardNetwork(reader.read()), cancel: () => reader.cancel() }
}
