import { isObject, type SchemaObject } from '../walk.ts'

/** Finds what a `$ref` of a document leads to. */
export type Resolve = (ref: string) => SchemaObject | undefined

/** Thrown within this file: a value for the schema cannot be made up. */
const NO_EXAMPLE = new Error('no example')

const FORMATS: Record<string, string> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  duration: 'PT1M',
  email: 'jane@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  'uri-reference': '/path',
  uuid: '3fa85f64-5717-4562-b3fc-2c963f66afa6'
}

/** Deeper values are left out where they may be: a recursive schema has no end. */
const MAX_DEPTH = 6

/** The example that a schema states for itself. */
export function statedExample ({ example, examples, default: usual, const: only }: SchemaObject): unknown {
  return (Array.isArray(examples) ? examples[0] : undefined) ?? example ?? usual ?? only
}

/**
 * An example of a schema's values: a stated one, or else one made up.
 *
 * @returns undefined when none can be made up, as for a `pattern`
 */
export function exampleOf (schema: SchemaObject, resolve: Resolve): unknown {
  try {
    return new Inventor(resolve).value(schema, 0)
  } catch (error) {
    if (error === NO_EXAMPLE) return undefined
    throw error
  }
}

class Inventor {
  readonly #resolve: Resolve

  constructor (resolve: Resolve) {
    this.#resolve = resolve
  }

  value (schema: SchemaObject, depth: number): unknown {
    if (depth > MAX_DEPTH * 2) throw NO_EXAMPLE
    const stated = statedExample(schema)
    if (stated !== undefined) return stated
    if (typeof schema.$ref === 'string') return this.value(this.#resolve(schema.$ref) ?? fail(), depth + 1)
    if (Array.isArray(schema.enum)) return schema.enum[0]
    const choices = (schema.anyOf ?? schema.oneOf) as SchemaObject[] | undefined
    if (choices !== undefined) return this.#choice(choices, depth)
    if (Array.isArray(schema.allOf)) return this.#all(schema, schema.allOf as SchemaObject[], depth)
    return this.#typed(schema, depth)
  }

  #typed (schema: SchemaObject, depth: number): unknown {
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
    switch (type) {
      case 'string': return text(schema)
      case 'number':
      case 'integer': return number(schema, type === 'integer')
      case 'boolean': return true
      case 'null': return null
      case 'array': return this.#list(schema, depth)
      default: return type === 'object' || isObject(schema.properties) ? this.#object(schema, depth) : {}
    }
  }

  #choice (choices: SchemaObject[], depth: number): unknown {
    for (const choice of choices) {
      try {
        return this.value(choice, depth + 1)
      } catch (error) {
        if (error !== NO_EXAMPLE) throw error
      }
    }
    throw NO_EXAMPLE
  }

  #all (schema: SchemaObject, parts: SchemaObject[], depth: number): unknown {
    const { allOf, ...rest } = schema
    const values = [...parts, ...('properties' in rest ? [rest] : [])].map(part => this.value(part, depth + 1))
    return values.every(isObject) ? Object.assign({}, ...values) : values[0]
  }

  #object (schema: SchemaObject, depth: number): SchemaObject {
    const required = new Set(schema.required as string[] | undefined)
    const value: SchemaObject = {}
    for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, SchemaObject>)) {
      if (!required.has(name) && depth >= MAX_DEPTH) continue
      try {
        value[name] = this.value(property, depth + 1)
      } catch (error) {
        if (error !== NO_EXAMPLE || required.has(name)) throw error
      }
    }
    if (isObject(schema.additionalProperties) && Object.keys(value).length < Number(schema.minProperties ?? 1)) {
      value.key = this.value(schema.additionalProperties, depth + 1)
    }
    return value
  }

  #list (schema: SchemaObject, depth: number): unknown[] {
    if (Array.isArray(schema.prefixItems)) return schema.prefixItems.map(item => this.value(item, depth + 1))
    const count = Math.max(Number(schema.minItems ?? 0), depth < MAX_DEPTH && Number(schema.maxItems ?? 1) > 0 ? 1 : 0)
    if (count === 0 || !isObject(schema.items)) return []
    if (count > 1 && schema.uniqueItems === true) throw NO_EXAMPLE
    try {
      return Array<unknown>(count).fill(this.value(schema.items, depth + 1))
    } catch (error) {
      if (error !== NO_EXAMPLE || Number(schema.minItems ?? 0) > 0) throw error
      return []
    }
  }
}

function text ({ format, pattern, minLength = 0, maxLength = Infinity }: SchemaObject): string {
  const made = (typeof format === 'string' ? FORMATS[format] ?? fail() : 'string').padEnd(Number(minLength), '.')
  const value = typeof format === 'string' ? made : made.slice(0, Number(maxLength))
  if (value.length > Number(maxLength)) throw NO_EXAMPLE
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) throw NO_EXAMPLE
  return value
}

function number (schema: SchemaObject, isInteger: boolean): number {
  const step = Number(schema.multipleOf ?? (isInteger ? 1 : 0.1))
  const above = typeof schema.exclusiveMinimum === 'number' ? schema.exclusiveMinimum + step : schema.exclusiveMinimum === true ? Number(schema.minimum) + step : schema.minimum
  const below = typeof schema.exclusiveMaximum === 'number' ? schema.exclusiveMaximum - step : schema.exclusiveMaximum === true ? Number(schema.maximum) - step : schema.maximum
  const low = above === undefined ? -Infinity : Math.ceil(Number(above) / step) * step
  const high = below === undefined ? Infinity : Math.floor(Number(below) / step) * step
  if (low > high) throw NO_EXAMPLE
  return Math.min(Math.max(step < 1 ? 0 : step, low), high)
}

function fail (): never {
  throw NO_EXAMPLE
}
