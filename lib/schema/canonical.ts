// Schemas as text, to tell whether two contracts are the same.
import { isObject, type SchemaObject } from './walk.ts'

/**
 * A schema as text: equal for schemas that say the same in the same words, whatever the order of their keywords. Schemas
 * of the app that it refers to are in the text, so that the same words in another scope are another text.
 *
 * @param shared the app's schemas by `$id`
 */
export function canonicalText (schema: SchemaObject, shared: Readonly<Record<string, unknown>>): string {
  const referred = new Map<string, unknown>()
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (!isObject(value)) return value
    const id = typeof value.$ref === 'string' ? value.$ref.split('#')[0]! : ''
    if (Object.hasOwn(shared, id) && !referred.has(id)) {
      // Before the visit: shared schemas may refer to each other.
      referred.set(id, null)
      referred.set(id, visit(shared[id]))
    }
    return Object.fromEntries(Object.keys(value).sort().map(key => [key, visit(value[key])]))
  }
  const own = visit(schema)
  return JSON.stringify(referred.size === 0 ? own : [own, ...referred])
}
