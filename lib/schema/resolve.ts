// A payload schema as check and serializer read it: whole, every reference resolved, in the words of draft 2020-12.
import { keywordAgainst, RAW_INSIDE } from './json-types.ts'
import { type Places } from './places.ts'
import { isRaw } from './raw-text.ts'
import { isObject, mapChildren, type SchemaObject } from './walk.ts'

/** A schema within a resolved one. Its `$ref`s are keys of {@link ResolvedSchema.targets}. */
export type SchemaNode = SchemaObject | boolean

export interface ResolvedSchema {
  readonly root: SchemaNode
  /** What the references lead to, as `definitions` of the schema that they name. */
  readonly definitions: Readonly<Record<string, SchemaNode>>
  /** What the references lead to, by reference. */
  readonly targets: ReadonlyMap<unknown, SchemaNode>
  /** Whether the schema says that it is of draft 2019-09, in which `contains` evaluates nothing. */
  readonly isDraft2019: boolean
}

/** Keywords that name a schema or its parts, which nothing refers to any more. */
const NAMES = new Set(['$id', '$schema', '$anchor', '$dynamicAnchor', '$recursiveAnchor', '$vocabulary', '$defs', 'definitions', '$async'])

/** TypeBox's patterns for any key of a record, which a key with a line end does not match, and what matches every key. */
const ANY_KEY: Record<string, string> = { '^(.*)$': '^([^]*)$', '^.*$': '^[^]*$' }

/**
 * Resolves the references of a schema.
 *
 * @param places has the schema, and those that it may refer to
 * @param uri what the references are to name as the schema with the `definitions`
 * @throws Error for a reference that leads nowhere, and for keywords that no payload may have
 */
export function resolveSchema (schema: SchemaObject, places: Places, uri: string): ResolvedSchema {
  const resolver = new Resolver(places, uri)
  const root = resolver.node(schema)
  const { definitions, targets } = resolver
  return { root, definitions, targets, isDraft2019: String(schema.$schema).includes('2019-09') }
}

class Resolver {
  readonly definitions: Record<string, SchemaNode> = {}
  readonly targets = new Map<string, SchemaNode>()
  readonly #places: Places
  readonly #uri: string
  readonly #refs = new Map<SchemaNode, string>()
  readonly #nodes = new Map<SchemaObject, SchemaNode>()

  constructor (places: Places, uri: string) {
    this.#places = places
    this.#uri = uri
  }

  node (schema: SchemaNode): SchemaNode {
    if (!isObject(schema)) return schema
    const known = this.#nodes.get(schema)
    if (known !== undefined) return known
    const reason = keywordAgainst(schema)
    if (reason !== undefined) throw new Error(reason)
    const node = withNull(inOneDraft(this.#resolved(schema)))
    this.#nodes.set(schema, node)
    return node
  }

  /** A copy without names, in which the references are of this schema. */
  #resolved (schema: SchemaObject): SchemaObject {
    const unnamed = Object.fromEntries(Object.entries(schema).filter(([key]) => !NAMES.has(key) && !key.startsWith('~')))
    const copy = mapChildren(unnamed, inner => {
      if (isObject(inner) && isRaw(inner)) throw new Error(RAW_INSIDE)
      return this.node(inner)
    })
    if (schema.$ref !== undefined) copy.$ref = this.#ref(schema.$ref, schema)
    return copy
  }

  #ref (ref: unknown, from: SchemaObject): string {
    const target = this.#places.find(String(ref), from)
    if (target === undefined) throw new Error(`the $ref '${String(ref)}' leads nowhere`)
    const known = this.#refs.get(target)
    if (known !== undefined) return known
    if (isObject(target) && isRaw(target)) throw new Error(RAW_INSIDE)
    const name = String(this.#refs.size)
    const resolved = `${this.#uri}#/definitions/${name}`
    // Before what it leads to, which may lead back.
    this.#refs.set(target, resolved)
    const node = this.node(target)
    this.definitions[name] = node
    this.targets.set(resolved, node)
    return resolved
  }
}

/** In the words of draft 2020-12, which can say all that the drafts before it can. */
function inOneDraft ({ additionalItems, dependencies, ...node }: SchemaObject): SchemaObject {
  if (Array.isArray(node.items) && node.prefixItems === undefined) {
    node.prefixItems = node.items
    node.items = additionalItems
    for (const key of ['prefixItems', 'items']) if (node[key] === undefined || (node[key] as unknown[]).length === 0) delete node[key]
  }
  if (isObject(dependencies)) {
    const [names, schemas] = [true, false].map(isList => Object.entries(dependencies).filter(([, value]) => Array.isArray(value) === isList))
    node.dependentRequired = { ...Object.fromEntries(names!), ...node.dependentRequired as object }
    node.dependentSchemas = { ...Object.fromEntries(schemas!), ...node.dependentSchemas as object }
  }
  if (isObject(node.patternProperties)) {
    node.patternProperties = Object.fromEntries(Object.entries(node.patternProperties).map(([pattern, value]) => [ANY_KEY[pattern] ?? pattern, value]))
  }
  return node
}

/** OpenAPI's `nullable` beside no `type`, which Ajv refuses. */
function withNull (node: SchemaObject): SchemaNode {
  const { nullable, ...rest } = node
  if (nullable === undefined) return node
  if (rest.type !== undefined) return nullable === true ? { ...rest, type: [...new Set([rest.type, 'null'].flat())] } : rest
  return nullable === true && Object.keys(rest).length > 0 ? { anyOf: [rest, { type: 'null' }] } : rest
}
