import { connection, type Plan } from './connection.ts'
import type { MessageOf } from './contract.ts'
import { type Dated, type DecodeOptions, type Decoder, decoderOf } from './decode.ts'
import type { ConnectOptions, RequestOptions, Rest, StreamState } from './options.ts'
import { repeatable } from './request.ts'
import { CLOSED, Session } from './session.ts'
import type { Backoff } from './wait.ts'

/** The messages of a stream, to be iterated once. */
export interface MessageStream<M> extends AsyncIterableIterator<M, undefined> {
  /** `connecting` until there is a connection, also before the loop starts, which is what makes the request. */
  readonly state: StreamState
  /** The id to resume from, `''` for none. */
  readonly lastEventId: string
  /**
   * The next message.
   *
   * @throws StreamError, ResponseError, ConnectionError, MessageError, or the reason of the signal
   */
  next (): Promise<IteratorResult<M, undefined>>
  /** Closes the connection, as leaving a `for await` loop does. */
  return (): Promise<IteratorResult<M, undefined>>
  /** Closes the connection at once; a waiting loop ends without an error. */
  close (): void
  [Symbol.asyncIterator] (): this
}

/**
 * Reads a stream of server-sent events, over as many connections as it takes. The request is made when the loop starts.
 *
 * @typeParam C the contract: `connect<typeof Chat>(...)`; taken from `options.contract` where that is given
 * @param url relative to the page in browsers
 * @throws TypeError for a body that cannot be sent
 */
export function connect<C = unknown> (url: string | URL, ...[given]: Rest<ConnectOptions<C>>): MessageStream<MessageOf<C>> {
  const options = (given ?? {}) as RequestOptions & DecodeOptions
  const { reconnect, backoff, heartbeat = 15_000, lastEventId = '', share, onStateChange, signal } = options
  const request = repeatable(url, options)
  const session = new Session(lastEventId, onStateChange)
  if (signal) {
    const abort = (): void => { session.close(signal.reason, signal.reason) }
    signal.addEventListener('abort', abort, { signal: session.signal })
    if (signal.aborted) abort()
  }
  return streamOf(session, async () => {
    const decoder = await decoderOf(options)
    const plan: Plan = {
      request, decoder, reconnect, delay: 1000, maxDelay: 30_000, attempts: Infinity, ...backoff as Backoff | undefined, silence: (heartbeat || 0) * 3
    }
    const start = (): ReturnType<typeof connection> => connection(plan, session)
    return { decoder, frames: share ? (await import('./share.ts')).share(url, options, session, decoder.isLast, start) : start() }
  })
}

function streamOf<M> (session: Session, open: () => Promise<{ decoder: Decoder, frames: AsyncGenerator<Dated, void, undefined> }>): MessageStream<M> {
  let opened: ReturnType<typeof open> | undefined
  let isEnded = false
  const close = (cause?: unknown): { done: true, value: undefined } => {
    isEnded = true
    session.close(CLOSED, cause)
    // A generator that waits ends by the signal.
    opened?.then(({ frames }) => frames.return()).catch(() => { /* it was told to the loop, or the loop is gone */ })
    return { done: true, value: undefined }
  }
  return {
    get state () { return session.state },
    get lastEventId () { return session.lastEventId },
    async next () {
      try {
        for (;;) {
          if (isEnded || session.isOver()) break
          const { decoder, frames } = await (opened ??= open())
          const { done, value } = await frames.next()
          // Nothing comes after an abort, and a closed stream has nothing to throw.
          if (done || session.isOver() || decoder.isLast(value)) break
          const message = decoder.decode(value)
          if (message) return { done: false, value: message as M }
        }
        return close()
      } catch (error) {
        close(error)
        throw error
      }
    },
    return: async () => close(),
    close: () => { close() },
    [Symbol.asyncIterator] () { return this }
  }
}
