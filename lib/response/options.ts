// Options of a stream: their meaning, their checks and their defaults.
import { inspect } from 'node:util'
import { type FastifyRequest } from 'fastify'
import { SSE_ERR_OPTION } from '../errors.ts'
import { checkOptions, LONGEST_DELAY, type Rule, type Rules } from '../options.ts'
import { ignoreRejection } from '../stray-promise.ts'
import { isReservedName } from '../wire/event-names.ts'

/** What `onInvalid` answers: end the stream as a failure, or log the item and drop it. */
export type InvalidPolicy = 'fail' | 'skip'

/** The bounds of a reconnection time, ms, integers >= 0. */
export interface RetryRange {
  min: number
  max: number
}

/** Makes the item that reports a failure. */
export type ErrorEventFunction = (error: Error, request: FastifyRequest) => unknown

/** Options of a stream: the plugin's defaults, a route's `config.sse`, or a call's. The nearest wins, option by option. */
export interface SseOptions {
  /**
   * A comment frame is sent after that many ms without a byte; `false` for none. Never while the socket is full.
   * @default 15000
   */
  heartbeat?: number | false | undefined
  /**
   * The client's reconnection time in ms, an integer >= 0, sent first as a frame of its own. `{ min, max }` draws one for
   * each stream, so that clients do not come back all at once. None by default.
   */
  retry?: number | RetryRange | undefined
  /**
   * How many ms the first item is waited for before the headers go out. A source that fails sooner gets a real HTTP
   * error. `0`: at once; `Infinity`: until the first item.
   * @default 100
   */
  commitAfter?: number | undefined
  /**
   * What becomes of an item that the contract refuses: `'fail'` ends the stream as an error, `'skip'` logs and drops
   * the item, a function decides by the error and the item.
   * @default 'fail'
   */
  onInvalid?: InvalidPolicy | ((error: Error, item: unknown) => InvalidPolicy) | undefined
  /**
   * The event that reports a failure after the headers: its name, `false` for none, or a function of the error and the
   * request that returns an item of the contract, in whatever form a protocol needs. The item is checked like any other;
   * if it is refused, or the function throws, the default event is sent.
   * @default 'error'
   */
  errorEvent?: string | false | ErrorEventFunction | undefined
  /**
   * The stream is ended after that many ms, less up to 10 % at random, so that clients reconnect. A stream whose last
   * event has no id, and whose contract has no sentinel, is broken off, because its client would take the end for a
   * complete stream. None by default.
   */
  maxDuration?: number | undefined
  /**
   * How many ms `fastify.close()` lets the source finish after its signal fired.
   * @default 1000
   */
  shutdownGrace?: number | undefined
  /**
   * Whether a request whose Accept header excludes `text/event-stream` is answered with 406. By default the header is
   * ignored: SDKs of language models send `application/json` and read the stream.
   * @default false
   */
  strictAccept?: boolean | undefined
}

/** Every option, decided. */
export interface ResolvedOptions {
  readonly heartbeat: number | false
  readonly retry: number | RetryRange | undefined
  readonly commitAfter: number
  readonly onInvalid: InvalidPolicy | ((error: Error, item: unknown) => InvalidPolicy)
  readonly errorEvent: string | false | ErrorEventFunction
  readonly maxDuration: number | undefined
  readonly shutdownGrace: number
  readonly strictAccept: boolean
}

const DEFAULTS: ResolvedOptions = Object.freeze({
  heartbeat: 15_000,
  retry: undefined,
  commitAfter: 100,
  onInvalid: 'fail',
  errorEvent: 'error',
  maxDuration: undefined,
  shutdownGrace: 1000,
  strictAccept: false
})

const delay = (min: number): Rule => ({
  expected: `a number of milliseconds from ${min} to ${LONGEST_DELAY}`,
  accepts: value => typeof value === 'number' && value >= min && value <= LONGEST_DELAY
})

const or = (word: string, literal: unknown, rule: Rule): Rule => ({
  expected: `${rule.expected}, or ${word}`,
  accepts: value => value === literal || rule.accepts(value)
})

function isRetry (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isRetryRange (value: unknown): value is RetryRange {
  if (typeof value !== 'object' || value === null) return false
  const { min, max, ...others } = value as Partial<RetryRange>
  return isRetry(min) && isRetry(max) && min <= max && Object.keys(others).length === 0
}

const RULES: Rules<SseOptions> = {
  heartbeat: or('false', false, delay(1)),
  retry: {
    expected: 'an integer of milliseconds >= 0, or { min, max } of them with min <= max',
    accepts: value => isRetry(value) || isRetryRange(value)
  },
  commitAfter: or('Infinity', Infinity, delay(0)),
  onInvalid: { expected: "'fail', 'skip' or a function", accepts: value => value === 'fail' || value === 'skip' || typeof value === 'function' },
  errorEvent: or('false', false, {
    expected: "an event name without CR and LF that does not begin with '$', a function",
    accepts: value => typeof value === 'function' || (typeof value === 'string' && /^[^\r\n]+$/.test(value) && !isReservedName(value))
  }),
  maxDuration: delay(1),
  shutdownGrace: delay(0),
  strictAccept: { expected: 'a boolean', accepts: value => typeof value === 'boolean' }
}

/**
 * Checks options and lays them over those further away.
 *
 * @param given what the user wrote; `undefined` values are as good as absent
 * @param base the options they are laid over, by default those of the plugin
 * @param others names of options that were taken from it, for the message
 * @throws SSE_ERR_OPTION for a name that is no option, and for a value of the wrong type or range
 */
export function resolveOptions (given: SseOptions | undefined, base: ResolvedOptions = DEFAULTS, others: readonly string[] = []): ResolvedOptions {
  if (given === undefined) return base
  return Object.freeze({ ...base, ...checkOptions<SseOptions>(given, RULES, 'sse', others) }) as ResolvedOptions
}

/** The reconnection time of one stream, ms. */
export function drawRetry (retry: ResolvedOptions['retry']): number | undefined {
  return typeof retry === 'object' ? retry.min + Math.floor(Math.random() * (retry.max - retry.min + 1)) : retry
}

/**
 * Asks what becomes of an item that the contract refuses.
 *
 * @throws SSE_ERR_OPTION when a function answers anything but a policy
 */
export function decide (onInvalid: ResolvedOptions['onInvalid'], error: Error, item: unknown): InvalidPolicy {
  const policy = typeof onInvalid === 'function' ? onInvalid(error, item) : onInvalid
  if (policy === 'skip' || policy === 'fail') return policy
  // An async function cannot be waited for.
  ignoreRejection(policy)
  throw new SSE_ERR_OPTION('onInvalid', "a function that answers 'fail' or 'skip'", `one that answers ${inspect(policy, { depth: 0 })}`)
}
