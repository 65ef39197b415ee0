// Where a schema has schemas within it.

/** A JSON Schema, TypeBox's included. */
export type SchemaObject = Record<string | symbol, unknown>

const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies']
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']
const SINGLES = ['items', 'additionalItems', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'contains', 'propertyNames', 'not', 'if', 'then', 'else']

/** The schemas directly within a schema; what only looks like one (`const`, `default`, `examples`) is left out. */
export function * children (schema: SchemaObject): Generator<SchemaObject> {
  for (const key of MAPS) {
    if (isObject(schema[key])) yield * Object.values(schema[key]).filter(isObject)
  }
  for (const key of LISTS) {
    if (Array.isArray(schema[key])) yield * schema[key].filter(isObject)
  }
  for (const key of SINGLES) {
    if (isObject(schema[key])) yield schema[key]
  }
}

/** Every schema within a schema, itself first. */
export function * subschemas (schema: unknown): Generator<SchemaObject> {
  if (!isObject(schema)) return
  yield schema
  for (const inner of children(schema)) yield * subschemas(inner)
}

/** A copy of a schema in which each schema directly within it, `true` and `false` included, is replaced. */
export function mapChildren (schema: SchemaObject, map: (inner: SchemaObject | boolean) => unknown): SchemaObject {
  const replace = (inner: unknown) => isObject(inner) || typeof inner === 'boolean' ? map(inner) : inner
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => {
    if (Array.isArray(value)) return [key, LISTS.includes(key) ? value.map(replace) : value]
    if (!MAPS.includes(key)) return [key, SINGLES.includes(key) ? replace(value) : value]
    return [key, isObject(value) ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replace(inner)])) : value]
  }))
}

export function isObject (value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
