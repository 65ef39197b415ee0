// Which schemas payloads may have.
import { SSE_ERR_SCHEMA } from '../errors.ts'
import { isRaw } from './raw-text.ts'
import { children, isObject, type SchemaObject } from './walk.ts'

const JSON_TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'])

/**
 * Refuses payload schemas for values that JSON cannot carry, such as TypeBox's `Date`. Schemas that it refers to are checked
 * when they are resolved.
 *
 * @param name the event, for the message
 * @throws SSE_ERR_SCHEMA
 */
export function checkJsonTypes (name: string, schema: SchemaObject): void {
  const reason = isObject(schema) ? reasonAgainst(schema) : 'it must be an object'
  if (reason !== undefined) throw new SSE_ERR_SCHEMA(`event '${name}'`, reason)
}

/** Why a schema, or one within it, cannot be a payload's. */
function reasonAgainst (schema: SchemaObject): string | undefined {
  const reason = keywordAgainst(schema)
  if (reason !== undefined) return reason
  for (const inner of children(schema)) {
    const reason = isRaw(inner) ? RAW_INSIDE : reasonAgainst(inner)
    if (reason !== undefined) return reason
  }
  return undefined
}

export const RAW_INSIDE = 'RawText stands in place of a payload schema, not inside one: write `type: \'string\''

/** Why the keywords of one schema cannot be a payload's. */
export function keywordAgainst ({ type, format, $async, $dynamicRef, $recursiveRef }: SchemaObject): string | undefined {
  // To fast-json-stringify it means a string that is written without escapes, line ends included.
  if (format === 'unsafe') return "the format 'unsafe' could break out of its frame"
  if ($async === true) return 'a check must not be asynchronous'
  if ($dynamicRef !== undefined || $recursiveRef !== undefined) return '$dynamicRef and $recursiveRef are not supported, use $ref'
  for (const word of [type].flat()) {
    if (typeof word !== 'string' || JSON_TYPES.has(word)) continue
    return `JSON has no type '${word}'${word === 'Date' ? ", declare a string of format 'date-time'" : ''}`
  }
  return undefined
}
