// The options that every store takes, and their limits.
import { SSE_ERR_OPTION } from '../errors.ts'
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

/**
 * The limits that a store was given, with defaults for the rest.
 *
 * @param own the names of the store's options beside these
 * @throws SSE_ERR_OPTION
 */
export function limitsOf (options: StoreOptions, ...own: string[]): StoreLimits {
  if (typeof options !== 'object' || options === null) throw new SSE_ERR_OPTION('options', 'an object', String(options))
  const names = [...own, 'appendTimeout', 'maxEventBytes']
  for (const name in options) if (!names.includes(name)) throw new SSE_ERR_OPTION(name, `one of ${names.join(', ')}`, 'an unknown name')
  const { appendTimeout = 10_000, maxEventBytes = 262_144 } = options
  if (!Number.isInteger(appendTimeout) || appendTimeout < 1 || appendTimeout > LONGEST_APPEND) {
    throw new SSE_ERR_OPTION('appendTimeout', `an integer of ms from 1 to ${LONGEST_APPEND}`, String(appendTimeout))
  }
  return { appendTimeout, maxEventBytes: positiveInteger('maxEventBytes', maxEventBytes, 'bytes') }
}

/**
 * Checks an option that counts something.
 *
 * @param unit what it counts, for the message
 * @throws SSE_ERR_OPTION
 */
export function positiveInteger (name: string, value: number, unit: string): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new SSE_ERR_OPTION(name, `a positive integer of ${unit}`, String(value))
  return value
}
