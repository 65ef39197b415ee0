// What `onRoute` knows of a stream and the schemas do not say, until the finished document is made of it.
import { type EventKind } from './events.ts'

/** The facts of a stream that the document needs beside its schemas; used once the document's version is known. */
export interface StreamExtension {
  /** The declared events in the order of `x-oai-itemSchema`, with the examples that their schemas state. */
  readonly kinds: ReadonlyArray<EventKind & { readonly example?: unknown }>
  /** The name of the event that reports a failure. */
  readonly errorEvent: string | false
  /** Whether the stream resumes after a `Last-Event-ID`. */
  readonly isResumable: boolean
  /** Whether the route answers 406 to a client that does not accept streams. */
  readonly isRefusable: boolean
  /** Whether a topic or run of the app has this contract: readers get `$ready`, `$gap` and ids. */
  readonly isLogged: boolean
  /** Whether a run of the app has this contract: an unknown one is a 404. */
  readonly hasRun: boolean
}

/**
 * The key of the {@link StreamExtension} in a media type object. Its value is JSON text, because @fastify/swagger
 * rewrites every object in a response as if it were a schema, examples included.
 */
export const EXTENSION_KEY = 'x-fastify-typed-sse'

/**
 * The key under which @fastify/swagger finds schemas with an `$id`: it collects them from keywords of JSON Schema only,
 * never from `content`, and drops the key itself from a response with `content`.
 */
export const COLLECTED = 'properties'
