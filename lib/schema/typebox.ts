// How TypeBox marks its schemas. Marks only: this folder imports neither of the two packages.

/** `@sinclair/typebox` 0.34 keeps the kind of a schema under a registered symbol. */
const KIND = Symbol.for('TypeBox.Kind')

/** Which TypeBox wrote a schema: `@sinclair/typebox` 0.34, `typebox` 1.x, or neither. */
export function typeboxOf (schema: object): '0.34' | '1.x' | undefined {
  if (KIND in schema) return '0.34'
  return '~kind' in schema ? '1.x' : undefined
}
