import { isObject, type SchemaObject } from '../schema/walk.ts'
import { rewriteSchema } from '../schema/rewrite.ts'

/** The versions of OpenAPI that streams are documented differently in. */
export type Version = '3.0' | '3.1' | '3.2'

/** The version of a document; later ones than 3.2 are read as it. */
export function versionOf (openapi: string): Version | undefined {
  const minor = /^3\.(\d+)/.exec(openapi)?.[1]
  if (minor === undefined) return undefined
  return minor === '0' || minor === '1' ? `3.${minor}` : '3.2'
}

/** All that a Schema Object of OpenAPI 3.0 may have, beside `x-` keys. */
const KEYWORDS_3_0 = new Set([
  '$ref', 'title', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern', 'maxItems',
  'minItems', 'uniqueItems', 'maxProperties', 'minProperties', 'required', 'enum', 'type', 'allOf', 'oneOf', 'anyOf', 'not', 'items', 'properties',
  'additionalProperties', 'description', 'format', 'default', 'nullable', 'discriminator', 'readOnly', 'writeOnly', 'xml', 'externalDocs', 'example', 'deprecated'
])

/**
 * A payload schema in the words of a version. @fastify/swagger translates but a part of what stands inline below
 * `content`: tuples and `examples` would make a document invalid.
 */
export function toDialect (root: SchemaObject, version: Version): SchemaObject {
  return rewriteSchema(root, (schema, inner) => version === '3.0' ? to30(inner(schema)) : to31(inner(schema)))
}

/** A schema with one value. */
export function literal (value: string, version: Version): SchemaObject {
  return version === '3.0' ? { type: 'string', enum: [value] } : { type: 'string', const: value }
}

/** A schema that takes what one of several takes; each of them is named once. */
export function union (schemas: readonly SchemaObject[]): SchemaObject {
  const distinct = Array.from(new Map(schemas.map(schema => [JSON.stringify(schema), schema])).values())
  return distinct.length === 1 ? distinct[0]! : { anyOf: distinct }
}

/** JSON within a string. */
export function jsonText (payload: SchemaObject, version: Version): SchemaObject {
  const prefix = version === '3.0' ? 'x-jsonschema-' : ''
  return { type: 'string', [`${prefix}contentMediaType`]: 'application/json', [`${prefix}contentSchema`]: payload }
}

/** JSON Schema 2020-12 has `prefixItems` for the lists of schemas that `items` was. */
function to31 (schema: SchemaObject): SchemaObject {
  if (!Array.isArray(schema.items)) return schema
  const { items, additionalItems, ...rest } = schema
  return { ...rest, prefixItems: items, ...(additionalItems === undefined ? {} : { items: additionalItems }) }
}

function to30 (schema: SchemaObject): SchemaObject {
  const copy: SchemaObject = {}
  const { const: only, examples, items, prefixItems } = schema
  for (const [key, value] of Object.entries(schema)) {
    if (KEYWORDS_3_0.has(key) || key.startsWith('x-')) copy[key] = value
  }
  if ('const' in schema) copy.enum = [only]
  if (Array.isArray(examples) && examples.length > 0) copy.example ??= examples[0]
  const tuple = [prefixItems, items].find(Array.isArray)
  // The order of the items cannot be told in 3.0. No schema with an empty list of them compiles.
  if (tuple !== undefined) copy.items = union(tuple as SchemaObject[])
  else if (schema.type === 'array' && !isObject(items)) copy.items = {}
  exclusive(copy, 'exclusiveMinimum', 'minimum')
  exclusive(copy, 'exclusiveMaximum', 'maximum')
  return copy
}

/** In 3.0 `exclusiveMinimum` is a flag of `minimum`. */
function exclusive (schema: SchemaObject, flag: string, bound: string): void {
  if (typeof schema[flag] !== 'number') return
  schema[bound] = schema[flag]
  schema[flag] = true
}
