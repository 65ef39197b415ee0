import { connection, type Plan } from './connection.ts'
import type { MessageOf } from './contract.ts'
import { type Dated, type DecodeOptions, type Decoder, decoderOf } from './decode.ts'
import type { ConnectOptions, RequestOptions, Rest, StreamState } from './options.ts'
import { repeatable } from './request.ts'
import { Session } from './session.ts'

/** The messages of a stream, to be iterated once. */
export class MessageStream<M> implements AsyncIterableIterator<M> {
  readonly #session: Session
  readonly #decoder: Decoder
  readonly #frames: AsyncGenerator<Dated, void, undefined>

  constructor (session: Session, decoder: Decoder, frames: AsyncGenerator<Dated, void, undefined>) {
    this.#session = session
    this.#decoder = decoder
    this.#frames = frames
  }

  /** `connecting` until there is a connection, also before the loop starts, which is what makes the request. */
  get state (): StreamState {
    return this.#session.state
  }

  /** The id to resume from, `''` for none. */
  get lastEventId (): string {
    return this.#session.lastEventId
  }

  /**
   * The next message.
   *
   * @throws StreamError, ResponseError, ConnectionError, MessageError, or the reason of the signal
   */
  async next (): Promise<IteratorResult<M, undefined>> {
    const { signal } = this.#session
    try {
      for (;;) {
        if (signal.aborted) this.#session.throwUnlessClosed()
        const { done, value } = await this.#frames.next()
        // An abort while it was under way: nothing comes after it.
        if (signal.aborted) this.#session.throwUnlessClosed()
        if (done || signal.aborted || this.#decoder.isLast(value)) break
        const message = this.#decoder.decode(value)
        if (message !== undefined) return { done: false, value: message as M }
      }
    } catch (error) {
      this.#end(error)
      throw error
    }
    this.#end()
    return { done: true, value: undefined }
  }

  /** Closes the connection, as leaving a `for await` loop does. */
  async return (): Promise<IteratorResult<M, undefined>> {
    this.close()
    return { done: true, value: undefined }
  }

  /** Closes the connection at once; a waiting loop ends without an error. */
  close (): void {
    this.#end()
  }

  [Symbol.asyncIterator] (): this {
    return this
  }

  #end (cause?: unknown): void {
    this.#session.close(cause)
    // A generator that waits ends by the signal.
    this.#frames.return().catch(() => { /* it was told to the loop, or the loop is gone */ })
  }
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
  const {
    headers, body, fetch, reconnect, backoff, heartbeat = 15_000, lastEventId = '', share, onStateChange, signal,
    contract, raw, sentinel, errorEvent, check, onInvalid, ...rest
  } = options
  const decoder = decoderOf(options)
  const request = repeatable(url, options, rest as RequestInit)
  const session = new Session(lastEventId, onStateChange)
  const plan: Plan = {
    request,
    decoder,
    reconnect,
    backoff: { delay: backoff?.delay ?? 1000, maxDelay: backoff?.maxDelay ?? 30_000, attempts: backoff?.attempts ?? Infinity },
    silence: heartbeat && heartbeat * 3
  }
  const abort = (): void => { session.abort(signal?.reason) }
  signal?.addEventListener('abort', abort, { signal: session.signal })
  if (signal?.aborted) abort()
  const name = share === true ? request.key : share
  return new MessageStream(session, decoder, name ? shared(name, plan, session) : connection(plan, session))
}

/** In a module of its own, which only those load who share. */
async function * shared (name: string, plan: Plan, session: Session): AsyncGenerator<Dated, void, undefined> {
  const { share } = await import('./share.ts')
  yield * share(name, session, () => connection(plan, session))
}
