// Copies of payloads for the fast path, so that check and serializer see the same values: each property is read once, as a
// getter may answer differently the second time.
import { isOrdinary } from './plain.ts'

/** Copies the objects and arrays of a value; {@link OTHER_WAY} in place of those that only the slow path can read. */
export type Copy = (value: unknown) => unknown

/** No check of an object or array accepts it. */
export const OTHER_WAY = Symbol('other way')

export const SAME: Copy = value => value

interface WithToJson { toJSON?: unknown }

/**
 * The copy of an object.
 *
 * @param properties the declared ones
 * @param isOpen whether it may have others, which are not written
 */
export function copyObject (properties: ReadonlyMap<string, Copy>, isOpen: boolean): Copy {
  const nested = Array.from(properties).filter(([, copy]) => copy !== SAME)
  const copyAll = nested.length === 0 ? copyFlat : copyNested(nested)
  return isOpen && !properties.has('toJSON') ? copyDeclared(properties, copyAll) : copyAll
}

export function copyArray (copyItem: Copy): Copy {
  return value => {
    if (!Array.isArray(value)) return value
    if ((value as WithToJson).toJSON !== undefined) return OTHER_WAY
    const copy: unknown[] = []
    for (let i = 0; i < value.length; i++) copy.push(copyItem(value[i]))
    return copy
  }
}

// A literal of the declared properties costs nothing that can be measured, where a spread costs 50 of the 650 ns of a small
// event: it is compiled into the check that reads it. It takes a property that is not enumerable, too.
function copyDeclared (properties: ReadonlyMap<string, Copy>, copyAll: Copy): Copy {
  const literal = Array.from(properties, ([name, copy], i) => {
    const key = JSON.stringify(name)
    return copy === SAME ? `${key}: value[${key}]` : `${key}: copies[${i}](value[${key}])`
  })
  // Names in it are quoted, and stand in the app's own schema, of which Ajv and fast-json-stringify make code as well.
  // eslint-disable-next-line no-new-func
  const make = new Function('copyAll', 'copies', 'getPrototypeOf', 'plain', `return value => {
    if (typeof value !== 'object' || value === null) return value
    const prototype = getPrototypeOf(value)
    if ((prototype !== plain && prototype !== null) || value.toJSON !== undefined) return copyAll(value)
    return { ${literal.join(', ')} }
  }`)
  return make(copyAll, Array.from(properties.values()), Object.getPrototypeOf, Object.prototype) as Copy
}

// A spread takes the properties that JSON.stringify takes. `toJSON` is looked for twice: it may be inherited, or a getter.
function copyFlat (value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ((value as WithToJson).toJSON !== undefined || !isOrdinary(value)) return OTHER_WAY
  const copy: WithToJson = { ...value }
  return copy.toJSON === undefined ? copy : OTHER_WAY
}

function copyNested (nested: Array<[name: string, copy: Copy]>): Copy {
  return value => {
    const copy = copyFlat(value)
    if (typeof copy !== 'object' || copy === null) return copy
    const parts = copy as Record<string, unknown>
    for (const [name, copyPart] of nested) {
      if (parts[name] !== undefined) parts[name] = copyPart(parts[name])
    }
    return parts
  }
}
