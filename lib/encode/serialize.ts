// The fast path: payloads of the schemas that fast-json-stringify writes exactly. It reads some keywords of JSON Schema in
// its own way, so it only gets a schema of what it has to write, made here: objects, arrays of one kind of items, and
// values whose type the check guarantees. docs/exactness.md says which schemas these are.
import buildSerializer, { type Schema } from 'fast-json-stringify'
import { type ResolvedSchema, type SchemaNode } from '../schema/resolve.ts'
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { numberText } from './number-text.ts'
import { type Copy, copyArray, copyObject, SAME } from './copy.ts'

export interface FastPath {
  /** Copies a payload. The check accepts no copy of one that has to go the other way. */
  readonly copy: Copy
  /** Writes a copy that passed its check as one line of JSON. */
  readonly serialize: (copy: unknown) => string
}

/**
 * The fast path of a schema.
 *
 * @param isKeyword whether any other keyword checks something
 * @returns undefined where fast-json-stringify would not write all payloads exactly
 */
export function fastPath (schema: ResolvedSchema, isKeyword: (name: string) => boolean): FastPath | undefined {
  const builder = new FastPathBuilder(schema, isKeyword)
  const root = builder.build(schema.root)
  if (root === undefined) return undefined
  return { copy: root.copy, serialize: build({ ...root.written, definitions: builder.definitions }) }
}

/** What fast-json-stringify gives in its debug mode, and takes back. */
interface Generated {
  readonly serializer: Record<'asInteger' | 'asNumber', (value: number) => string>
}

/** The serializer of a schema, which writes numbers as number-text.ts does. */
function build (schema: SchemaObject): FastPath['serialize'] {
  const generated = buildSerializer(schema as unknown as Schema, { mode: 'debug' })
  Object.assign((generated as unknown as Generated).serializer, { asInteger: numberText, asNumber: numberText })
  return buildSerializer.restore(generated as never)
}

/** A schema as it is written, and the copy of its values. */
interface Part {
  readonly written: SchemaObject
  readonly copy: Copy
}

const ANNOTATIONS = ['title', 'description', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$comment']
/** Keywords that the check sees to, and that declare nothing beside the properties. */
const OF_OBJECTS = new Set(['type', 'properties', 'required', 'additionalProperties', ...ANNOTATIONS])
/** Keywords that the check sees to, and that hold for the array without what the schema of its items does not declare. */
const OF_ARRAYS = new Set(['type', 'items', 'minItems', 'maxItems', ...ANNOTATIONS])

class FastPathBuilder {
  readonly definitions: Record<string, SchemaObject> = {}
  readonly #schema: ResolvedSchema
  readonly #isKeyword: (name: string) => boolean
  readonly #parts = new Map<unknown, Part | undefined>()

  constructor (schema: ResolvedSchema, isKeyword: (name: string) => boolean) {
    this.#schema = schema
    this.#isKeyword = isKeyword
  }

  build (node: SchemaNode): Part | undefined {
    if (!isObject(node)) return undefined
    const types = this.#scalarTypes(node, [])
    if (types !== undefined) return { written: writtenScalar(types), copy: SAME }
    if (node.$ref !== undefined) return this.#hasOnly(node, REFERENCE) ? this.#reference(node.$ref) : undefined
    if (node.type === 'object') return this.#object(node)
    return node.type === 'array' ? this.#array(node) : undefined
  }

  #object (node: SchemaObject): Part | undefined {
    const { properties = {}, required = [], additionalProperties } = node as { properties?: Record<string, SchemaNode>, required?: string[], additionalProperties?: unknown }
    // Without `additionalProperties` no more is declared; with `false` there is no more.
    if (!this.#hasOnly(node, OF_OBJECTS) || (additionalProperties !== undefined && additionalProperties !== false)) return undefined
    if (!required.every(name => Object.hasOwn(properties, name)) || !Object.keys(properties).every(isPlainName)) return undefined
    const written: SchemaObject = {}
    const copies = new Map<string, Copy>()
    for (const [name, property] of Object.entries(properties)) {
      const part = this.build(property)
      if (part === undefined) return undefined
      written[name] = part.written
      copies.set(name, part.copy)
    }
    return { written: { type: 'object', properties: written, required }, copy: copyObject(copies, additionalProperties === undefined) }
  }

  #array (node: SchemaObject): Part | undefined {
    const items = this.#hasOnly(node, OF_ARRAYS) ? this.build(node.items as SchemaNode) : undefined
    return items && { written: { type: 'array', items: items.written }, copy: copyArray(items.copy) }
  }

  #reference (ref: unknown): Part | undefined {
    if (this.#parts.has(ref)) return this.#parts.get(ref)
    const name = String(this.#parts.size)
    let copy: Copy = SAME
    // Before what it leads to, which may lead back.
    this.#parts.set(ref, { written: { $ref: `#/definitions/${name}` }, copy: value => copy(value) })
    const part = this.build(this.#schema.targets.get(ref)!)
    if (part === undefined) return undefined
    this.definitions[name] = part.written
    copy = part.copy
    return this.#parts.get(ref)
  }

  /** The types of the values that a schema accepts, if none of them is an object or array. */
  #scalarTypes (node: SchemaNode | undefined, refs: unknown[]): Set<string> | undefined {
    if (!isObject(node) || refs.includes(node.$ref)) return undefined
    const types = [node.type ?? []].flat() as string[]
    if (types.length > 0 && !types.includes('object') && !types.includes('array')) return new Set(types)
    const values = 'const' in node ? [node.const] : node.enum as unknown[] | undefined
    if (values?.every(value => typeof value !== 'object' || value === null)) return new Set(values.map(value => value === null ? 'null' : typeof value))
    for (const branches of [node.anyOf, node.oneOf] as Array<SchemaNode[] | undefined>) {
      const found = branches?.map(branch => this.#scalarTypes(branch, refs))
      if (found?.every(types => types !== undefined)) return new Set(found.flatMap(types => Array.from(types)))
    }
    const others = [...node.allOf as SchemaNode[] | undefined ?? [], ...node.$ref === undefined ? [] : [this.#schema.targets.get(node.$ref)]]
    for (const other of others) {
      const found = this.#scalarTypes(other, [...refs, node.$ref])
      if (found !== undefined) return found
    }
    return undefined
  }

  #hasOnly (node: SchemaObject, keywords: Set<string>): boolean {
    return Object.keys(node).every(key => keywords.has(key) || !this.#isKeyword(key))
  }
}

const REFERENCE = new Set(['$ref', ...ANNOTATIONS])

/** Whether objects do not inherit a property of the name, and it stands in JSON, and in code, as it is. */
function isPlainName (name: string): boolean {
  return !(name in Object.prototype) && !/["\\\p{Cc}\p{Cs}\u2028\u2029]/u.test(name)
}

/** A schema with which fast-json-stringify writes values that are of these types for certain. */
function writtenScalar (types: Set<string>): SchemaObject {
  const [type, ...others] = [...types].filter(type => type !== 'null')
  if (others.length > 0) return {}
  if (type === undefined) return { type: 'null' }
  return types.has('null') ? { type, nullable: true } : { type }
}
