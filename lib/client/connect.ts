import { connection, type Plan } from './connection.ts'
import type { MessageOf } from './contract.ts'
import { decoderOf } from './decode.ts'
import type { DecodeOptions } from './decode-options.ts'
import { ConnectionError, ResponseError } from './errors.ts'
import type { ConnectOptions, RequestOptions, Rest, StreamState } from './options.ts'
import { repeatable } from './request.ts'
import { CLOSED, Session } from './session.ts'

/** The messages of a stream, to be iterated once. */
export interface MessageStream<M> extends AsyncIterableIterator<M, undefined> {
  /** `connecting` until there is a connection, also before the loop starts, which is what makes the request. */
  readonly state: StreamState
  /** The id to resume from, `''` for none. With `share` of what came in last, which the loop may have yet to take. */
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
  const { delay = 1000, maxDelay = 30_000, attempts = Infinity } = backoff ?? {}
  const request = repeatable(url, options)
  const session = new Session(lastEventId, onStateChange)
  if (signal) {
    const abort = (): void => { session.close(signal.reason, signal.reason) }
    signal.addEventListener('abort', abort, { signal: session.signal })
    if (signal.aborted) abort()
  }
  const mayRepeat = (): boolean => reconnect ?? (request.method === 'GET' || session.isResumable)
  return streamOf(session, (async function * () {
    const decoder = await decoderOf(options)
    const plan: Plan = { request, decoder, delay, maxDelay, attempts, silence: (heartbeat || Infinity) * 3, mayRepeat }
    const open = (): ReturnType<typeof connection> => connection(plan, session)
    for await (const frame of share ? (await import('./share.ts')).share({ share, plan, session, open, errors: { ConnectionError, ResponseError } }) : open()) {
      if (decoder.isLast(frame)) return
      const message = decoder.decode(frame)
      if (message) yield message as MessageOf<C>
    }
  })())
}

function streamOf<M> (session: Session, messages: AsyncGenerator<M, void, undefined>): MessageStream<M> {
  let isEnded = false
  const close = (cause?: unknown): { done: true, value: undefined } => {
    isEnded = true
    session.close(CLOSED, cause)
    // A generator that waits ends by the signal.
    messages.return().catch(() => { /* it was told to the loop, or the loop is gone */ })
    return { done: true, value: undefined }
  }
  return {
    get state () { return session.state },
    get lastEventId () { return session.lastEventId },
    async next () {
      try {
        if (isEnded || session.isOver()) return close()
        const result = await messages.next()
        // Nothing comes after an abort, and a closed stream has nothing to throw.
        return result.done || session.isOver() ? close() : result
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
