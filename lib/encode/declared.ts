// Which parts of a value its schema declares, and what is left of a payload without the others.
import { CIRCULAR, NotJson } from './plain.ts'

type Key = string | number
type Parts = ReadonlyMap<Key, Declared>

export const NO_PARTS: Parts = new Map()

// How much of an object or array is declared beside the parts that have a schema of their own.
const NONE = 0
/** All, where no other schema that the value has to fit says more: `{}` in `allOf: [{}, { properties }]` adds nothing. */
const OPEN = 1
const ALL = 2

/** The declared parts of an object or array; values of other types have none. Never changed. */
export class Declared {
  /** Properties or items that are *evaluated*, as JSON Schema calls it. */
  readonly evaluated: Parts
  /** Properties and items that are declared without being evaluated: those in `required`. */
  readonly named: Parts
  readonly extent: number

  constructor (evaluated: Parts, named = NO_PARTS, extent = NONE) {
    this.evaluated = evaluated
    this.named = named
    this.extent = extent
  }

  /** What a part is declared as; undefined if it is not declared. */
  part (key: Key): Declared | undefined {
    if (this.extent !== NONE) return ANYTHING
    const [evaluated, named] = [this.evaluated.get(key), this.named.get(key)]
    return evaluated === undefined || named === undefined ? evaluated ?? named : both(evaluated, named)
  }
}

/** Nothing but that there is an object or array. */
export const NOTHING = new Declared(NO_PARTS)
/** What `true` and `{}` declare. */
export const ANYTHING = new Declared(NO_PARTS, NO_PARTS, OPEN)
/** What `const` and `enum` declare. */
export const EVERYTHING = new Declared(NO_PARTS, NO_PARTS, ALL)

/** What is declared by two schemas that a value has to fit. */
export function both (one: Declared, other: Declared): Declared {
  if (one === ANYTHING || one === other) return other
  if (other === ANYTHING) return one
  const extent = Math.max(one.extent, other.extent) === ALL ? ALL : Math.min(one.extent, other.extent)
  return new Declared(merge(one.evaluated, other.evaluated, both), merge(one.named, other.named, both), extent)
}

/** What is declared by two schemas either of which the value might have fitted alone. */
export function either (one: Declared, other: Declared): Declared {
  if (one === other) return one
  return new Declared(merge(one.evaluated, other.evaluated, either), merge(one.named, other.named, either), Math.max(one.extent, other.extent))
}

function merge (one: Parts, other: Parts, join: typeof both): Parts {
  if (other.size === 0) return one
  if (one.size === 0) return other
  const merged = new Map(one)
  for (const [key, part] of other) {
    const known = merged.get(key)
    merged.set(key, known === undefined ? part : join(known, part))
  }
  return merged
}

/** A declared part of a payload that JSON has no form for. */
export class NotJsonError extends Error {
  readonly keys: readonly Key[]
  readonly isCircular: boolean

  /** @param value the part, of a plain copy */
  constructor (keys: readonly Key[], value: unknown) {
    super(NotJson.hint(value))
    this.keys = keys
    this.isCircular = value === CIRCULAR
  }
}

/**
 * The declared part of a plain value; the value itself if all of it is declared.
 *
 * @throws NotJsonError
 */
export function declaredPart (value: unknown, declared: Declared): unknown {
  return partOf(value, declared, [])
}

function partOf (value: unknown, declared: Declared, keys: Key[]): unknown {
  if (NotJson.hint(value) !== undefined) throw new NotJsonError([...keys], value)
  if (typeof value !== 'object' || value === null) return value
  const parts: Array<[key: string, part: unknown]> = []
  let isWhole = true
  for (const key of Object.keys(value)) {
    const known = declared.part(Array.isArray(value) ? Number(key) : key)
    const inner = (value as Record<string, unknown>)[key]
    if (known === undefined) {
      isWhole = false
      continue
    }
    keys.push(key)
    const part = partOf(inner, known, keys)
    keys.pop()
    isWhole &&= part === inner
    parts.push([key, part])
  }
  if (isWhole) return value
  return Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts)
}
