import type { Dated } from './decode.ts'
import type { Frame } from './frames.ts'
import type { StreamState } from './options.ts'

/** What outlives the single connections of a stream. */
export class Session {
  readonly #controller = new AbortController()
  readonly #onStateChange: ((state: StreamState, cause?: unknown) => void) | undefined
  state: StreamState = 'connecting'
  lastEventId: string
  /** Whether the last event itself had an id, so that nothing is lost or sent twice by going on from it. */
  isResumable: boolean
  /** The server's reconnection time in ms. */
  retry: number | undefined
  #isClosed = false
  /** Hears of each change, beside the user. */
  onEnter: (() => void) | undefined

  constructor (lastEventId: string, onStateChange: ((state: StreamState, cause?: unknown) => void) | undefined) {
    this.lastEventId = lastEventId
    this.isResumable = lastEventId !== ''
    this.#onStateChange = onStateChange
  }

  /** Fires when the stream is closed, from whichever side. */
  get signal (): AbortSignal {
    return this.#controller.signal
  }

  /** After the signal fired: silent where the user closed the stream, else the reason. */
  throwUnlessClosed (): void {
    if (!this.#isClosed) throw this.signal.reason
  }

  enter (state: StreamState, cause?: unknown): void {
    if (this.state === state || this.state === 'closed') return
    this.state = state
    this.onEnter?.()
    this.#onStateChange?.(state, cause)
  }

  note (frame: Frame): Dated {
    if (frame.id !== undefined) this.lastEventId = frame.id
    this.isResumable = Boolean(frame.id)
    return { ...frame, lastEventId: this.lastEventId }
  }

  close (cause?: unknown): void {
    if (this.signal.aborted) return
    this.#isClosed = true
    this.abort(undefined, cause)
  }

  abort (reason: unknown, cause: unknown = reason): void {
    if (this.signal.aborted) return
    this.#controller.abort(reason)
    this.enter('closed', cause)
  }
}
