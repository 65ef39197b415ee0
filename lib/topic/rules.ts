// How options are checked: by name, and each by its rule.
import { inspect } from 'node:util'
import { SSE_ERR_OPTION } from '../errors.ts'

/** What one option may be. */
export interface Rule {
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

/**
 * The options that were given; `undefined` counts as not given.
 *
 * @throws SSE_ERR_OPTION
 */
export function checked (options: unknown = {}, rules: Readonly<Record<string, Rule>>): object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw new SSE_ERR_OPTION('options', 'an object', inspect(options, { depth: 0 }))
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    if (!Object.hasOwn(rules, name)) throw new SSE_ERR_OPTION(name, `one of ${Object.keys(rules).join(', ')}`, 'an unknown name')
    if (!rules[name]!.accepts(value)) throw new SSE_ERR_OPTION(name, rules[name]!.expected, inspect(value, { depth: 0 }))
  }
  return Object.fromEntries(given)
}
