import { type Random } from './random.ts'
import { type Json, NAMES } from './random-schemas.ts'

type Schema = Record<string, unknown>

/** What nobody declares, and what must not leave. */
const EXTRAS = ['secret', 'zz', '__proto__', 'valueOf', 'a\u2028']
const NUMBERS = [0, -0, 1, 2, -1, 1.5, 4, 1e21, 5e-324, 2 ** 53 + 2]
const STRINGS = ['a', 'b', 'ab', '', 'äö', '😀', '\uD800', 'x\ny', '"\\', '\u2028', 'long '.repeat(20)]

/** Payloads that come near to what a schema asks for. */
export class PayloadWriter {
  readonly #random: Random
  readonly #root: Schema

  constructor (random: Random, root: Schema) {
    this.#random = random
    this.#root = root
  }

  /** Plain JSON, but for -0. */
  plain (): Json {
    return this.#of(this.#root, 6)
  }

  /** The same value, said in ways that only JavaScript has; some of them are no JSON at all. */
  wild (value: Json): unknown {
    const random = this.#random
    if (random.chance(0.06)) return random.pick<() => unknown>([() => NaN, () => undefined, () => 1n, () => () => 1, () => Symbol('s'), () => new Map([['a', 1]]), () => new Set(['a']), () => Buffer.from('a')])()
    if (random.chance(0.08)) return { toJSON: () => value }
    if (typeof value === 'string' && random.chance(0.2)) return Object(value)
    if (Array.isArray(value)) return value.map(item => this.wild(item))
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, inner]) => [key, this.wild(inner)] as const)
    const copy = random.pick<() => object>([() => ({}), () => ({}), () => Object.create(null), () => Object.create({ secret: 'inherited', a: 1 }), () => new Date(0), () => new (class Payload {})()])()
    if (copy instanceof Date) return Object.defineProperty(copy, 'toJSON', { value: () => value })
    for (const [key, inner] of entries) {
      let times = 0
      const other = random.pick<unknown>([inner, 'secret'])
      const descriptor = random.chance(0.15) ? { get: () => times++ === 0 ? inner : other } : { value: inner }
      Object.defineProperty(copy, key, { ...descriptor, enumerable: true, configurable: true })
    }
    return copy
  }

  #of (schema: unknown, depth: number): Json {
    const random = this.#random
    if (typeof schema !== 'object' || schema === null || depth <= 0 || random.chance(0.04)) return this.#any(2)
    const { $ref, type, anyOf, oneOf, allOf, enum: values } = schema as Schema
    if ('const' in schema) return schema.const as Json
    if (values !== undefined) return random.pick(values as Json[])
    if ($ref !== undefined) return this.#of((this.#root.definitions as Schema | undefined)?.[String($ref).split('/').at(-1)!], depth - 1)
    const branches = [anyOf, oneOf, allOf].find(found => found !== undefined) as unknown[] | undefined
    const inner = branches === undefined ? undefined : (random.chance(0.6) ? random.some(branches, 0.8) : branches).map(branch => this.#of(branch, depth - 1))
    const objects = inner?.filter(value => typeof value === 'object' && value !== null && !Array.isArray(value))
    const word = type === undefined ? undefined : random.pick([type].flat() as string[])
    if (inner !== undefined && word === undefined && objects!.length === 0) return inner.length > 0 ? random.pick(inner) : this.#any(1)
    if (word === 'array') return this.#array(schema as Schema, depth)
    if (word !== undefined && word !== 'object') return this.#scalar(word)
    return Object.assign(Object.fromEntries(objects?.flatMap(value => Object.entries(value as object)) ?? []), this.#object(schema as Schema, depth))
  }

  #object (schema: Schema, depth: number): Record<string, Json> {
    const random = this.#random
    const { properties = {}, patternProperties = {}, additionalProperties, unevaluatedProperties } = schema as Record<string, Schema>
    const required = (schema.required ?? []) as string[]
    const copy: Record<string, Json> = {}
    const set = (name: string, value: Json) => Object.defineProperty(copy, name, { value, writable: true, enumerable: true, configurable: true })
    for (const [name, property] of Object.entries(properties)) if (required.includes(name) || random.chance(0.7)) set(name, this.#of(property, depth - 1))
    for (const name of required) if (!Object.hasOwn(copy, name)) set(name, this.#any(1))
    for (const name of random.some(NAMES, 0.15)) if (!Object.hasOwn(copy, name)) set(name, this.#of(Object.values(patternProperties)[0] ?? additionalProperties ?? unevaluatedProperties, depth - 1))
    for (const branch of [schema.then, schema.else, ...Object.values(schema.dependentSchemas ?? {})]) {
      if (random.chance(0.5) && typeof branch === 'object') for (const [name, value] of Object.entries(this.#object(branch as Schema, depth - 2))) set(name, value)
    }
    if (additionalProperties as unknown !== false || random.chance(0.1)) for (const name of random.some(EXTRAS, 0.1)) set(name, this.#any(1))
    return copy
  }

  #array (schema: Schema, depth: number): Json[] {
    const random = this.#random
    const { items, prefixItems, additionalItems, contains } = schema
    const tuple = (prefixItems ?? (Array.isArray(items) ? items : [])) as unknown[]
    const rest = Array.isArray(items) ? additionalItems : items
    const copy = tuple.slice(0, random.chance(0.9) ? undefined : 1).map(item => this.#of(item, depth - 1))
    if (contains !== undefined) copy.push(this.#of(contains, depth - 1))
    if (rest !== false || random.chance(0.1)) copy.push(...random.list(2, () => this.#of(rest ?? contains, depth - 1)))
    return copy
  }

  #scalar (type: string): Json {
    const random = this.#random
    switch (type) {
      case 'string': return random.pick(STRINGS)
      case 'integer': return random.pick(NUMBERS.filter(Number.isInteger))
      case 'number': return random.pick(NUMBERS)
      case 'boolean': return random.chance(0.5)
      default: return null
    }
  }

  #any (depth: number): Json {
    const random = this.#random
    if (depth > 0 && random.chance(0.4)) return random.chance(0.3) ? random.list(2, () => this.#any(depth - 1)) : Object.fromEntries(random.some([...NAMES, 'secret'], 0.2).map(name => [name, this.#any(depth - 1)]))
    return this.#scalar(random.pick(['string', 'number', 'boolean', 'null']))
  }
}
