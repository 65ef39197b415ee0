// Rewrites schemas by a function, wherever a schema has others within it.
import { isObject, type SchemaObject, subschemas } from './walk.ts'

/** Turns one schema into another; what lies within it is to be mapped through `inner`. */
export type Rewrite = (schema: SchemaObject, inner: (schema: SchemaObject) => SchemaObject) => SchemaObject

/**
 * Rewrites a schema and all schemas within it, but no value that only looks like one (`const`, `default`, `examples`).
 *
 * @param rewrite is called for every schema, and decides with `inner` whether its subschemas are rewritten as well
 */
export function rewriteSchema (root: SchemaObject, rewrite: Rewrite): SchemaObject {
  const known = new Set<unknown>(subschemas(root))
  const visit = (schema: SchemaObject): SchemaObject => rewrite(schema, inner)
  const value = (given: unknown): unknown => known.has(given) ? visit(given as SchemaObject) : given
  const inner = (schema: SchemaObject): SchemaObject => mapValues(schema, given => {
    if (known.has(given)) return value(given)
    if (Array.isArray(given)) return given.map(value)
    return isObject(given) ? mapValues(given, value) : given
  })
  return visit(root)
}

/** A copy of an object with each value replaced. */
export function mapValues (object: object, map: (value: unknown, key: string) => unknown): SchemaObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]))
}
