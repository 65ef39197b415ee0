import buildSerializer, { type Schema } from 'fast-json-stringify'
import { isJsonText } from '../schema/json-text.ts'
import { mapValues, rewriteSchema, withoutCopies } from '../schema/rewrite.ts'
import { isObject, type SchemaObject, subschemas } from '../schema/walk.ts'

/** Writes a payload that passed its check as one line of JSON. */
export type Serialize = (data: unknown) => string

/**
 * Compiles a serializer. What the schema does not declare is left out; nothing is filled in.
 *
 * @param shared the app's schemas by `$id`
 */
export function compileSerialize (schema: SchemaObject, shared: Record<string, unknown>): Serialize {
  const serialize: Serialize = buildSerializer(withoutDefaults(withoutCopies(schema, shared)) as unknown as Schema, {
    schema: mapValues(shared, other => withoutDefaults(other as SchemaObject)) as unknown as Record<string, Schema>
  })
  return isOpen(schema) ? whole(serialize) : serialize
}

/** Writes any payload as one line of JSON. */
export function stringify (data: unknown): string {
  const json = JSON.stringify(data) as string | undefined
  if (json === undefined) throw new TypeError('toJSON() gives nothing')
  return json
}

/** fast-json-stringify would write the defaults of what is absent. */
function withoutDefaults (schema: SchemaObject): SchemaObject {
  return rewriteSchema(schema, ({ default: _, ...rest }, inner) => inner(rest))
}

/** Whether some part of a payload may be given to JSON.stringify as it is. */
function isOpen (schema: SchemaObject): boolean {
  return Array.from(subschemas(schema)).some(({ type, items, additionalProperties }) =>
    type === undefined || additionalProperties === true || ([type].flat().includes('array') && !isObject(items)))
}

/** JSON.stringify makes nothing of undefined, functions and symbols, for which the serializer writes `undefined`. */
function whole (serialize: Serialize): Serialize {
  return data => {
    const json = serialize(data)
    if (json.includes('undefined') && !isJsonText(json)) throw new TypeError('a part of it is undefined, a function or a symbol')
    return json
  }
}
