// The declaration that `EventStream` leaves in a response schema: what the encoder, the document and the client read.
import { SSE_ERR_EVENT, SSE_ERR_SCHEMA } from '../errors.ts'
import { checkJsonTypes } from '../schema/json-types.ts'
import { isStandardSchema, toJsonSchema } from '../schema/standard-schema.ts'
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { isReservedName } from '../wire/event-names.ts'
import { isEventStream } from '../wire/media-type.ts'

/** What `EventStream` was given. */
export interface Declaration {
  /** Payload schemas by event name, in the order they were declared. Unnamed events are one entry, under {@link UNNAMED}. */
  readonly events: ReadonlyMap<string, SchemaObject>
  /** The data of the last message of a stream that ended well. */
  readonly sentinel: string | undefined
  /** Whether events carry ids, from which a client may resume. */
  readonly id: boolean
  /** Whether events carry `retry`. */
  readonly retry: boolean
}

// A registered symbol: the client, or another copy of this package, reads what this one wrote. The number is the version
// of the form. It is enumerable, so that a schema object may be spread.
const DECLARATION = Symbol.for('fastify-typed-sse.declaration.2')

/** The key of unnamed events in {@link Declaration.events}: no named event can have it, because clients read an empty name as none. */
export const UNNAMED = ''

/** What errors and documents call an event: clients dispatch unnamed ones as `message`. */
export function eventTitle (name: string): string {
  return name === UNNAMED ? 'message' : name
}

/**
 * Refuses a name of the library: clients would take the event for one of the library's own.
 *
 * @throws SSE_ERR_EVENT
 */
export function refuseReserved (name: string): void {
  if (isReservedName(name)) throw new SSE_ERR_EVENT(`'${name}' begins with '$', which is reserved for events of the library`)
}

/** Writes a declaration into its media type object. */
export function declare<T extends object> (mediaType: T, declaration: Declaration): T {
  return { ...mediaType, [DECLARATION]: declaration }
}

/**
 * The JSON Schema of a payload, as everything but the types reads it.
 *
 * @param name the event's; {@link UNNAMED} for unnamed ones
 * @throws SSE_ERR_SCHEMA for what JSON cannot carry
 */
export function payloadSchema (name: string, schema: unknown): SchemaObject {
  const title = eventTitle(name)
  const jsonSchema = isStandardSchema(schema) ? toJsonSchema(title, schema) : schema as SchemaObject
  checkJsonTypes(title, jsonSchema)
  return jsonSchema
}

/** Whether a value is what `EventStream` returns. */
export function isContract (value: unknown): boolean {
  return isObject(value) && isObject(value.content) && Object.values(value.content).some(mediaType => isObject(mediaType) && DECLARATION in mediaType)
}

/**
 * The declaration in one response of a route's schema, if it has an event stream.
 *
 * @param response as Fastify takes it; one with a `content` written by hand is a stream of unnamed events
 * @throws SSE_ERR_SCHEMA for a `content` written by hand whose schema cannot be a payload's
 */
export function declarationOf (response: unknown): Declaration | undefined {
  if (!isObject(response) || !isObject(response.content)) return undefined
  for (const [name, mediaType] of Object.entries(response.content)) {
    if (!isEventStream(name) || !isObject(mediaType)) continue
    if (DECLARATION in mediaType) return mediaType[DECLARATION] as Declaration
    if (isContract(mediaType) || isContract(mediaType.schema)) {
      throw new SSE_ERR_SCHEMA(`'${name}'`, 'what EventStream returns is a response with its content: write it as the response, `200: EventStream(schema)`')
    }
    // `EventStream` has checked its schemas already.
    const payload = payloadSchema(UNNAMED, mediaType.schema === true ? {} : mediaType.schema)
    return { events: new Map([[UNNAMED, payload]]), sentinel: undefined, id: false, retry: false }
  }
  return undefined
}
