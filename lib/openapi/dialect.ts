// What differs between OpenAPI versions: keywords of a Schema Object, literals, JSON within strings.
import { rewriteSchema } from '../schema/rewrite.ts'
import { isObject, type SchemaObject } from '../schema/walk.ts'

/** The OpenAPI versions in which streams are documented differently. */
export type Version = '3.0' | '3.1' | '3.2'

/** The version of a document; versions later than 3.2 are treated as 3.2. */
export function versionOf (openapi: string): Version | undefined {
  const minor = /^3\.(\d+)/.exec(openapi)?.[1]
  if (minor === undefined) return undefined
  return minor === '0' || minor === '1' ? `3.${minor}` : '3.2'
}

/** All keywords of a Schema Object of OpenAPI 3.0, besides `x-` keys. */
const KEYWORDS_3_0 = new Set([
  '$ref', 'title', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern', 'maxItems',
  'minItems', 'uniqueItems', 'maxProperties', 'minProperties', 'required', 'enum', 'type', 'allOf', 'oneOf', 'anyOf', 'not', 'items', 'properties',
  'additionalProperties', 'description', 'format', 'default', 'nullable', 'discriminator', 'readOnly', 'writeOnly', 'xml', 'externalDocs', 'example', 'deprecated'
])

/**
 * A payload schema in the keywords of a version. @fastify/swagger converts only part of what stands below `content`:
 * tuples and `examples` would make the document invalid.
 */
export function toDialect (root: SchemaObject, version: Version): SchemaObject {
  return rewriteSchema(root, (schema, inner) => version === '3.0' ? to30(inner(schema)) : to31(inner(schema)))
}

/** A schema with one value. */
export function literal (value: string, version: Version): SchemaObject {
  return version === '3.0' ? { type: 'string', enum: [value] } : { type: 'string', const: value }
}

/** A schema for the values of any of several schemas, each listed once. */
export function union (schemas: readonly SchemaObject[]): SchemaObject {
  const distinct = Array.from(new Map(schemas.map(schema => [JSON.stringify(schema), schema])).values())
  return distinct.length === 1 ? distinct[0]! : { anyOf: distinct }
}

/** JSON within a string. */
export function jsonText (payload: SchemaObject, version: Version): SchemaObject {
  const prefix = version === '3.0' ? 'x-jsonschema-' : ''
  return { type: 'string', [`${prefix}contentMediaType`]: 'application/json', [`${prefix}contentSchema`]: payload }
}

/** JSON Schema 2020-12 calls `prefixItems` what was `items` with a list of schemas. */
function to31 (schema: SchemaObject): SchemaObject {
  if (!Array.isArray(schema.items)) return schema
  const { items, additionalItems, ...rest } = schema
  return { ...rest, prefixItems: items, ...(additionalItems === undefined ? {} : { items: additionalItems }) }
}

function to30 (schema: SchemaObject): SchemaObject {
  const copy: SchemaObject = {}
  const { const: only, examples, items, prefixItems, type } = schema
  for (const [key, value] of Object.entries(schema)) {
    if (KEYWORDS_3_0.has(key) || key.startsWith('x-')) copy[key] = value
  }
  if ('const' in schema) copy.enum = [only]
  if (Array.isArray(examples) && examples.length > 0) copy.example ??= examples[0]
  const tuple = [prefixItems, items].find(Array.isArray)
  // 3.0 cannot express the order of the items. The list is not empty: such a schema would not have compiled.
  if (tuple !== undefined) copy.items = union(tuple as SchemaObject[])
  else if (type === 'array' && !isObject(items)) copy.items = {}
  exclusive(copy, 'exclusiveMinimum', 'minimum')
  exclusive(copy, 'exclusiveMaximum', 'maximum')
  // Only in the schemas of control events: @fastify/swagger has converted those of the user.
  if (Array.isArray(type)) Object.assign(copy, { type: type.find(name => name !== 'null'), nullable: type.includes('null') })
  return copy
}

/** In 3.0 `exclusiveMinimum` is a flag of `minimum`. */
function exclusive (schema: SchemaObject, flag: string, bound: string): void {
  if (typeof schema[flag] !== 'number') return
  schema[bound] = schema[flag]
  schema[flag] = true
}
