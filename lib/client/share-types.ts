// What a stream hands to `share`, so that `connect` alone ships no code for it.
import type { Clock } from './clock.ts'
import type { Decoder } from './decode.ts'
import type { IdentifiedFrame } from './frames.ts'
import type { ReconnectPolicy } from './reconnect-policy.ts'
import type { RequestFactory } from './request.ts'
import type { Session } from './session.ts'

/** A stream whose connection can be shared. */
export interface ShareableStream {
  readonly session: Session
  readonly decoder: Decoder
  readonly request: RequestFactory
  readonly policy: ReconnectPolicy
  readonly clock: Clock
  /** Connects on its own. */
  open (): AsyncGenerator<IdentifiedFrame, void, undefined>
}

/** Gives a stream its frames, from its own connection or another tab's. Made by `shareTabs()`. */
export type Share = (stream: ShareableStream) => AsyncGenerator<IdentifiedFrame, void, undefined>
