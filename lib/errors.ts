import createError, { type FastifyError } from '@fastify/error'

// Declarations: thrown where the contract is written.

/** The argument of `EventStream` is neither a schema nor a map of event names to schemas. */
export const SSE_ERR_CONTRACT = createError<[string]>('SSE_ERR_CONTRACT', 'EventStream: %s', 500, TypeError)
/** The argument of `EventStream` can be read both as one schema and as a map of names. */
export const SSE_ERR_CONTRACT_AMBIGUOUS = createError<[string]>('SSE_ERR_CONTRACT_AMBIGUOUS', 'EventStream: an object with only the key(s) %s can be one schema or a map of event names', 500, TypeError)
/** A sentinel that a client could take for something else. */
export const SSE_ERR_SENTINEL = createError<[string]>('SSE_ERR_SENTINEL', 'The sentinel %s', 500, TypeError)
/** A contract declares an event by the name that failures are sent under. */
export const SSE_ERR_ERROR_EVENT = createError<[string]>('SSE_ERR_ERROR_EVENT', "The contract declares the event '%s', the name that failures are sent under: set another `errorEvent`, or false", 500, TypeError)
/** A schema that cannot be compiled, or that JSON cannot carry. */
export const SSE_ERR_SCHEMA = createError<[string, string]>('SSE_ERR_SCHEMA', 'The schema of %s cannot be used: %s', 500, TypeError)
/** An option of the wrong name, type or range. */
export const SSE_ERR_OPTION = createError<[string, string, string]>('SSE_ERR_OPTION', 'Option `%s` must be %s, got %s', 500, TypeError)

// Calls: thrown by `reply.sse`, `event` and `comment`.

/** `reply.sse` on a route whose response schemas name no event stream for the status. */
export const SSE_ERR_NO_CONTRACT = createError<[string, number]>('SSE_ERR_NO_CONTRACT', "Route '%s' declares no event stream for status %d", 500, TypeError)
/** `reply.sse` on a route that was defined before the plugin was loaded, so that its contract was never compiled. */
export const SSE_ERR_NOT_COMPILED = createError<[string]>('SSE_ERR_NOT_COMPILED', "The contract of route '%s' was not compiled: await the registration of the plugin before defining routes", 500, TypeError)
/** The source of a stream is nothing that can be iterated. */
export const SSE_ERR_SOURCE = createError<[string]>('SSE_ERR_SOURCE', 'The source of a stream must be an (async) iterable, a readable stream or a function that gives one, got %s', 500, TypeError)
/** A second `reply.sse`, or one after the reply was sent. */
export const SSE_ERR_ALREADY_SENT = createError('SSE_ERR_ALREADY_SENT', 'The reply was sent, or is a stream, already', 500, TypeError)

// Messages: a yielded item that never reaches the wire.

/** A yielded item is not of the form that the contract asks for. */
export const SSE_ERR_MESSAGE = createError<[string]>('SSE_ERR_MESSAGE', 'The yielded item is no message of this stream: %s', 500, TypeError)
/** An event name with CR or LF, an empty one, or one that the contract does not declare. */
export const SSE_ERR_EVENT = createError<[string]>('SSE_ERR_EVENT', 'The event name %s', 500, TypeError)
/** An id with CR, LF or NUL, or one that is neither a string nor a finite number. */
export const SSE_ERR_ID = createError<[string]>('SSE_ERR_ID', 'An id must be a string without CR, LF and NUL, or a finite number, got %s', 500, TypeError)
/** A retry that is no non-negative integer. */
export const SSE_ERR_RETRY = createError<[string]>('SSE_ERR_RETRY', '`retry` must be a non-negative integer of milliseconds, got %s', 500, TypeError)
/** A payload that its schema refuses. */
export const SSE_ERR_PAYLOAD = createError<[string, string, string]>('SSE_ERR_PAYLOAD', "The payload of event '%s' is invalid at '%s': %s", 500, TypeError)
/** A payload that passed its check but cannot be written as JSON. */
export const SSE_ERR_SERIALIZE = createError<[string, string]>('SSE_ERR_SERIALIZE', "The payload of event '%s' cannot be serialized: %s", 500, TypeError)

// Answers, and reasons of a stream's signal.

/** An error that is the reason of a signal. It is named as platforms name theirs, so that `error.name === 'AbortError'` tells an abort from a failure. */
function createReason<C extends string> (code: C, message: string, statusCode: number): new () => FastifyError & { code: C, name: 'AbortError' } {
  return class extends createError(code, message, statusCode) {
    override readonly name = 'AbortError'
  }
}

/** The client's Accept header refuses `text/event-stream`. */
export const SSE_ERR_NOT_ACCEPTABLE = createError('SSE_ERR_NOT_ACCEPTABLE', 'This route answers with text/event-stream, which the Accept header refuses', 406)
/** The server is closing. */
export const SSE_ERR_SHUTDOWN = createReason('SSE_ERR_SHUTDOWN', 'The server is shutting down', 503)
/** The client left. */
export const SSE_ERR_CLIENT_GONE = createReason('SSE_ERR_CLIENT_GONE', 'The client closed the connection', 499)
/** The stream reached its `maxDuration`. */
export const SSE_ERR_MAX_DURATION = createReason('SSE_ERR_MAX_DURATION', 'The stream reached its maximum duration', 500)
/** The first event did not come within the route's `handlerTimeout`. */
export const SSE_ERR_FIRST_EVENT_TIMEOUT = createError<[number]>('SSE_ERR_FIRST_EVENT_TIMEOUT', 'No event came within the handlerTimeout of %d ms', 503)
/** The source failed with something that is no Error; it is the `cause`. */
export const SSE_ERR_SOURCE_FAILED = createError<[string]>('SSE_ERR_SOURCE_FAILED', 'The source of the stream failed with %s', 500)
