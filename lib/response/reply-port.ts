// What a session needs from the framework around it, and what it says about itself when it is over.
import { type Outgoing } from '../wire/frames.ts'
import { type Body } from './body.ts'
import { type Heartbeats } from './heartbeat.ts'
import { type ResolvedOptions } from './options.ts'
import { type ItemEncoder } from './pump.ts'

/** Why a stream was over. */
export type CloseReason = 'complete' | 'client' | 'error' | 'invalid' | 'shutdown' | 'maxDuration'

/** What is known of a stream when it is over. */
export interface Summary {
  reason: CloseReason
  /** Events written, without comments. */
  events: number
  /** Bytes written to the body, before any compression. */
  bytes: number
  /** From `reply.sse` to the close, ms. */
  duration: number
  /** From `reply.sse` to the first event, ms; none if there was none. */
  firstEvent: number | undefined
}

/** The reply that a session streams into. */
export interface ReplyPort {
  /** Sends the headers of a stream, with the body. */
  send (body: Body): void
  /** The body goes out. */
  onOpen (): void
  /** Answers 204. */
  sendNothing (): void
  /** Answers with an error; nothing was sent yet. */
  sendError (error: unknown): void
  /** Appends the event that reports a failure to the client, if there is one. */
  writeError (error: unknown, out: Outgoing): void
  /**
   * Fires the signal of the request. The reason is only made if somebody has asked for the signal.
   *
   * @returns whether somebody has
   */
  abort (Reason: new () => Error): boolean
  /** The stream failed after its headers. */
  onFailure (error: unknown): void
  /** An item was dropped, or the handler failed too late. */
  warn (error: unknown, message: string): void
  /** A logger for errors thrown by `iterator.return()`. That may never settle, so the function retains nothing of the request. */
  lateWarning (): (error: unknown) => void
  /** It is over; the summary is there if the headers went out. */
  onClose (summary: Summary | undefined): void
}

/** A session, to whoever closes the app. */
export interface OpenSession {
  /** Fires the signal, gives the source its grace, then ends; resolves when the response is closed. */
  shutdown (): Promise<void>
}

/** The sessions of an app that are not closed yet. */
export interface SessionRegistry {
  add (session: OpenSession): void
  delete (session: OpenSession): void
}

/** What the sessions of a route have in common. */
export interface SessionConfig {
  readonly options: ResolvedOptions
  readonly encoder: ItemEncoder
  /** The frame after the last event of a stream that ended well, or ''. */
  readonly sentinel: string
  readonly heartbeats: Heartbeats
  readonly registry: SessionRegistry
  readonly turns: OpeningTurns
}

/** Rations how many streams are opened in one turn of the event loop. */
export interface OpeningTurns {
  /** Undefined where there is room in this turn, else a promise of a turn with room. */
  take (): Promise<void> | undefined
}
