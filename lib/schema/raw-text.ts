// The mark of schemas whose payload is text that is sent as it is.

// A registered symbol: the client, or another copy of this package, reads it. It is enumerable, so that a schema object
// may be spread.
const RAW = Symbol.for('fastify-typed-sse.raw')

/** Marks a copy of a schema as raw text. */
export function markRaw<T extends object> (schema: T): T {
  // TypeBox keeps some of its marks in properties that a spread would lose.
  return Object.defineProperties({ [RAW]: true }, Object.getOwnPropertyDescriptors(schema)) as T
}

export function isRaw (schema: object): boolean {
  return RAW in schema
}
