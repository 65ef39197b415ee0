import { SSE_ERR_SCHEMA } from '../errors.ts'
import { isObject, type SchemaObject, subschemas } from './walk.ts'

const JSON_TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'])

/**
 * Refuses a payload schema of what JSON cannot carry, such as TypeBox's `Date`.
 *
 * @param name the event, for the message
 * @throws SSE_ERR_SCHEMA
 */
export function checkJsonTypes (name: string, schema: SchemaObject): void {
  if (!isObject(schema)) throw new SSE_ERR_SCHEMA(`event '${name}'`, 'it must be an object')
  for (const { type, format } of subschemas(schema)) {
    // To fast-json-stringify it means a string that is written without escapes, line ends included.
    if (format === 'unsafe') throw new SSE_ERR_SCHEMA(`event '${name}'`, "the format 'unsafe' could break out of its frame")
    for (const word of [type].flat()) {
      if (typeof word !== 'string' || JSON_TYPES.has(word)) continue
      throw new SSE_ERR_SCHEMA(`event '${name}'`, `JSON has no type '${word}'${word === 'Date' ? ", declare a string of format 'date-time'" : ''}`)
    }
  }
}
