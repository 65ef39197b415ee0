import { Type as Type0 } from '@sinclair/typebox'
import { Type as Type1 } from 'typebox'
import { type Random } from './random.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Schema = Record<string, unknown>

export const DRAFTS = {
  '07': 'http://json-schema.org/draft-07/schema#',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema'
}
export type Draft = keyof typeof DRAFTS

export const NAMES = ['a', 'b', 'c', 'k', 'ä', 'constructor', 'toString', 'x\ny']
const PATTERNS = ['^[ab]', '\\p{L}', '^.$', 'z', '\\n']
const WORDS = ['', 'a', 'b', 'ab', 'äö', '😀', 'x y']

/** A plain JSON Schema in the words of a draft, with every keyword that may decide what is declared. */
export function randomSchema (random: Random, draft: Draft): Schema {
  // A definition may refer to others only in its parts, or it could mean itself.
  const writer = new SchemaWriter(random, draft, false)
  const definitions = { n: writer.object(2), m: writer.any(1) }
  const root = new SchemaWriter(random, draft, true).any(3)
  return { $schema: DRAFTS[draft], ...(root.$ref === undefined ? root : { allOf: [root] }), definitions }
}

class SchemaWriter {
  readonly #random: Random
  readonly #draft: Draft
  readonly #mayRefer: boolean

  /** @param mayRefer whether references may stand beside other schemas of the same value */
  constructor (random: Random, draft: Draft, mayRefer: boolean) {
    this.#random = random
    this.#draft = draft
    this.#mayRefer = mayRefer
  }

  /** A schema that says what its value is. */
  any (depth: number, mayRefer = this.#mayRefer): Schema {
    const random = this.#random
    if (depth <= 0) return this.#scalar()
    const kind = random.upTo(99) / 100
    if (kind < 0.45) return this.object(depth)
    if (kind < 0.65) return this.#array(depth)
    if (kind < 0.8) return { [random.pick(['anyOf', 'oneOf', 'anyOf', 'allOf'])]: [this.any(depth - 1), this.object(depth - 1)] }
    if (kind < 0.88 && mayRefer) return { $ref: `#/definitions/${random.pick(['n', 'm'])}` }
    return this.#scalar()
  }

