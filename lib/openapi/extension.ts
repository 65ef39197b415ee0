import { type Kind } from './events.ts'

/** What a document says of a stream beside its schemas; finished when the version of the document is known. */
export interface Remainder {
  /** The events that the route declares, in the order of `x-oai-itemSchema`, and the examples that their schemas state. */
  readonly kinds: ReadonlyArray<Kind & { readonly example?: unknown }>
  /** The name of the event that tells of a failure. */
  readonly errorEvent: string | false
  /** Whether the source takes `Last-Event-ID`. */
  readonly isResumable: boolean
  /** Whether the route may answer 406. */
  readonly isRefusable: boolean
  /** Whether errors have the body that Fastify gives them, not one of the app's own. */
  readonly hasPlainErrors: boolean
}

/**
 * The key of the {@link Remainder} in a media type object, as text: @fastify/swagger rewrites every object in a
 * response as if it were a schema, examples too.
 */
export const REMAINDER = 'x-fastify-typed-sse'
