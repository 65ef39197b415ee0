// The options of `connect` and `parse`, as users give them.
import type { ContractValue, RawOf } from './contract.ts'
import type { DecodeOptions } from './decode-options.ts'
import type { ReconnectOptions } from './reconnect-policy.ts'
import type { FetchOptions } from './request.ts'
import type { StreamState } from './session.ts'
import type { Share } from './share-types.ts'

/** Options of `parse`. `connect` has them too. */
export type ParseOptions<C = unknown> = Omit<DecodeOptions, 'contract' | 'raw'> & RawOption<C>

/** A type alone does not say at run time which events are raw, so the option has to, for all of them. */
type RawOption<C> = C extends ContractValue
  ? [RawOf<C>] extends [true]
      ? { contract: C, raw?: undefined } | { contract?: undefined, raw: true }
      : [keyof RawOf<C>] extends [never]
          ? { contract?: C | undefined, raw?: undefined }
          : { contract: C, raw?: undefined } | { contract?: undefined, raw: RawOf<C> }
  : { contract?: undefined, raw?: true | Record<string, true> | undefined }

/** Options of `connect` that do not depend on the contract. Those of `fetch` are passed on to it. */
export interface RequestOptions extends FetchOptions, ReconnectOptions {
  /** Closes the connection at once; the loop then throws the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * The server's `heartbeat` in ms. A connection that is silent for three of them is dead. `false` waits for ever.
   * @default 15000
   */
  heartbeat?: number | false | undefined
  /** Where to resume from: the `lastEventId` of an earlier stream. */
  lastEventId?: string | undefined
  /**
   * One connection for all tabs that request the same stream: `shareTabs()` of `fastify-typed-sse/client/share`.
   * @default none: each tab has its own connection
   */
  share?: Share | undefined
  /** Called at each change of `stream.state`. `cause` is the error for which the stream waits or was closed, if there is one. */
  onStateChange?: ((state: StreamState, cause?: unknown) => void) | undefined
}

/** Options of `connect`. */
export type ConnectOptions<C = unknown> = RequestOptions & ParseOptions<C>

/** The options, optional as a whole if none of them is required. */
export type Rest<O> = object extends O ? [options?: O] : [options: O]
