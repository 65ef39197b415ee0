// The options that every store takes, and their limits.
import { checkOptions, integer, type Rules } from '../options.ts'
import { type StoreLimits } from './store.ts'

/** Options that every store takes. */
export interface StoreOptions {
  /**
   * How long an append is tried before it fails with `SSE_ERR_STORE`, ms.
   * @default 10000
   */
  appendTimeout?: number | undefined
  /**
   * The longest payload of an event, in bytes of UTF-8.
   * @default 262144
   */
  maxEventBytes?: number | undefined
}

/** A token is remembered for 60 s, and a repeated append needs it. */
const LONGEST_APPEND = 50_000

const RULES: Rules<StoreOptions> = {
  appendTimeout: integer(1, LONGEST_APPEND, 'ms'),
  maxEventBytes: integer(1, Number.MAX_SAFE_INTEGER, 'bytes')
}

const DEFAULTS: StoreLimits = { appendTimeout: 10_000, maxEventBytes: 262_144 }

/**
 * The options that a store was given, with defaults for its limits.
 *
 * @param own rules for the options that only this store has
 * @throws SSE_ERR_OPTION
 */
export function storeOptions<Options extends StoreOptions> (given: Options, own: Rules<Omit<Options, keyof StoreOptions>>): Omit<Options, keyof StoreOptions> & StoreLimits {
  return { ...DEFAULTS, ...checkOptions(given, { ...own, ...RULES }) } as Omit<Options, keyof StoreOptions> & StoreLimits
}

/**
 * Checks the limits of a store of the user's own: a timeout that is NaN would never pass.
 *
 * @throws SSE_ERR_OPTION
 */
export function checkLimits ({ appendTimeout, maxEventBytes }: StoreLimits): void {
  checkOptions<StoreOptions>({ appendTimeout, maxEventBytes }, RULES)
}
