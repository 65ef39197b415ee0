// Plain values compared and classified as JSON Schema does. Ajv's own comparison goes wrong at properties with the names
// of methods, such as `constructor` and `valueOf`.
import { isObject } from '../schema/walk.ts'

/** Whether a plain value is of a JSON type. */
export function fitsType (type: unknown, value: unknown): boolean {
  switch (type) {
    case 'object': return isObject(value)
    case 'array': return Array.isArray(value)
    case 'null': return value === null
    case 'integer': return Number.isInteger(value)
    case 'number': return Number.isFinite(value)
    case 'string': return typeof value === 'string'
    default: return typeof value === 'boolean'
  }
}

/** Whether two plain values are the same JSON. */
export function isEqual (one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (Array.isArray(one)) return Array.isArray(other) && one.length === other.length && one.every((item, index) => isEqual(item, other[index]))
  if (!isObject(one) || !isObject(other)) return false
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every(name => Object.hasOwn(other, name) && isEqual(one[name], other[name]))
}

/** Whether no two items of an array are the same JSON. */
export function isUnique (items: readonly unknown[]): boolean {
  return items.every((item, index) => !items.slice(0, index).some(other => isEqual(item, other)))
}