  object (depth: number): Schema {
    const random = this.#random
    const schema: Schema = random.chance(0.85) ? { type: 'object' } : {}
    if (random.chance(0.9)) schema.properties = this.#properties(depth)
    if (random.chance(0.3)) schema.required = random.some(NAMES, 0.2)
    if (random.chance(0.25)) schema.patternProperties = Object.fromEntries(random.some(PATTERNS, 0.3).map(pattern => [pattern, this.#part(depth)]))
    if (random.chance(0.25)) schema.additionalProperties = random.pick([false, true, this.#part(depth)])
    if (random.chance(0.08)) schema.propertyNames = { maxLength: 1 + random.upTo(12) }
    if (random.chance(0.08)) schema.minProperties = random.upTo(2)
    if (random.chance(0.08)) schema.maxProperties = 1 + random.upTo(4)
    if (random.chance(0.15)) this.#dependencies(schema, depth)
    this.#inPlace(schema, depth, () => this.#aspect(depth))
    if (this.#draft !== '07' && random.chance(0.2)) schema.unevaluatedProperties = random.pick([false, true, this.#part(depth)])
    return schema
  }

  #array (depth: number): Schema {
    const random = this.#random
    const schema: Schema = { type: 'array' }
    const tuple = random.chance(0.5) ? [this.#part(depth), ...random.list(1, () => this.#part(depth))] : undefined
    const rest = random.chance(tuple === undefined ? 0.7 : 0.4) ? random.pick([this.#part(depth), this.#part(depth), false, true]) : undefined
    if (tuple !== undefined) schema[this.#draft === '2020-12' ? 'prefixItems' : 'items'] = tuple
    if (rest !== undefined) schema[tuple !== undefined && this.#draft !== '2020-12' ? 'additionalItems' : 'items'] = rest
    if (random.chance(0.3) || (tuple === undefined && rest === undefined)) {
      schema.contains = this.#part(depth)
      if (this.#draft !== '07' && random.chance(0.3)) Object.assign(schema, random.pick([{ minContains: 0 }, { minContains: 2 }, { maxContains: 1 }]))
    }
    if (random.chance(0.1)) schema.uniqueItems = true
    if (random.chance(0.1)) schema.maxItems = random.upTo(3)
    this.#inPlace(schema, depth, () => ({ contains: this.#part(depth) }))
    // In draft 2019-09 `contains` evaluates nothing, which the other validator does not know.
    const isAmbiguous = this.#draft === '2019-09' && JSON.stringify(schema).includes('"contains"')
    if (this.#draft !== '07' && !isAmbiguous && random.chance(0.25)) schema.unevaluatedItems = random.pick([false, true, this.#part(depth)])
    return schema
  }

  #scalar (): Schema {
    const random = this.#random
    return random.pick<() => Schema>([
      () => ({ type: 'string', ...random.pick([{}, { minLength: 1 }, { maxLength: 1 }, { pattern: '^[ab]*$' }, { enum: WORDS.slice(0, 3) }]) }),
      () => ({ type: random.pick(['integer', 'number']), ...random.pick([{}, { minimum: 0 }, { exclusiveMaximum: 5 }, { multipleOf: 2 }]) }),
      () => ({ type: 'boolean' }),
      () => ({ type: 'null' }),
      () => ({ type: random.pick([['string', 'null'], ['integer', 'boolean', 'string'], ['number', 'object']]) }),
      () => ({ const: random.pick<Json>(['a', 1, null, true, { a: 1, b: [1] }]) }),
      () => ({ enum: ['a', 1, null, { k: 'a' }, [1, 'b']].slice(random.upTo(4)) }),
      () => ({ anyOf: [{ type: 'string' }, { type: 'null' }] }),
      () => ({ not: { type: random.pick(['string', 'object', 'array']) }, type: ['string', 'number', 'null', 'boolean'] })
    ])()
  }

  /** The schema of a property or item, which may be anything. */
  #part (depth: number): Schema | boolean {
    return this.#random.chance(0.1) ? this.#random.pick<Schema | boolean>([true, {}]) : this.any(depth - 1, true)
  }

  #properties (depth: number): Schema {
    return Object.fromEntries(this.#random.some(NAMES, 0.35).map(name => [name, this.#part(depth)]))
  }

  /** What a branch or a condition says of an object. */
  #aspect (depth: number): Schema {
    const random = this.#random
    return random.pick<() => Schema>([
      () => ({ properties: this.#properties(depth) }),
      () => ({ properties: { k: { const: random.pick(['a', 'b', 1]) } } }),
      () => ({ properties: { k: { const: random.pick(['a', 'b', 1]) } }, required: ['k'] }),
      () => ({ required: random.some(NAMES, 0.2) }),
      () => this.object(depth - 1),
      () => this.#mayRefer ? { $ref: '#/definitions/n' } : this.object(depth - 1)
    ])()
  }

  #inPlace (schema: Schema, depth: number, aspect: () => Schema): void {
    if (depth <= 1) return
    const random = this.#random
    if (random.chance(0.2)) schema[random.pick(['anyOf', 'allOf', 'oneOf'])] = [aspect(), aspect()]
    if (random.chance(0.15)) Object.assign(schema, { if: aspect(), then: aspect(), ...(random.chance(0.5) ? { else: aspect() } : {}) })
    if (random.chance(0.08)) schema.not = aspect()
  }

  #dependencies (schema: Schema, depth: number): void {
    const schemas = { [this.#random.pick(NAMES)]: this.#aspect(depth) }
    const names = { [this.#random.pick(NAMES)]: this.#random.some(NAMES, 0.2) }
    if (this.#draft === '07') schema.dependencies = { ...names, ...schemas }
    else Object.assign(schema, { dependentSchemas: schemas, dependentRequired: names })
  }
}

/** A schema of one of the two TypeBoxes. */
export function randomTypeBox (random: Random, version: '0.34' | '1.x', depth = 3): Schema {
  const T = (version === '0.34' ? Type0 : Type1) as unknown as Record<string, (...args: unknown[]) => Schema>
  const make = (depth: number): Schema => {
    if (depth === 0) return scalar()
    return random.pick<() => Schema>([
      () => object(depth), () => object(depth), () => object(depth),
      () => T.Array!(make(depth - 1)),
      () => T.Union!([make(depth - 1), object(depth)]),
      () => T.Intersect!([object(depth), object(depth)], random.chance(0.3) ? { unevaluatedProperties: false } : {}),
      () => T.Tuple!([make(depth - 1), make(depth - 1)]),
      () => T.Record!(T.String!(), make(depth - 1)),
      scalar
    ])()
  }
  const scalar = () => random.pick<() => Schema>([
    () => T.String!(), () => T.String!({ maxLength: 2 }), () => T.Number!(), () => T.Integer!({ minimum: 0 }), () => T.Boolean!(), () => T.Null!(),
    () => T.Any!(), () => T.Literal!('a'), () => T.Union!([T.Literal!('a'), T.Literal!('b')]), () => T.Union!([T.String!(), T.Null!()])
  ])()
  const object = (depth: number) => T.Object!(
    Object.fromEntries(random.some(NAMES).map(name => [name, random.chance(0.5) ? T.Optional!(make(depth - 1)) : make(depth - 1)])),
    random.pick([{}, {}, { additionalProperties: false }, { additionalProperties: true }])
  )
  return make(depth)
}
