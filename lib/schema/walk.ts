/** A JSON Schema, TypeBox's included. */
export type SchemaObject = Record<string | symbol, unknown>

const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']
const SINGLES = ['items', 'additionalItems', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'contains', 'propertyNames', 'not', 'if', 'then', 'else']

/** Every schema within a schema, itself first; what only looks like one (`const`, `default`, `examples`) is left out. */
export function * subschemas (schema: unknown): Generator<SchemaObject> {
  if (!isObject(schema)) return
  yield schema
  for (const key of MAPS) {
    if (isObject(schema[key])) for (const inner of Object.values(schema[key])) yield * subschemas(inner)
  }
  for (const key of LISTS) {
    if (Array.isArray(schema[key])) for (const inner of schema[key]) yield * subschemas(inner)
  }
  for (const key of SINGLES) yield * subschemas(schema[key])
}

export function isObject (value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
