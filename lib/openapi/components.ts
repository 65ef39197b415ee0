import { type SchemaObject, subschemas } from '../schema/walk.ts'
import { rewriteSchema } from '../schema/rewrite.ts'

/** A schema without references into itself, and the schemas that it refers to instead, by their `$id`. */
export interface Bundle {
  readonly schema: SchemaObject
  readonly resources: Readonly<Record<string, SchemaObject>>
}

/**
 * Names for the schemas that documents keep apart. The same schema of several routes has one name; different schemas
 * that call themselves the same get different ones, because @fastify/swagger would take the one for the other.
 */
export class Names {
  readonly #taken = new Map<string, string>()

  /**
   * @param hint the name that is wanted
   * @param identity tells one schema from another
   * @param shared the app's schemas by `$id`, whose names are theirs
   */
  claim (hint: string, identity: string, shared: Readonly<Record<string, unknown>>): string {
    const base = hint.replaceAll(/[^\w.-]+/g, '-')
    let name = base
    for (let i = 2; Object.hasOwn(shared, name) || (this.#taken.get(name) ?? identity) !== identity; i++) name = `${base}-${i}`
    this.#taken.set(name, identity)
    return name
  }
}

/**
 * Moves out of a schema what has a name, and what the schema refers to within itself. In a document `#` is the document,
 * `$id` is gone, and @fastify/swagger resolves neither below `content`: recursive schemas would refer to nothing. Fastify
 * itself refuses to compile a schema in which an `$id` stands twice.
 *
 * @param root stays as it is; it is the answer when there is nothing to move
 * @param name what to call the root, should it refer to itself
 * @param names of the app
 * @param shared the app's schemas by `$id`
 */
export function bundle (root: SchemaObject, name: string, names: Names, shared: Readonly<Record<string, unknown>>): Bundle {
  const references = new References(root)
  const apart = references.apart()
  if (apart.size === 0) return { schema: root, resources: {} }

  const ids = new Map<SchemaObject, string>()
  const resources: Record<string, SchemaObject> = {}
  const idOf = (schema: SchemaObject): string => {
    const known = ids.get(schema)
    if (known !== undefined) return known
    const isShared = isId(schema.$id) && Object.hasOwn(shared, schema.$id) && JSON.stringify(shared[schema.$id]) === JSON.stringify(schema)
    const id = isShared ? schema.$id as string : names.claim(references.hint(schema) ?? name, references.identity(schema), shared)
    ids.set(schema, id)
    if (!isShared) resources[id] = { $id: id, ...extract(schema) }
    return id
  }
  /** @param start is moved out already */
  const extract = (start?: SchemaObject): SchemaObject => rewriteSchema(start ?? root, (schema, inner) => {
    const target = schema !== start && apart.has(schema) ? schema : references.target(schema)
    if (target !== undefined) return { $ref: idOf(target) }
    const { $id, $anchor, $defs, definitions, ...rest } = inner(schema)
    return rest
  })
  return { schema: extract(), resources }
}

/** The references of one schema, and where they lead within it. */
class References {
  readonly #root: SchemaObject
  readonly #owners = new Map<SchemaObject, SchemaObject>()
  readonly #ids = new Map<string, SchemaObject>()
  readonly #pointers = new Map<SchemaObject, string>()

  constructor (root: SchemaObject) {
    this.#root = root
    this.#own(root, root)
  }

  /** The schemas with an `$id` of their own, and the places that are referred to. */
  apart (): Set<SchemaObject> {
    const places = Array.from(this.#owners.keys())
    const targets = places.map(schema => this.target(schema)).filter(target => target !== undefined)
    return new Set([...places.filter(({ $id }) => isId($id)), ...targets])
  }

  /** Where the `$ref` of a schema leads, if that is within the root. */
  target (schema: SchemaObject): SchemaObject | undefined {
    if (typeof schema.$ref !== 'string') return undefined
    const [id = '', fragment = ''] = schema.$ref.split('#')
    const owner = id === '' ? this.#owners.get(schema) : this.#ids.get(id)
    if (owner === undefined || fragment === '') return owner
    const target = fragment.startsWith('/') ? at(owner, fragment) : this.#anchored(fragment)
    if (target === undefined || !this.#owners.has(target)) return undefined
    this.#pointers.set(target, fragment)
    return target
  }

  /** What the schema's author calls a place. */
  hint (target: SchemaObject): string | undefined {
    if (isId(target.$id)) return target.$id
    const token = this.#pointers.get(target)?.split('/').at(-1)!.replaceAll('~1', '/').replaceAll('~0', '~')
    return token ?? (typeof target.title === 'string' ? target.title : undefined)
  }

  /** Equal for equal places of equal schemas. */
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

/** The value that a JSON pointer of a URI fragment leads to. */
function at (schema: SchemaObject, pointer: string): SchemaObject | undefined {
  let value: unknown = schema
  for (const token of decodeURIComponent(pointer).split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[token.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return value as SchemaObject | undefined
}
