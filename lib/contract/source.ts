// The types of what is streamed: sources, and what a handler may return. Types only.

/** The argument of a source function. */
export interface SourceContext {
  /** The `Last-Event-ID` header of a client that reconnects. */
  readonly lastEventId: string | undefined
  /** Fires when the client leaves, the server closes, or the stream ends otherwise. */
  readonly signal: AbortSignal
}

/**
 * A topic or a run, as `reply.sse` takes it.
 *
 * @typeParam E what it may carry: a route takes it if its contract declares all of that
 */
export interface LogSource<out E> {
  /** Only in types. */
  readonly '~log': E
}

/** Whatever can be pulled for events. No string, which would be streamed character by character. */
export type EventIterable<E> = AsyncIterable<E> | (Iterable<E> & object) | WebStream<E>

/** What `reply.sse` takes: an iterable, a topic or run, a function that opens one, `null` or `undefined` for a 204. */
export type Source<E> = OpenSource<E> | ((context: SourceContext) => OpenSource<E> | Promise<OpenSource<E>>)

type OpenSource<E> = EventIterable<E> | LogSource<E> | null | undefined

/** A web ReadableStream, by the part that is used: the global type depends on the user's `lib`, and may not be iterable. */
export interface WebStream<E> {
  getReader (): { read (): Promise<{ done: boolean, value?: E | undefined }> }
}

/** A FastifyReply, by what sets it apart from payloads: `return reply.sse(...)` has to compile in a handler that is no async function. */
export interface SentReply {
  readonly sent: boolean
  hijack (): unknown
  callNotFound (): void
}

/** What a handler may return where the response is a contract. */
export type HandlerResult<E> = EventIterable<E> | LogSource<E> | SentReply | null

/**
 * What `reply.sse` takes on a route whose responses are of other media types: nothing that can be made. An iterable, so
 * that such a reply can be passed on as a plain FastifyReply.
 */
export interface RouteWithoutEventStream extends AsyncIterable<never> {
  readonly 'this route declares no text/event-stream response': never
}
