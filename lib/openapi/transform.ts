// A `transform` of @fastify/swagger, such as that of fastify-type-provider-zod, reads all schemas of a route as those of
// its own library. It must not see the streams, which are documented as JSON Schema already.
import { SSE_ERR_OPTION } from '../errors.ts'
import { mapValues } from '../schema/rewrite.ts'
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { COLLECTED, EXTENSION_KEY } from './extension.ts'

/**
 * Keeps the event streams of a route out of a `transform` of @fastify/swagger that knows schemas of one library only:
 * `transform: sseTransform(jsonSchemaTransform)`. Everything else is transformed as before.
 *
 * @param transform as @fastify/swagger takes it
 * @returns a `transform` for @fastify/swagger
 * @throws SSE_ERR_OPTION
 */
export function sseTransform<Document, Result> (transform: (document: Document) => Result): (document: Document) => Result {
  if (typeof transform !== 'function') throw new SSE_ERR_OPTION('transform', 'a function, as @fastify/swagger takes it', typeof transform)
  return document => {
    const { schema } = document as { schema?: { response?: unknown } | undefined }
    if (!isObject(schema?.response) || Object.values(schema.response).every(response => streamsOf(response) === undefined)) return transform(document)
    const { response } = schema
    const others = Object.entries(response).map(([status, given]) => [status, withoutStreams(given)]).filter(([, other]) => other !== undefined)
    const result = transform({ ...document, schema: { ...schema, response: Object.fromEntries(others) } })
    const transformed = (result as { schema?: SchemaObject }).schema ?? {}
    return { ...result, schema: { ...transformed, response: withStreams(response, transformed.response as SchemaObject | undefined ?? {}) } }
  }
}

/** The documented streams among the media types of a response. */
function streamsOf (response: unknown): SchemaObject | undefined {
  const streams = mediaTypesOf(response).filter(([, mediaType]) => isObject(mediaType) && EXTENSION_KEY in mediaType)
  return streams.length === 0 ? undefined : Object.fromEntries(streams)
}

function mediaTypesOf (response: unknown): Array<[string, unknown]> {
  return isObject(response) && isObject(response.content) ? Object.entries(response.content) : []
}

/** What else a response has; undefined if it has nothing but streams. */
function withoutStreams (response: unknown): unknown {
  const streams = streamsOf(response)
  if (streams === undefined) return response
  const others = mediaTypesOf(response).filter(([name]) => !Object.hasOwn(streams, name))
  if (others.length === 0) return undefined
  const { [COLLECTED]: collected, ...rest } = response as SchemaObject
  return { ...rest, content: Object.fromEntries(others) }
}

/** The transformed responses with the streams of the given ones put back. */
function withStreams (given: SchemaObject, transformed: SchemaObject): SchemaObject {
  const back = mapValues(given, (response, status) => {
    const streams = streamsOf(response)
    if (streams === undefined) return transformed[status]
    const other = (transformed[status] ?? {}) as { content?: object }
    return { ...response as object, ...other, content: { ...other.content, ...streams } }
  })
  return { ...transformed, ...back }
}
