import type { ContractValue, RawOf } from './contract.ts'
import type { DecodeOptions } from './decode-options.ts'

/** `connecting`: a request is under way; `open`: events may come; `waiting`: for the next attempt; `closed`: for good. */
export type StreamState = 'connecting' | 'open' | 'waiting' | 'closed'

/** The options of `parse`, and those of `connect` on what becomes of the text. */
export type ParseOptions<C = unknown> = Omit<DecodeOptions, 'contract' | 'raw'> & RawOption<C>

/** A type alone does not tell at run time which events are raw: then the option must, in full. */
type RawOption<C> = C extends ContractValue
  ? [RawOf<C>] extends [true]
      ? { contract: C, raw?: undefined } | { contract?: undefined, raw: true }
      : [keyof RawOf<C>] extends [never]
          ? { contract?: C | undefined, raw?: undefined }
          : { contract: C, raw?: undefined } | { contract?: undefined, raw: RawOf<C> }
  : { contract?: undefined, raw?: true | Record<string, true> | undefined }

/** Options of `connect` that do not depend on the contract. Those of `fetch` are handed on. */
export interface RequestOptions extends Omit<RequestInit, 'body' | 'headers' | 'signal' | 'method'> {
  /** @default 'GET', or 'POST' with a body */
  method?: string | undefined
  /** Headers, or a function called for each attempt, for a fresh token. What it throws ends the stream. */
  headers?: RequestInit['headers'] | (() => RequestInit['headers'] | Promise<RequestInit['headers']>)
  /** An object or an array is sent as JSON, but for those that `fetch` knows. Streams cannot be sent twice and are refused. */
  body?: unknown
  /** Closes the connection at once; the loop then throws the signal's reason. */
  signal?: AbortSignal | undefined
  /** In the place of the global `fetch`. */
  fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /**
   * Whether a stream that ended or was cut is asked for again.
   * @default true for GET; otherwise only if the last event had an id
   */
  reconnect?: boolean | undefined
  /** The waits between attempts: full jitter over a window that starts at `delay`, doubles up to `maxDelay` (ms), and `attempts` without an event in a row before giving up. */
  backoff?: {
    /** @default 1000 */
    delay?: number | undefined
    /** @default 30000 */
    maxDelay?: number | undefined
    /** @default Infinity */
    attempts?: number | undefined
  } | undefined
  /**
   * The server's `heartbeat` in ms: a connection silent for three of them is taken for dead. `false` to wait for ever.
   * @default 15000
   */
  heartbeat?: number | false | undefined
  /** Where to resume from: the `lastEventId` of an earlier stream. */
  lastEventId?: string | undefined
  /**
   * One connection for all tabs that ask for the same: by method, URL and body, or by the name that is given, which is
   * needed where tabs may be logged in differently and
   * for a body that is neither text nor JSON. A tab that joins gets what comes from then on. Where the browser has no Web Locks (pages that are not secure), each has its own.
   * @default false
   */
  share?: boolean | string | undefined
  /** Called at each change of `stream.state`; `cause` is why the stream waits or was closed, where that is an error. */
  onStateChange?: ((state: StreamState, cause?: unknown) => void) | undefined
}

/** Options of `connect`. */
export type ConnectOptions<C = unknown> = RequestOptions & ParseOptions<C>

/** The options, optional as a whole where none of them is required. */
export type Rest<O> = object extends O ? [options?: O] : [options: O]
