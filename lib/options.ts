// Options as a user gave them, checked: each name, and each value by its rule.
import { inspect } from 'node:util'
import { SSE_ERR_OPTION } from './errors.ts'
import { ignoreRejection } from './stray-promise.ts'

/** What one option may be. */
export interface Rule {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

/** A rule for each option of an interface. */
export type Rules<Options> = Readonly<Record<keyof Options, Rule>>

/** The longest delay of a timer, ms: beyond it Node fires at once. */
export const LONGEST_DELAY = 2 ** 31 - 1

/** @param unit what is counted, for the message */
export function integer (min: number, max: number, unit: string): Rule {
  return {
    expected: `an integer of ${unit} from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`,
    accepts: value => Number.isSafeInteger(value) && value as number >= min && value as number <= max
  }
}

/** Whether a value may be options. A promise (a missing `await`) has no fields, so it would pass for empty ones. */
export function isOptions (given: unknown): given is object {
  ignoreRejection(given)
  return typeof given === 'object' && given !== null && !Array.isArray(given) && !(given instanceof Promise)
}

/**
 * The options that were given; `undefined` counts as not given.
 *
 * @param what the options are, for the message
 * @param others names of further options, which the caller has checked, for the message
 * @throws SSE_ERR_OPTION for a name that is no option, and for a value of the wrong type or range
 */
export function checkOptions<Options extends object> (given: unknown, rules: Rules<Options>, what = 'options', others: readonly string[] = []): Partial<Options> {
  if (!isOptions(given)) throw new SSE_ERR_OPTION(what, 'an object', inspect(given, { depth: 0 }))
  const checked: Partial<Options> = {}
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(rules, name)) throw new SSE_ERR_OPTION(name, `one of ${[...Object.keys(rules), ...others].join(', ')}`, 'an unknown name')
    if (value === undefined) continue
    const { expected, accepts } = rules[name as keyof Options]
    if (!accepts(value)) {
      ignoreRejection(value)
      throw new SSE_ERR_OPTION(name, expected, inspect(value, { depth: 0 }))
    }
    checked[name as keyof Options] = value
  }
  return checked
}
