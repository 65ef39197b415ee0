import { type ResolvedOptions } from './options.ts'
import { type Body } from './body.ts'
import { type Heartbeats } from './heartbeat.ts'
import { type RawResponse } from './outlet.ts'
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

/** What a session asks of the framework that it answers for. */
export interface Host {
  /** Sends the headers of a stream, with the body. */
  send (body: Body): void
  /** The body goes out. */
  opened (): void
  /** Answers 204. */
  sendNothing (): void
  /** Answers with an error; nothing was sent yet. */
  sendError (error: unknown): void
  /** The frame that tells the client of an error, or ''. */
  errorFrame (error: unknown): string
  /** Fires the signal of the request; the reason is only made if somebody asked for the signal. */
  abort (Reason: new () => Error): void
  /** The stream failed after its headers. */
  failed (error: unknown): void
  /** An item was dropped, or the handler failed too late. */
  warn (error: unknown, message: string): void
  /** Warns of a source that fails while it is let go, which may be never: the function keeps nothing of the request. */
  lateWarning (): (error: unknown) => void
  /** It is over; the summary is there if the headers went out. */
  closed (summary: Summary | undefined): void
}

/** A session's fixed surroundings. */
export interface Setting {
  readonly raw: RawResponse
  readonly options: ResolvedOptions
  readonly heartbeats: Heartbeats
  readonly encoder: ItemEncoder
  /** The frame after the last event of a stream that ended well, or ''. */
  readonly sentinel: string
  /** How long the first event may take, ms. */
  readonly firstEventWithin: number | undefined
}
