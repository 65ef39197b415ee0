// Reads a schema as JSON Schema does: whether a plain value fits, and which parts of it the schema declares. The checks
// of Ajv and TypeBox do not tell the latter, and Ajv takes all items of an array with `contains` for evaluated.
import { type ResolvedSchema, type SchemaNode } from '../schema/resolve.ts'
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { ANYTHING, both, Declared, either, EVERYTHING, NO_PARTS, NOTHING } from './declared.ts'
import { fitsType, isEqual, isUnique } from './json-values.ts'

/** A check of keywords that have no schemas within them. */
export type Assertion = (value: unknown) => boolean

type Named = Record<string, SchemaNode>
type Parts = Map<string | number, Declared>

/** Keywords that check nothing. So do those that Ajv does not know. */
const ANNOTATIONS = new Set(['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment', 'example',
  'contentEncoding', 'contentMediaType', 'contentSchema', 'discriminator', 'nullable'])
/** Keywords by which other schemas say what the same value is. */
const IN_PLACE = new Set(['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'])
/** Keywords that leave open what the items of an array are. */
const OF_WHOLE_ARRAYS = new Set(['type', 'minItems', 'maxItems', 'uniqueItems'])
/** Keywords that are read here; Ajv compiles the others. */
const OWN = new Set([...ANNOTATIONS, ...IN_PLACE, 'type', 'const', 'enum', 'not', 'uniqueItems', 'required', 'properties', 'patternProperties',
  'additionalProperties', 'propertyNames', 'unevaluatedProperties', 'dependentSchemas', 'prefixItems', 'items', 'contains', 'minContains',
  'maxContains', 'unevaluatedItems'])

/** What is found out once about a schema. */
interface Facts {
  readonly assertion: Assertion | undefined
  readonly patterns: Array<[{ test (text: string): boolean }, SchemaNode]>
  /** What it declares of objects, and of arrays, beside their parts. */
  readonly ofObjects: Declared
  readonly ofArrays: Declared
}

/** What an evaluator leaves to Ajv. */
export interface AssertionCompiler {
  isKeyword (name: string): boolean
  /** Compiles keywords without schemas within them. */
  compileAssertion (keywords: SchemaObject): Assertion
  regExp (pattern: string): { test (text: string): boolean }
}

/** Evaluates plain values against one schema. */
export class Evaluator {
  readonly #schema: ResolvedSchema
  readonly #compiler: AssertionCompiler
  readonly #facts = new Map<SchemaObject, Facts>()

  constructor (schema: ResolvedSchema, compiler: AssertionCompiler) {
    this.#schema = schema
    this.#compiler = compiler
  }

  /** What the schema declares of a value that has passed its check; undefined if the value does not fit it nevertheless. */
  evaluate (value: unknown): Declared | undefined {
    return this.#evaluate(this.#schema.root, value, true)
  }

  /** Whether a value fits the schema, by this reading alone. */
  accepts (value: unknown): boolean {
    return this.#evaluate(this.#schema.root, value, false) !== undefined
  }

