import { isObject, type SchemaObject } from '../schema/walk.ts'

/** Finds what a `$ref` of a document leads to. */
export type Resolve = (ref: string) => SchemaObject | undefined

/** Thrown within this file: a value for the schema cannot be made up. */
const NO_EXAMPLE = new Error('no example')

/** Nobody reads longer texts and lists. */
const MAX_LENGTH = 100

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

/** What may be left out is left out beyond so many values. */
const MAX_VALUES = 100

/** What no value is made up for: a guess might not pass. */
const UNGUESSABLE = ['not', 'if', 'contains', 'propertyNames', 'dependencies', 'dependentRequired', 'dependentSchemas']

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
    return new Inventor(resolve).value(schema)
  } catch {
    // Whatever it is: a document is not to fail for want of an example.
    return undefined
  }
}

class Inventor {
  readonly #resolve: Resolve
  readonly #following: string[] = []
  #left = MAX_VALUES

  constructor (resolve: Resolve) {
    this.#resolve = resolve
  }

  value (schema: SchemaObject): unknown {
    this.#left--
    const stated = statedExample(schema)
    if (stated !== undefined) return stated
    if (typeof schema.$ref === 'string') return this.#referred(schema.$ref)
    if (Array.isArray(schema.enum)) return schema.enum[0]
    if (UNGUESSABLE.some(keyword => keyword in schema)) throw NO_EXAMPLE
    return this.#combined(schema)
  }

  #referred ($ref: string): unknown {
    // Recursion ends where it may: in a part that may be left out, or in a list.
    if (this.#following.includes($ref)) throw NO_EXAMPLE
    this.#following.push($ref)
    try {
      return this.value(this.#resolve($ref) ?? fail())
    } finally {
      this.#following.pop()
    }
  }

  #combined ({ allOf, anyOf, oneOf, ...rest }: SchemaObject): unknown {
    const choices = [anyOf, oneOf].filter(Array.isArray) as SchemaObject[][]
    const values = [
      ...((allOf ?? []) as SchemaObject[]).map(part => this.value(part)),
      ...choices.map(choice => this.#choice(choice))
    ]
    const hasOwn = values.length === 0 || 'type' in rest || 'properties' in rest
    if (hasOwn) values.unshift(this.#typed(rest))
    if (values.length === 1) return values[0]
    return values.every(isObject) ? Object.assign({}, ...values) : fail()
  }

  #typed (schema: SchemaObject): unknown {
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
    switch (type) {
      case 'string': return text(schema)
      case 'number':
      case 'integer': return number(schema, type === 'integer')
      case 'boolean': return true
      case 'null': return null
      case 'array': return this.#list(schema)
      default: return type === 'object' || 'properties' in schema || 'required' in schema ? this.#object(schema) : {}
    }
  }

  #choice (choices: SchemaObject[]): unknown {
    for (const choice of choices) {
      try {
        return this.value(choice)
      } catch {
        // The next one may do.
      }
    }
    throw NO_EXAMPLE
  }

  #object (schema: SchemaObject): SchemaObject {
    const { minProperties = 0, maxProperties = Infinity } = schema
    const required = new Set(schema.required as string[] | undefined)
    const value: SchemaObject = {}
    for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, SchemaObject>)) {
      if (!required.has(name) && this.#left <= 0) continue
      try {
        value[name] = this.value(property)
      } catch (error) {
        if (required.has(name)) throw error
      }
    }
    if (isObject(schema.additionalProperties) && Object.keys(value).length < Math.max(Number(minProperties), 1)) {
      value.key = this.value(schema.additionalProperties)
    }
    const { length } = Object.keys(value)
    const isWhole = Array.from(required).every(name => Object.hasOwn(value, name))
    return isWhole && length >= Number(minProperties) && length <= Number(maxProperties) ? value : fail()
  }

  #list (schema: SchemaObject): unknown[] {
    const least = Number(schema.minItems ?? 0)
    const tuple = [schema.prefixItems, schema.items].find(Array.isArray)
    if (tuple !== undefined) return tuple.length < least ? fail() : tuple.map(item => this.value(item))
    const count = Math.max(least, this.#left > 0 && Number(schema.maxItems ?? 1) > 0 ? 1 : 0)
    if (count > MAX_LENGTH) throw NO_EXAMPLE
    if (count === 0 || !isObject(schema.items)) return []
    if (count > 1 && schema.uniqueItems === true) throw NO_EXAMPLE
    try {
      return Array<unknown>(count).fill(this.value(schema.items))
    } catch (error) {
      if (least > 0) throw error
      return []
    }
  }
}

function text ({ format, pattern, minLength = 0, maxLength = Infinity }: SchemaObject): string {
  if (Number(minLength) > MAX_LENGTH) throw NO_EXAMPLE
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
  const value = Math.min(Math.max(step < 1 ? 0 : step, low), high)
  // Not 0.30000000000000004.
  return Number.isInteger(step) ? value : Number(value.toPrecision(15))
}

function fail (): never {
  throw NO_EXAMPLE
}
