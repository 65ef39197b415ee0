// The stream that `connect` returns.
import { checkOptions, checkValue, STRING } from './check-options.ts'
import type { Clock } from './clock.ts'
import { connection, type ConnectionConfig } from './connection.ts'
import { isSendable } from './cursor.ts'
import { decoderOf, messagesOf } from './decode.ts'
import type { DecodeOptions } from './decode-options.ts'
import { ResumeError } from './errors.ts'
import type { RequestOptions } from './options.ts'
import { ReconnectPolicy } from './reconnect-policy.ts'
import { requestFactoryOf } from './request.ts'
import { CLOSED, Session, type StreamState } from './session.ts'

/** The messages of a stream, to be iterated once. */
export interface MessageStream<M> extends AsyncIterableIterator<M, undefined> {
  /** `connecting` until there is a connection; also before the loop starts, which is when the request is made. */
  readonly state: StreamState
  /** The last id that can be sent back; `''` for none. If tabs share the connection, it may be ahead of the loop. */
  readonly lastEventId: string
  /**
   * The next message.
   *
   * @throws StreamError, ResponseError, ConnectionError, ResumeError, MessageError, GapError, EventSizeError, or the reason of the signal
   */
  next (): Promise<IteratorResult<M, undefined>>
  /** Closes the connection, as leaving a `for await` loop does. */
  return (): Promise<IteratorResult<M, undefined>>
  /** Closes the connection at once; a waiting loop ends without an error. */
  close (): void
  [Symbol.asyncIterator] (): this
}

/**
 * Opens a stream whose request is made by the first `next()`.
 *
 * @throws OptionError, also for a body that cannot be sent twice; TypeError for one that is not JSON; ResumeError for a `lastEventId` that cannot be sent
 */
export function openStream<M> (url: string | URL, options: RequestOptions & DecodeOptions, clock: Clock): MessageStream<M> {
  checkValue('url', (url as URL | undefined)?.href ?? url, STRING)
  checkOptions(options)
  const { heartbeat = 15_000, lastEventId = '', share, signal, maxEventSize, onStateChange } = options
  if (!isSendable(lastEventId)) throw new ResumeError(lastEventId)
  const request = requestFactoryOf(url, options)
  const decoder = decoderOf(options)
  const policy = new ReconnectPolicy(options, request.method)
  const config: ConnectionConfig = { request, policy, clock, maxSilence: (heartbeat || Infinity) * 3, maxEventSize, hasSentinel: decoder.hasSentinel }
  const session = new Session(lastEventId, onStateChange)
  if (signal) {
    const abort = (): void => { session.close(signal.reason, signal.reason) }
    signal.addEventListener('abort', abort, { signal: session.signal })
    if (signal.aborted) abort()
  }
  return streamOf(session, (async function * () {
    const open = (): ReturnType<typeof connection> => connection(config, session)
    yield * messagesOf(share ? share({ session, decoder, request, policy, clock, open }) : open(), decoder, session.signal) as AsyncGenerator<M, unknown, undefined>
  })())
}

function streamOf<M> (session: Session, messages: AsyncGenerator<M, void, undefined>): MessageStream<M> {
  let isEnded = false
  const close = (cause?: unknown): { done: true, value: undefined } => {
    isEnded = true
    session.close(CLOSED, cause)
    // A generator that waits ends by the signal.
    messages.return().catch(() => { /* the loop was told, or is gone */ })
    return { done: true, value: undefined }
  }
  return {
    get state () { return session.state },
    get lastEventId () { return session.lastEventId },
    async next () {
      if (isEnded) return close()
      try {
        session.throwIfAborted()
        const result = await messages.next()
        // A message that arrives after an abort is not delivered.
        session.throwIfAborted()
        return result.done || session.isClosed ? close() : result
      } catch (error) {
        // A closed stream has nothing to throw.
        if (error === CLOSED) return close()
        close(error)
        throw error
      }
    },
    return: async () => close(),
    close: () => { close() },
    [Symbol.asyncIterator] () { return this }
  }
}
