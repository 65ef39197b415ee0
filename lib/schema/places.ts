// Where references lead: schemas by their URI, as `$id`, `$anchor` and JSON pointers name them.
import { keysOf } from './pointer.ts'
import { children, isObject, type SchemaObject } from './walk.ts'

/** Relative `$id`s are resolved against it: so is `price#`, which Fastify's schemas have. */
const BASE = 'schema:///'

/** Schemas that references may lead to. */
export class Places {
  readonly #parent: Places | undefined
  readonly #schemas = new Map<string, SchemaObject>()
  readonly #bases = new Map<SchemaObject, string>()

  /** @param parent where to look for what is not here */
  constructor (parent?: Places) {
    this.#parent = parent
  }

  /**
   * Adds a schema and all within it.
   *
   * @param name its URI, beside its `$id`
   * @throws Error where two different schemas have one `$id`
   */
  add (schema: SchemaObject, name: string): void {
    const uri = uriOf(name, BASE)
    this.#name(uri, schema)
    this.#add(schema, typeof schema.$id === 'string' && !schema.$id.startsWith('#') ? BASE : uri)
  }

  /**
   * The schema that a reference leads to; undefined if it leads nowhere.
   *
   * @param from the schema that has the reference
   */
  find (ref: string, from: SchemaObject): SchemaObject | boolean | undefined {
    const [id, fragment] = splitRef(ref)
    const base = this.#baseOf(from)
    // Fastify's users name shared schemas by their bare `$id`, also within a schema whose own `$id` is a URL.
    return this.#at(id === '' ? base : uriOf(id, base), fragment) ?? this.#at(uriOf(id, BASE), fragment)
  }

  #at (uri: string, fragment: string): SchemaObject | boolean | undefined {
    const root = this.#schemas.get(uri)
    const named = fragment === '' ? root : this.#schemas.get(`${uri}#${fragment}`)
    if (named !== undefined) return named
    if (root === undefined || !fragment.startsWith('/')) return this.#parent === undefined ? undefined : this.#parent.#at(uri, fragment)
    return this.#follow(root, keysOf(fragment)) ?? this.#follow(root, keysOf(decode(fragment)))
  }

  #follow (root: SchemaObject, keys: string[]): SchemaObject | boolean | undefined {
    let found: unknown = root
    let base = this.#bases.get(root)!
    for (const key of keys) {
      if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
      found = (found as Record<string, unknown>)[key]
      if (isObject(found)) base = this.#bases.get(found) ?? base
    }
    // It may be where no keyword has schemas.
    if (isObject(found)) this.#add(found, base)
    return isObject(found) || typeof found === 'boolean' ? found : undefined
  }

  /** Of a schema that is here, or in the parent. */
  #baseOf (schema: SchemaObject): string {
    return this.#bases.get(schema) ?? this.#parent!.#baseOf(schema)
  }

  #add (schema: SchemaObject, outer: string): void {
    if (this.#bases.has(schema)) return
    const { $id, $anchor, $dynamicAnchor } = schema
    const [id, anchor] = typeof $id === 'string' ? splitRef($id) : ['', '']
    const base = id === '' ? outer : uriOf(id, outer)
    this.#bases.set(schema, base)
    if (id !== '') this.#name(base, schema)
    for (const name of [anchor, $anchor, $dynamicAnchor]) {
      if (typeof name === 'string' && name !== '') this.#name(`${base}#${name}`, schema)
    }
    for (const inner of children(schema)) this.#add(inner, base)
  }

  #name (uri: string, schema: SchemaObject): void {
    const known = this.#schemas.get(uri)
    if (known !== undefined && known !== schema && JSON.stringify(known) !== JSON.stringify(schema)) {
      throw new Error(`two different schemas have the $id '${uri.replace(BASE, '')}'`)
    }
    this.#schemas.set(uri, known ?? schema)
  }
}

/** A reference without its fragment, and the fragment. */
function splitRef (ref: string): [id: string, fragment: string] {
  const hash = ref.indexOf('#')
  return hash === -1 ? [ref, ''] : [ref.slice(0, hash), ref.slice(hash + 1)]
}

function uriOf (id: string, base: string): string {
  try {
    return new URL(id, base).href
  } catch {
    return id
  }
}

function decode (fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}
