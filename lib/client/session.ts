import type { Dated } from './decode.ts'
import type { Frame } from './frames.ts'
import type { StreamState } from './options.ts'

type Listener = (state: StreamState, cause?: unknown) => void

/** What outlives the single connections of a stream. */
export class Session {
  readonly #controller = new AbortController()
  readonly #listener: Listener | undefined
  /** Fires when the stream is closed, from whichever side. */
  readonly signal: AbortSignal = this.#controller.signal
  state: StreamState = 'connecting'
  declare lastEventId: string
  /** Whether the last event itself had an id, so that nothing is lost or sent twice by going on from it. */
  declare isResumable: boolean
  /** The server's reconnection time in ms. */
  declare retry: number | undefined
  /** The connection that is to be closed with the stream. */
  declare attempt: AbortController | undefined
  /** Hears of each change, beside the user. */
  declare onEnter: Listener | undefined

  constructor (lastEventId: string, listener: Listener | undefined) {
    this.lastEventId = lastEventId
    this.isResumable = !!lastEventId
    this.#listener = listener
  }

  enter (state: StreamState, cause?: unknown): void {
    if (this.state === state || this.state === 'closed') return
    this.state = state
    this.onEnter?.(state)
    this.#listener?.(state, cause)
  }

  note (frame: Frame): Dated {
    if (frame.id !== undefined) this.lastEventId = frame.id
    this.isResumable = !!frame.id
    return { ...frame, lastEventId: this.lastEventId }
  }

  /**
   * Closes for good; the first call counts.
   *
   * @param reason what the loop throws; CLOSED for nothing
   * @param cause what the user's listener hears of
   */
  close (reason: unknown, cause?: unknown): void {
    this.#controller.abort(reason)
    this.attempt?.abort()
    this.enter('closed', cause)
  }

  /** Whether the stream is closed; throws the reason unless that was the user's will. */
  isOver (): boolean {
    const { aborted, reason } = this.signal
    if (aborted && reason !== CLOSED) throw reason
    return aborted
  }
}

/** The reason of a stream that was left or closed, rather than aborted by a signal. */
export const CLOSED = {}
