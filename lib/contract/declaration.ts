import { checkJsonTypes } from '../schema/json-types.ts'
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { isEventStream } from '../wire/media-type.ts'

/** What `EventStream` was told, in the form that everything else is made from. */
export interface Declaration {
  /** The schemas of named events; null for a stream of unnamed ones. */
  readonly events: Readonly<Record<string, SchemaObject>> | null
  /** The schema of unnamed events; null for a stream of named ones. */
  readonly payload: SchemaObject | null
  /** The data of the last message of a stream that ended well. */
  readonly sentinel: string | undefined
  /** Whether events carry ids, from which a client may resume. */
  readonly id: boolean
  /** Whether events carry `retry`. */
  readonly retry: boolean
}

// Registered symbols: a copy of this package, or the client, reads what another wrote. They are enumerable, so that a
// schema object may be spread.
const DECLARATION = Symbol.for('fastify-typed-sse.declaration')
const RAW = Symbol.for('fastify-typed-sse.raw')

/** The name that errors give to unnamed events, which is also what clients dispatch them as. */
export const UNNAMED = 'message'

/** Writes a declaration into its media type object. */
export function declare<T extends object> (mediaType: T, declaration: Declaration): T {
  return { ...mediaType, [DECLARATION]: declaration }
}

/** Marks a copy of a schema as raw text. */
export function markRaw<T extends object> (schema: T): T {
  // TypeBox keeps some of its marks in properties that a spread would lose.
  return Object.defineProperties({ [RAW]: true }, Object.getOwnPropertyDescriptors(schema)) as T
}

export function isRaw (schema: object): boolean {
  return RAW in schema
}

/**
 * The declaration in one response of a route's schema, if it has an event stream.
 *
 * @param response as Fastify takes it; one with a `content` written by hand is a stream of unnamed events
 */
export function declarationOf (response: unknown): Declaration | undefined {
  if (!isObject(response) || !isObject(response.content)) return undefined
  for (const [name, mediaType] of Object.entries(response.content)) {
    if (!isEventStream(name) || !isObject(mediaType)) continue
    if (DECLARATION in mediaType) return mediaType[DECLARATION] as Declaration
    // `EventStream` has checked its schemas already.
    const payload = mediaType.schema === true ? {} : mediaType.schema as SchemaObject
    checkJsonTypes(UNNAMED, payload)
    return { events: null, payload, sentinel: undefined, id: false, retry: false }
  }
  return undefined
}
