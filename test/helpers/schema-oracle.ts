// What a schema accepts and declares, by another validator than the one that checks, and by rules written as
// trees of schemas. The library merges the answers of schemas instead.

import { registerSchema, unregisterSchema, validate, type Validator } from '@hyperjump/json-schema'
import '@hyperjump/json-schema/draft-07'
import '@hyperjump/json-schema/draft-2019-09'
import '@hyperjump/json-schema/draft-2020-12'
import { isObject } from '../../lib/schema/walk.ts'
import { DRAFTS, type Json } from './random-schemas.ts'

type Schema = Record<string, unknown>
type Key = string | number

/** What a value is said to be: by schemas that all hold, by schemas any of which would do, by the words of one schema. */
type Said = { all: Said[] } | { any: Said[] } | { words: Schema } | typeof ANYTHING | typeof WHOLE
const ANYTHING = 'anything'
const WHOLE = 'whole'

let count = 0

/** Answers for one schema. */
export class SchemaOracle {
  readonly #root: Schema
  readonly #validators = new Map<unknown, Validator>()
  readonly #isDraft2019: boolean

  private constructor (root: Schema) {
    this.#root = root
    this.#isDraft2019 = root.$schema === DRAFTS['2019-09']
  }

  static async of (root: Schema): Promise<SchemaOracle> {
    const oracle = new SchemaOracle(root)
    oracle.#validators.set(root, await compile(root))
    const names = Object.fromEntries(Object.entries(root).filter(([key]) => key === 'definitions' || key === '$defs'))
    for (const part of partsOf(root)) {
      const { anyOf = [], oneOf = [], if: condition = [], contains = [] } = part as Record<string, object[]>
      for (const branch of [anyOf, oneOf, condition, contains].flat()) {
        oracle.#validators.set(branch, await compile({ $schema: root.$schema, allOf: [branch], ...names }))
      }
    }
    return oracle
  }

  accepts (value: Json): boolean {
    return this.#fits(this.#root, value)
  }

  /** The value without what is not declared. */
  declaredPart (value: Json): Json {
    return this.#part(this.#said(this.#root, value), value)
  }

  #part (said: Said, value: Json): Json {
    if (typeof value !== 'object' || value === null || isOpen(said)) return value
    const kept = Object.entries(value).flatMap(([name, inner]) => {
      const within = this.#saidOf(said, value, Array.isArray(value) ? Number(name) : name) ?? (isNamed(said, name) ? ANYTHING : undefined)
      return within === undefined ? [] : [[name, this.#part(within, inner)] as const]
    })
    return Array.isArray(value) ? kept.map(([, inner]) => inner) : Object.fromEntries(kept)
  }

  #said (schema: unknown, value: Json): Said {
    if (isAnything(schema)) return ANYTHING
    const node = schema as Schema
    if ('const' in node || 'enum' in node) return WHOLE
    const others = this.#inPlace(node, value).map(branches => ({ any: branches.map(branch => this.#said(branch, value)) }))
    return { all: Object.keys(node).every(key => IN_PLACE.has(key)) ? others : [{ words: node }, ...others] }
  }

