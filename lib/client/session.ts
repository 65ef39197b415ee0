// The state of a stream that outlives its single connections.
import { isReservedName } from '../wire/event-names.ts'
import { isSendable } from './cursor.ts'
import type { Frame, IdentifiedFrame } from './frames.ts'

/** `connecting`: a request is under way; `open`: events may come; `waiting`: for the next attempt; `closed`: for good. */
export type StreamState = 'connecting' | 'open' | 'waiting' | 'closed'

type StateListener = (state: StreamState, cause?: unknown) => void

/** The abort reason of a stream that was left or closed, as opposed to aborted by the user's signal. */
export const CLOSED = {}

/** State, position and end of a stream. */
export class Session {
  readonly #controller = new AbortController()
  readonly #onStateChange: StateListener | undefined
  #lastId: string
  /** Fires when the stream is closed by either side. */
  readonly signal: AbortSignal = this.#controller.signal
  state: StreamState = 'connecting'
  /** Where to resume from: the last id that can be sent back; `''` for none. */
  lastEventId: string
  /** Whether the last event itself had such an id, so that resuming from it neither loses nor repeats an event. */
  isResumable: boolean
  /** The last id, if it cannot be sent back. */
  unsendableId: string | undefined
  /** The server's reconnection time in ms. */
  retry: number | undefined
  /** Aborts the current connection. */
  attempt: AbortController | undefined
  /** Called at each change of state, before the user's listener. */
  onEnter: StateListener | undefined

  constructor (lastEventId: string, onStateChange: StateListener | undefined) {
    this.#lastId = this.lastEventId = lastEventId
    this.isResumable = lastEventId !== ''
    this.#onStateChange = onStateChange
  }

  enter (state: StreamState, cause?: unknown): void {
    if (this.state === state || this.state === 'closed') return
    this.state = state
    this.onEnter?.(state)
    this.#onStateChange?.(state, cause)
  }

  /** Takes over the frame's id. */
  record (frame: Frame): IdentifiedFrame {
    const { event, data, id } = frame
    if (id !== undefined) {
      this.#lastId = id
      if (isSendable(id)) this.moveTo(id, id !== '')
      else {
        this.unsendableId = id
        this.isResumable = false
      }
    } else if (!isReservedName(event)) this.isResumable = false
    return { event, data, id, lastEventId: this.#lastId }
  }

  /** Sets the place to resume from. */
  moveTo (lastEventId: string, isResumable: boolean): void {
    this.lastEventId = lastEventId
    this.isResumable = isResumable
    this.unsendableId = undefined
  }

  /**
   * Closes for good; only the first call counts.
   *
   * @param reason what the loop throws, or CLOSED for nothing
   * @param cause what the user's listener gets
   */
  close (reason: unknown, cause?: unknown): void {
    this.#controller.abort(reason)
    this.attempt?.abort()
    this.enter('closed', cause)
  }

  get isClosed (): boolean {
    return this.signal.aborted
  }

  /** Throws the reason of the user's signal, if that is what closed the stream. */
  throwIfAborted (): void {
    const { aborted, reason } = this.signal
    if (aborted && reason !== CLOSED) throw reason
  }
}
