// Schemas with a name of their own become components of the document, and so does what a schema refers to within itself.
import { keysOf, valueAt } from '../schema/pointer.ts'
import { rewriteSchema } from '../schema/rewrite.ts'
import { type SchemaObject, subschemas } from '../schema/walk.ts'

/** A schema without references into itself, and the schemas that it refers to instead, by their `$id`. */
export interface Bundle {
  readonly schema: SchemaObject
  readonly resources: Readonly<Record<string, SchemaObject>>
}

/**
 * The names of an app's components. Equal schemas of several routes share a name; different schemas of the same name are
 * told apart by a number, because @fastify/swagger would take one for the other.
 */
export class ComponentNames {
  readonly #identities = new Map<string, string>()

  /**
   * @param hint the preferred name
   * @param identity equal for equal schemas
   * @param shared the app's schemas by `$id`; their names are taken
   */
  reserve (hint: string, identity: string, shared: Readonly<Record<string, unknown>>): string {
    const base = hint.replaceAll(/[^\w.-]+/g, '-')
    let name = base
    for (let i = 2; Object.hasOwn(shared, name) || (this.#identities.get(name) ?? identity) !== identity; i++) name = `${base}-${i}`
    this.#identities.set(name, identity)
    return name
  }
}

/**
 * Moves the schemas with an `$id`, and the targets of references within the schema, out into resources of their own.
 * In a document `#` is the document, `$id` is gone, and @fastify/swagger resolves neither below `content`, so recursive
 * schemas would refer to nothing. Fastify rejects a schema that defines one `$id` twice.
 *
 * @param root is not written to; returned as it is if there is nothing to move
 * @param name what to call the root if it refers to itself
 * @param shared the app's schemas by `$id`
 */
export function bundle (root: SchemaObject, name: string, names: ComponentNames, shared: Readonly<Record<string, unknown>>): Bundle {
  const references = new References(root)
  const movable = references.movable()
  if (movable.size === 0) return { schema: root, resources: {} }

  const ids = new Map<SchemaObject, string>()
  const resources: Record<string, SchemaObject> = {}
  const idOf = (schema: SchemaObject): string => {
    const known = ids.get(schema)
    if (known !== undefined) return known
    const isShared = isId(schema.$id) && Object.hasOwn(shared, schema.$id) && JSON.stringify(shared[schema.$id]) === JSON.stringify(schema)
    const id = isShared ? schema.$id as string : names.reserve(references.hint(schema) ?? name, references.identity(schema), shared)
    ids.set(schema, id)
    if (!isShared) resources[id] = { $id: id, ...extract(schema) }
    return id
  }
  /** @param start the resource that is being extracted: it does not become a reference to itself */
  const extract = (start?: SchemaObject): SchemaObject => rewriteSchema(start ?? root, (schema, inner) => {
    const target = schema !== start && movable.has(schema) ? schema : references.target(schema)
    if (target !== undefined) return { $ref: idOf(target) }
    const { $id, $anchor, $defs, definitions, ...rest } = inner(schema)
    return rest
  })
  return { schema: extract(), resources }
}

/** The references of one schema, and their targets within it. */
class References {
  readonly #root: SchemaObject
  readonly #owners = new Map<SchemaObject, SchemaObject>()
  readonly #ids = new Map<string, SchemaObject>()
  readonly #pointers = new Map<SchemaObject, string>()

  constructor (root: SchemaObject) {
    this.#root = root
    this.#own(root, root)
  }

  /** The schemas with an `$id`, and the targets of references. */
  movable (): Set<SchemaObject> {
    const places = Array.from(this.#owners.keys())
    const targets = places.map(schema => this.target(schema)).filter(target => target !== undefined)
    return new Set([...places.filter(({ $id }) => isId($id)), ...targets])
  }

  /** The target of a schema's `$ref`, if it is within the root. */
  target (schema: SchemaObject): SchemaObject | undefined {
    if (typeof schema.$ref !== 'string') return undefined
    const [id = '', fragment = ''] = schema.$ref.split('#')
    const owner = id === '' ? this.#owners.get(schema) : this.#ids.get(id)
    if (owner === undefined || fragment === '') return owner
    // A JSON pointer in a URI fragment (RFC 6901, section 6).
    const target = (fragment.startsWith('/') ? valueAt(owner, decodeURIComponent(fragment)) : this.#anchored(fragment)) as SchemaObject | undefined
    if (target === undefined || !this.#owners.has(target)) return undefined
    this.#pointers.set(target, fragment)
    return target
  }

  /** What the schema's author calls a target: its `$id`, the last token of the pointer to it, or its title. */
  hint (target: SchemaObject): string | undefined {
    if (isId(target.$id)) return target.$id
    const fragment = this.#pointers.get(target)
    const name = fragment?.startsWith('/') === true ? keysOf(fragment).at(-1) : fragment
    return name ?? (typeof target.title === 'string' ? target.title : undefined)
  }

  /** Equal for equal targets in equal schemas. */
  identity (target: SchemaObject): string {
    const owner = this.#owners.get(target)!
    return JSON.stringify(owner) + (owner === target ? '' : this.#pointers.get(target))
  }

  #own (root: SchemaObject, owner: SchemaObject): void {
    for (const schema of subschemas(root)) {
      if (this.#owners.has(schema)) continue
      if (schema !== owner && isId(schema.$id)) {
        this.#own(schema, schema)
        continue
      }
      this.#owners.set(schema, owner)
      if (isId(schema.$id)) this.#ids.set(schema.$id, schema)
    }
  }

  #anchored (name: string): SchemaObject | undefined {
    return Array.from(subschemas(this.#root)).find(({ $anchor, $id }) => $anchor === name || $id === `#${name}`)
  }
}

function isId (id: unknown): id is string {
  return typeof id === 'string' && !id.startsWith('#')
}