  /** @param isChecked whether the value has passed this schema's check, apart from what Ajv ignores */
  #evaluate (node: SchemaNode, value: unknown, isChecked: boolean): Declared | undefined {
    if (typeof node === 'boolean') return node ? ANYTHING : undefined
    const facts = this.#factsOf(node)
    if (!isChecked && !fits(node, value, facts)) return undefined
    const inPlace = this.#inPlace(node, value, isChecked)
    if (inPlace === undefined || typeof value !== 'object' || value === null) return inPlace
    return Array.isArray(value)
      ? this.#array(node, value, both(inPlace, facts.ofArrays), isChecked)
      : this.#object(node, value as Record<string, unknown>, both(inPlace, facts.ofObjects), facts, isChecked)
  }

  #inPlace (node: SchemaObject, value: unknown, isChecked: boolean): Declared | undefined {
    let declared: Declared | undefined = 'const' in node || 'enum' in node ? EVERYTHING : ANYTHING
    const schemas: SchemaNode[] = []
    if ('$ref' in node) schemas.push(this.#schema.targets.get(node.$ref)!)
    if ('allOf' in node) schemas.push(...node.allOf as SchemaNode[])
    if ('if' in node) {
      const condition = this.#evaluate(node.if as SchemaNode, value, false)
      if (condition !== undefined) declared = both(declared, condition)
      const branch = (condition === undefined ? node.else : node.then) as SchemaNode | undefined
      if (branch !== undefined) schemas.push(branch)
    }
    if ('dependentSchemas' in node && isObject(value)) {
      schemas.push(...Object.entries(node.dependentSchemas as Named).filter(([name]) => Object.hasOwn(value, name)).map(([, schema]) => schema))
    }
    for (const schema of schemas) {
      const found = this.#evaluate(schema, value, isChecked)
      if (found === undefined) return undefined
      declared = both(declared, found)
    }
    if ('not' in node && this.#evaluate(node.not as SchemaNode, value, false) !== undefined) return undefined
    if ('anyOf' in node) declared = this.#branches(node.anyOf as SchemaNode[], value, declared, Infinity)
    if ('oneOf' in node && declared !== undefined) declared = this.#branches(node.oneOf as SchemaNode[], value, declared, 1)
    return declared
  }

  /** Every branch that matches declares its part. */
  #branches (branches: SchemaNode[], value: unknown, declared: Declared, max: number): Declared | undefined {
    const found = branches.map(branch => this.#evaluate(branch, value, false)).filter(branch => branch !== undefined)
    return found.length === 0 || found.length > max ? undefined : both(declared, found.reduce(either))
  }

  #object (node: SchemaObject, value: Record<string, unknown>, declared: Declared, facts: Facts, isChecked: boolean): Declared | undefined {
    const { properties, additionalProperties, propertyNames, unevaluatedProperties } = node as Record<string, SchemaNode | undefined>
    const evaluated: Parts = new Map()
    for (const name of Object.keys(value)) {
      if (propertyNames !== undefined && this.#evaluate(propertyNames, name, isChecked) === undefined) return undefined
      const schemas = facts.patterns.filter(([pattern]) => pattern.test(name)).map(([, schema]) => schema)
      if (isObject(properties) && Object.hasOwn(properties, name)) schemas.push(properties[name] as SchemaNode)
      if (schemas.length === 0 && additionalProperties !== undefined) schemas.push(additionalProperties)
      // Ajv does not look at `__proto__`.
      if (!this.#part(evaluated, name, schemas, value[name], isChecked && name !== '__proto__')) return undefined
    }
    const named: Parts = new Map()
    for (const name of node.required as string[] | undefined ?? []) named.set(name, ANYTHING)
    const found = both(declared, new Declared(evaluated, named, declared.extent))
    if (unevaluatedProperties === undefined) return found
    return this.#unevaluated(found, Object.keys(value), unevaluatedProperties, name => value[name])
  }

  #array (node: SchemaObject, value: unknown[], declared: Declared, isChecked: boolean): Declared | undefined {
    const { items, contains, unevaluatedItems } = node as Record<string, SchemaNode | undefined>
    const prefixItems = node.prefixItems as SchemaNode[] | undefined ?? []
    const evaluated: Parts = new Map()
    for (const [index, item] of value.entries()) {
      const schema = index < prefixItems.length ? prefixItems[index] : items
      if (schema !== undefined && !this.#part(evaluated, index, [schema], item, isChecked)) return undefined
    }
    const contained = contains === undefined ? new Map() : this.#contained(node, contains, value)
    if (contained === undefined) return undefined
    const found = both(declared, new Declared(evaluated, NO_PARTS, declared.extent))
    const isEvaluated = !this.#schema.isDraft2019
    const all = both(found, isEvaluated ? new Declared(contained, NO_PARTS, declared.extent) : new Declared(NO_PARTS, contained, declared.extent))
    if (unevaluatedItems === undefined) return all
    return this.#unevaluated(all, value.keys(), unevaluatedItems, index => value[index])
  }

  #contained (node: SchemaObject, contains: SchemaNode, value: unknown[]): Parts | undefined {
    const { minContains = 1, maxContains = Infinity } = node as { minContains?: number, maxContains?: number }
    const contained: Parts = new Map()
    for (const [index, item] of value.entries()) {
      const found = this.#evaluate(contains, item, false)
      if (found !== undefined) contained.set(index, found)
    }
    return contained.size < minContains || contained.size > maxContains ? undefined : contained
  }

  #unevaluated<K extends string | number> (declared: Declared, keys: Iterable<K>, schema: SchemaNode, valueOf: (key: K) => unknown): Declared | undefined {
    const evaluated: Parts = new Map()
    for (const key of keys) {
      if (!declared.evaluated.has(key) && !this.#part(evaluated, key, [schema], valueOf(key), false)) return undefined
    }
    return both(declared, new Declared(evaluated, NO_PARTS, declared.extent))
  }

  #part (parts: Parts, key: string | number, schemas: SchemaNode[], value: unknown, isChecked: boolean): boolean {
    for (const schema of schemas) {
      const found = this.#evaluate(schema, value, isChecked)
      if (found === undefined) return false
      const known = parts.get(key)
      parts.set(key, known === undefined ? found : both(known, found))
    }
    return true
  }

  #factsOf (node: SchemaObject): Facts {
    const known = this.#facts.get(node)
    if (known !== undefined) return known
    const keywords = Object.keys(node).filter(key => !ANNOTATIONS.has(key) && this.#compiler.isKeyword(key))
    const others = keywords.filter(key => !OWN.has(key))
    const assertion = others.length === 0 ? undefined : this.#compiler.compileAssertion(Object.fromEntries(others.map(key => [key, node[key]])))
    const isSilent = keywords.every(key => IN_PLACE.has(key))
    const facts: Facts = {
      assertion,
      patterns: Object.entries(node.patternProperties ?? {}).map(([pattern, schema]) => [this.#compiler.regExp(pattern), schema as SchemaNode]),
      ofObjects: isSilent ? ANYTHING : NOTHING,
      ofArrays: keywords.every(key => IN_PLACE.has(key) || OF_WHOLE_ARRAYS.has(key)) ? ANYTHING : NOTHING
    }
    this.#facts.set(node, facts)
    return facts
  }
}

/** Checks all keywords but those with schemas within them. */
function fits (node: SchemaObject, value: unknown, { assertion }: Facts): boolean {
  if ('type' in node && ![node.type].flat().some(type => fitsType(type, value))) return false
  if ('const' in node && !isEqual(node.const, value)) return false
  if ('enum' in node && !(node.enum as unknown[]).some(one => isEqual(one, value))) return false
  if (node.uniqueItems === true && Array.isArray(value) && !isUnique(value)) return false
  if ('required' in node && isObject(value) && !(node.required as string[]).every(name => Object.hasOwn(value, name))) return false
  return assertion === undefined || assertion(value)
}