  /** What is said of a property or item. */
  #saidOf (said: Said, value: Json, key: Key): Said | undefined {
    if (typeof said === 'string') return undefined
    const inner = (value as Record<Key, Json>)[key]!
    if ('words' in said) {
      const schemas = this.#evaluators(said.words, value, key)
      if (Array.isArray(value) && said.words.contains !== undefined && this.#fits(said.words.contains, inner)) schemas.push(said.words.contains)
      const { unevaluatedItems, unevaluatedProperties, ...words } = said.words
      const rest = Array.isArray(value) ? unevaluatedItems : unevaluatedProperties
      if (rest !== undefined && !this.#isEvaluated(words, value, key)) schemas.push(rest)
      return schemas.length === 0 ? undefined : { all: schemas.map(schema => this.#said(schema, inner)) }
    }
    const parts = ('all' in said ? said.all : said.any).map(one => this.#saidOf(one, value, key)).filter(one => one !== undefined)
    if (parts.length === 0) return undefined
    return 'all' in said ? { all: parts } : { any: parts }
  }

  #fits (schema: unknown, value: Json): boolean {
    return typeof schema === 'boolean' ? schema : this.#validators.get(schema)!(value).valid
  }

  /** The schemas that the same value has to fit: each, or any of several. */
  #inPlace (node: Schema, value: Json): unknown[][] {
    const { $ref, allOf = [], anyOf, oneOf, if: condition, dependentSchemas, dependencies } = node as Record<string, Schema[] & Schema>
    const found: unknown[][] = allOf.map(one => [one])
    if ($ref !== undefined) found.push([this.#target(String($ref))])
    for (const branches of [anyOf, oneOf]) if (branches !== undefined) found.push(branches.filter(branch => this.#fits(branch, value)))
    if (condition !== undefined) {
      const isMet = this.#fits(condition, value)
      if (isMet) found.push([condition])
      const next = isMet ? node.then : node.else
      if (next !== undefined) found.push([next])
    }
    for (const [name, schema] of Object.entries({ ...dependentSchemas, ...dependencies })) {
      if (!Array.isArray(schema) && isObject(value) && Object.hasOwn(value, name)) found.push([schema])
    }
    return found
  }

  /** The schemas that a property or item has to fit. */
  #evaluators (node: Schema, value: Json, key: Key): unknown[] {
    if (Array.isArray(value)) {
      const { prefixItems, items, additionalItems } = node
      const tuple = (prefixItems ?? (Array.isArray(items) ? items : [])) as unknown[]
      return [Number(key) < tuple.length ? tuple[key as number] : Array.isArray(items) ? additionalItems : items].filter(schema => schema !== undefined)
    }
    const { properties = {}, patternProperties = {}, additionalProperties } = node as Record<string, Schema>
    const found = Object.entries(patternProperties).filter(([pattern]) => new RegExp(pattern, 'u').test(String(key))).map(([, schema]) => schema)
    if (Object.hasOwn(properties, key)) found.push(properties[key as string])
    return found.length > 0 || additionalProperties === undefined ? found : [additionalProperties]
  }

  #isEvaluated (node: unknown, value: Json, key: Key): boolean {
    if (typeof node !== 'object' || node === null) return false
    const schema = node as Schema
    if (this.#evaluators(schema, value, key).length > 0) return true
    if (Array.isArray(value) ? schema.unevaluatedItems !== undefined : schema.unevaluatedProperties !== undefined) return true
    if (Array.isArray(value) && schema.contains !== undefined && !this.#isDraft2019 && this.#fits(schema.contains, value[key as number]!)) return true
    return this.#inPlace(schema, value).flat().some(one => this.#isEvaluated(one, value, key))
  }

  /** By name, or by the `$id`s that TypeBox gives. */
  #target (ref: string): unknown {
    const { definitions, $defs } = this.#root as Record<string, Schema | undefined>
    return definitions?.[ref.split('/').at(-1)!] ?? $defs?.[ref]
  }
}

/** Whether a value may be anything, or is given in full. */
function isOpen (said: Said): boolean {
  if (typeof said === 'string') return true
  if ('words' in said) return false
  return isWhole(said) || ('all' in said ? said.all.every(isOpen) : said.any.some(isOpen))
}

function isWhole (said: Said): boolean {
  if (typeof said === 'string') return said === WHOLE
  return !('words' in said) && ('all' in said ? said.all : said.any).some(isWhole)
}

/** Whether a property is among those that have to be there. */
function isNamed (said: Said, name: string): boolean {
  if (typeof said === 'string') return false
  if ('words' in said) return (said.words.required as string[] | undefined ?? []).includes(name)
  return ('all' in said ? said.all : said.any).some(one => isNamed(one, name))
}

const IN_PLACE = new Set(['$schema', 'definitions', '$defs', '$id', '$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'])
const NAMES = new Set(['$schema', 'definitions', '$defs'])

function isAnything (schema: unknown): boolean {
  return schema === true || (typeof schema === 'object' && schema !== null && Object.keys(schema).every(key => NAMES.has(key)))
}

async function compile (schema: Schema): Promise<Validator> {
  const uri = `https://oracle.example/${++count}`
  registerSchema(structuredClone(schema) as never, uri)
  try {
    return await validate(uri)
  } finally {
    unregisterSchema(uri)
  }
}

/** All objects within a schema: more than are schemas, which does no harm. */
function * partsOf (value: unknown): Generator<object> {
  if (typeof value !== 'object' || value === null) return
  yield value
  for (const inner of Object.values(value)) yield * partsOf(inner)
}
