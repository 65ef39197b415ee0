// Examples of payloads: what a schema states, or one trivial value for each type.
import { isObject, type SchemaObject } from '../schema/walk.ts'

/** Finds the schema that a `$ref` of a document leads to. */
export type Resolve = (ref: string) => SchemaObject | undefined

const FORMATS: Record<string, string> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  email: 'jane@example.com',
  uri: 'https://example.com/',
  uuid: '3fa85f64-5717-4562-b3fc-2c963f66afa6'
}

/** Keywords that a trivial value satisfies. With any other keyword it might be invalid, and no example is better than a wrong one. */
const SATISFIED = new Set([
  'type', 'format', 'minimum', 'properties', 'required', 'items', 'additionalProperties', 'unevaluatedProperties', 'title', 'description', 'deprecated',
  'readOnly', 'writeOnly', 'nullable', '$comment'
])

/** The example that a schema states itself. */
export function statedExample ({ example, examples, default: usual, const: only, enum: values }: SchemaObject): unknown {
  const first = (list: unknown): unknown => Array.isArray(list) ? list[0] : undefined
  return first(examples) ?? example ?? usual ?? only ?? first(values)
}

/**
 * A value of a schema: the stated example, or a trivial value of its type.
 *
 * @param following the references that lead here, so that a recursive schema ends
 * @returns undefined if the schema asks for more than a trivial value
 */
export function exampleOf (schema: unknown, resolve: Resolve, following: readonly string[] = []): unknown {
  if (!isObject(schema)) return undefined
  const stated = statedExample(schema)
  if (stated !== undefined) return stated
  const { $ref, anyOf } = schema
  const inner = (part: unknown): unknown => exampleOf(part, resolve, following)
  if (typeof $ref === 'string') return following.includes($ref) ? undefined : exampleOf(resolve($ref), resolve, [...following, $ref])
  if (Array.isArray(anyOf) && Object.keys(schema).length === 1) return anyOf.map(inner).find(value => value !== undefined)
  return Object.keys(schema).every(key => SATISFIED.has(key) || key.startsWith('x-')) ? trivialValue(schema, inner) : undefined
}

function trivialValue (schema: SchemaObject, inner: (part: unknown) => unknown): unknown {
  const { properties, items, format, minimum = 0 } = schema
  const [type = isObject(properties) ? 'object' : undefined] = [schema.type].flat()
  switch (type) {
    case 'string': return typeof format === 'string' ? FORMATS[format] : 'string'
    case 'integer': return Math.ceil(Number(minimum))
    case 'number': return minimum
    case 'boolean': return true
    case 'null': return null
    case 'array': return [inner(items)].filter(item => item !== undefined)
    case 'object': return objectOf(schema, inner)
    default: return undefined
  }
}

function objectOf ({ properties = {}, required = [] }: SchemaObject, inner: (part: unknown) => unknown): object | undefined {
  const values = Object.entries(properties as object).map(([name, property]) => [name, inner(property)]).filter(([, value]) => value !== undefined)
  const object = Object.fromEntries(values)
  return (required as string[]).every(name => Object.hasOwn(object, name)) ? object : undefined
}
