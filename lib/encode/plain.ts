// A plain copy of a payload, as JSON.stringify would read it. Values that JSON.stringify would silently drop, or turn into
// `{}` or null, stay in it, so that they are refused where the schema declares them.
import { types } from 'node:util'
import { ignoreRejection } from '../stray-promise.ts'

/** Stands in a plain copy for an object that JSON has no form for. */
export class NotJson {
  /** What it is, and what to send instead. */
  readonly #hint: string

  constructor (hint: string) {
    this.#hint = hint
  }

  /** Why a value of a plain copy cannot be sent; undefined if it can. */
  static hint (value: unknown): string | undefined {
    if (typeof value === 'object') return value instanceof NotJson ? value.#hint : undefined
    if (typeof value === 'number') return Number.isFinite(value) ? undefined : `got ${value}: JSON has none, send null`
    return PRIMITIVES[typeof value]
  }
}

const PRIMITIVES: Record<string, string | undefined> = {
  undefined: 'got undefined: JSON has none, send null or leave it out',
  bigint: 'got a BigInt: JSON has none, send String(value) or Number(value)',
  function: 'got a function: JSON has none, leave it out',
  symbol: 'got a symbol: JSON has none, leave it out'
}

const BYTES_HINT = 'got bytes: decode them first'

const OBJECTS: Array<[is: (value: unknown) => boolean, hint: string]> = [
  [types.isMap, 'got a Map: send Object.fromEntries(map)'],
  [types.isSet, 'got a Set: send Array.from(set)'],
  [value => ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value), BYTES_HINT],
  [types.isPromise, 'got a promise: await it first'],
  [value => types.isWeakMap(value) || types.isWeakSet(value), 'got a weak collection: JSON has none']
]

const BYTES = new NotJson(BYTES_HINT)

/** Stands in a plain copy for an object that contains this place. */
export const CIRCULAR = new NotJson('it is circular')

/**
 * The plain copy of a payload: `toJSON()` called at every depth, getters read once, own enumerable properties only.
 * Payload and copy have no object in common.
 *
 * @throws what a getter or a `toJSON()` throws, and RangeError for a payload that is nested too deep
 */
export function toPlain (payload: unknown): unknown {
  return copyOf(payload, '', [])
}

/** Whether the own properties of an object are all that JSON says of it, if it has no `toJSON()`. */
export function isOrdinary (value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ||
    !(Array.isArray(value) || types.isBoxedPrimitive(value) || OBJECTS.some(([is]) => is(value)))
}

function copyOf (given: unknown, key: string, ancestors: object[]): unknown {
  // Buffers have a toJSON() that no schema describes.
  if (ArrayBuffer.isView(given)) return BYTES
  let value = given
  if ((typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'bigint') {
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') value = toJSON.call(value, key)
  }
  // What JSON makes of -0 is 0.
  if (typeof value === 'number') return value + 0
  if (typeof value !== 'object' || value === null) return value
  if (types.isBoxedPrimitive(value)) return unboxed(value)
  if (ancestors.includes(value)) return CIRCULAR
  ancestors.push(value)
  const copy = Array.isArray(value) ? arrayOf(value, ancestors) : objectOf(value, ancestors)
  ancestors.pop()
  return copy
}

function arrayOf (value: unknown[], ancestors: object[]): unknown[] {
  const copy: unknown[] = []
  for (let i = 0; i < value.length; i++) copy.push(copyOf(value[i], String(i), ancestors))
  return copy
}

function objectOf (value: object, ancestors: object[]): object {
  if (!isOrdinary(value)) {
    ignoreRejection(value)
    return new NotJson(OBJECTS.find(([is]) => is(value))![1])
  }
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const inner = copyOf((value as Record<string, unknown>)[key], key, ancestors)
    if (inner !== undefined) setOwn(copy, key, inner)
  }
  return copy
}

function unboxed (value: object): unknown {
  if (types.isNumberObject(value)) return Number(value) + 0
  return types.isStringObject(value) ? String(value) : value.valueOf()
}

/** Sets an own property, whatever its name: an assignment to `__proto__` would set the prototype. */
function setOwn (object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}
