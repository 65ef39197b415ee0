// Every error of the package, each named by its code. Browser-safe: the contract entry ships the ones that it throws.

/** What every error of this package has. */
export interface SseError<Code extends string = string> extends Error {
  readonly code: Code
  /** The HTTP status that Fastify answers with when the error fails a request before the headers. */
  readonly statusCode: number
}

/**
 * A class of errors, one for each code. `instanceof` holds across copies of this package, by the code.
 *
 * @typeParam Args what its message is made of
 * @typeParam Fields what its instances have beside `code` and `statusCode`
 */
export interface SseErrorClass<Code extends string, Args extends readonly unknown[], Fields = unknown> {
  new (...args: [...Args, options?: ErrorOptions]): SseError<Code> & Fields
  readonly prototype: SseError<Code> & Fields
}

interface ErrorTraits<Names extends readonly string[]> {
  /** 500 by default. */
  readonly statusCode?: number
  /** `Error` by default. */
  readonly base?: ErrorConstructor
  /** `FastifyError` by default. */
  readonly name?: string
  /** The names of the fields that keep the arguments, in their order. */
  readonly fields?: Names
}

/** `['event', 'pointer']` over `[string, string, string]` is `{ event: string, pointer: string }`. */
type NamedArguments<Names extends readonly string[], Args extends readonly unknown[]> = {
  readonly [Index in Extract<keyof Names, `${number}`> as Extract<Names[Index], string>]: Args[Index & keyof Args]
}

/** Marks all errors of Fastify's kind, for `instanceof FastifyError` of @fastify/error. */
const FASTIFY_ERROR = Symbol.for('fastify-error-generic')

/**
 * Makes a class of errors of the form that @fastify/error gives: that package needs `node:util`, and this file is
 * bundled for browsers.
 *
 * @param toMessage what was found, what was expected, and what to write instead
 */
function createError<const Code extends string, Args extends unknown[], const Names extends readonly string[] = []> (
  code: Code, toMessage: (...args: Args) => string, { statusCode = 500, base = Error, name = 'FastifyError', fields }: ErrorTraits<Names> = {}
): SseErrorClass<Code, Args, NamedArguments<Names, Args>> {
  const brand = Symbol.for(`fastify-error ${code}`)
  class FastifyError extends base {
    static override [Symbol.hasInstance] (value: unknown): boolean {
      try {
        return typeof value === 'object' && value !== null && brand in value
      } catch {
        // A revoked proxy, which a source may throw.
        return false
      }
    }

    readonly code = code
    readonly statusCode = statusCode

    constructor (...args: unknown[]) {
      super(toMessage(...args as Args), args[toMessage.length] as ErrorOptions | undefined)
      fields?.forEach((field, index) => { Object.assign(this, { [field]: args[index] }) })
    }

    override toString (): string {
      return `${this.name} [${code}]: ${this.message}`
    }
  }
  // On the prototype, before the first instance: the stack begins with the name that an error has when it is made.
  for (const [key, value] of [['name', name], [brand, true], [FASTIFY_ERROR, true]] as const) {
    Object.defineProperty(FastifyError.prototype, key, { value, writable: true, configurable: true })
  }
  // Loggers show the name of the class.
  Object.defineProperty(FastifyError, 'name', { value: name })
  return FastifyError as SseErrorClass<Code, Args, NamedArguments<Names, Args>>
}

/** A mistake in the code that calls. */
const MISUSE = { base: TypeError } as const
/** The reason of a signal: code that looks for `AbortError` sees an end, not a failure. */
const ABORT = { name: 'AbortError' } as const

// Declarations: thrown where the contract is written.

/** The argument of `EventStream` is neither a schema nor a map of event names to schemas. */
export const SSE_ERR_CONTRACT = /* @__PURE__ */ createError('SSE_ERR_CONTRACT', (what: string) => what, MISUSE)
/** The argument of `EventStream` can be read both as one schema and as a map of names. */
export const SSE_ERR_CONTRACT_AMBIGUOUS = /* @__PURE__ */ createError('SSE_ERR_CONTRACT_AMBIGUOUS', (keys: string) => `EventStream: an object with only the key(s) ${keys} can be one schema or a map of event names: add a 'type' to make it a schema, or rename the event`, MISUSE)
/** A sentinel that a client could take for something else. */
export const SSE_ERR_SENTINEL = /* @__PURE__ */ createError('SSE_ERR_SENTINEL', (what: string) => `The sentinel ${what}`, MISUSE)
/** A contract declares an event by the name that failures are sent under. */
export const SSE_ERR_ERROR_EVENT = /* @__PURE__ */ createError('SSE_ERR_ERROR_EVENT', (event: string) => `The contract declares the event '${event}', the name that failures are sent under: set another \`errorEvent\`, or false`, MISUSE)
/** A schema that cannot be compiled, or that JSON cannot carry. */
export const SSE_ERR_SCHEMA = /* @__PURE__ */ createError('SSE_ERR_SCHEMA', (where: string, what: string) => `The schema of ${where} cannot be used: ${what}`, MISUSE)
/** @fastify/swagger could not make the document of an app with streams; its error is the `cause`. */
export const SSE_ERR_DOCUMENT = /* @__PURE__ */ createError('SSE_ERR_DOCUMENT', (what: string) => `The OpenAPI document could not be made: ${what}. If the \`transform\` of @fastify/swagger reads schemas of one library only, write \`transform: sseTransform(transform)\``)
/** An option of the wrong name, type or range. */
export const SSE_ERR_OPTION = /* @__PURE__ */ createError('SSE_ERR_OPTION', (option: string, expected: string, found: string) => `Option \`${option}\` must be ${expected}, got ${found}`, MISUSE)
/** A topic or run of the same name was declared with another contract. */
export const SSE_ERR_TOPIC_EXISTS = /* @__PURE__ */ createError('SSE_ERR_TOPIC_EXISTS', (log: string) => `The ${log} was declared before with another contract or other options (functions are compared by identity): declare it once and share it, leave the options out where it was declared before, or give one of the two another name`, MISUSE)
/** The key of a topic, or the id of a run, that cannot name a log. */
export const SSE_ERR_KEY = /* @__PURE__ */ createError('SSE_ERR_KEY', (log: string, found: string) => `A key of the ${log} must be a string without lone surrogates, or an integer, got ${found}`, MISUSE)

// Calls: thrown by `reply.sse`, `event`, `comment`, topics and runs.

/** `reply.sse` on a route whose response schemas name no event stream for the status. */
export const SSE_ERR_NO_CONTRACT = /* @__PURE__ */ createError('SSE_ERR_NO_CONTRACT', (route: string, status: number, advice: string) => `Route '${route}' declares no event stream for status ${status}: ${advice}`, MISUSE)
/** `reply.sse` on a route that was defined before the plugin was loaded, so that its contract was never compiled. */
export const SSE_ERR_NOT_COMPILED = /* @__PURE__ */ createError('SSE_ERR_NOT_COMPILED', (route: string) => `The contract of route '${route}' was not compiled: await the registration of the plugin before defining routes`, MISUSE)
/** A handler's result that Fastify would answer with `{}`: a generator, say, where no stream is declared. */
export const SSE_ERR_NOT_STREAMED = /* @__PURE__ */ createError('SSE_ERR_NOT_STREAMED', (route: string, advice: string) => `Route '${route}' was answered with the source of a stream, for which JSON has only {}: ${advice}`, MISUSE)
/** `reply.sse` of a topic or run whose events are not those that the route declares. */
export const SSE_ERR_CONTRACT_MISMATCH = /* @__PURE__ */ createError('SSE_ERR_CONTRACT_MISMATCH', (route: string, declares: 'no' | 'other', log: string) => `Route '${route}' declares ${declares === 'no' ? 'no events' : 'other events than the ' + log}: write \`schema: { response: { 200: contract } }\` with the contract of the ${log}`, MISUSE)
/** The source of a stream is nothing that can be iterated. */
export const SSE_ERR_SOURCE = /* @__PURE__ */ createError('SSE_ERR_SOURCE', (found: string) => `The source of a stream must be an (async) iterable, a readable stream or a function that gives one, got ${found}`, MISUSE)
/** A generator that was given to a stream before. */
export const SSE_ERR_SOURCE_USED = /* @__PURE__ */ createError('SSE_ERR_SOURCE_USED', () => 'The source of a stream was given to a stream before, and a generator runs once: call the generator function for each request', MISUSE)
/** A second `reply.sse`, or one after the reply was sent. */
export const SSE_ERR_ALREADY_SENT = /* @__PURE__ */ createError('SSE_ERR_ALREADY_SENT', () => 'The reply was sent, or is a stream, already', MISUSE)
/** A run with this id exists, running or ended. */
export const SSE_ERR_RUN_EXISTS = /* @__PURE__ */ createError('SSE_ERR_RUN_EXISTS', (run: string) => `The ${run} exists: a run is written once, give the next one another id`, { statusCode: 409 })
/** A writer of a run was used after its end. */
export const SSE_ERR_RUN_ENDED = /* @__PURE__ */ createError('SSE_ERR_RUN_ENDED', (run: string) => `The ${run} has ended: nothing can be appended to it any more`, { statusCode: 409 })
/** The `snapshot` of a topic gave no events, or nothing at all. */
export const SSE_ERR_SNAPSHOT = /* @__PURE__ */ createError('SSE_ERR_SNAPSHOT', (log: string, what: string) => `The snapshot of the ${log} ${what}`)
/** No run with this id was started, or it was deleted, or its `ttl` is over. */
export const SSE_ERR_RUN_NOT_FOUND = /* @__PURE__ */ createError('SSE_ERR_RUN_NOT_FOUND', (run: string) => `The ${run} was never started, was deleted, or has expired`, { statusCode: 404 })

// Messages: a yielded or published item that never reaches the wire.

/** A yielded item is not of the form that the contract asks for. */
export const SSE_ERR_MESSAGE = /* @__PURE__ */ createError('SSE_ERR_MESSAGE', (what: string) => `The item is no event of this stream: ${what}`, MISUSE)
/** An event name with CR or LF, an empty one, or one that the contract does not declare. */
export const SSE_ERR_EVENT = /* @__PURE__ */ createError('SSE_ERR_EVENT', (what: string) => `The event name ${what}`, MISUSE)
/** An id that clients would not send back as it is. */
export const SSE_ERR_ID = /* @__PURE__ */ createError('SSE_ERR_ID', (found: string) => `An id must be a finite number, or a string of at most 1,024 bytes without control characters and without spaces at its ends, got ${found}`, MISUSE)
/** A retry that is no non-negative integer. */
export const SSE_ERR_RETRY = /* @__PURE__ */ createError('SSE_ERR_RETRY', (found: string) => `\`retry\` must be a non-negative integer of milliseconds, got ${found}`, MISUSE)
/** A payload that its schema refuses. `pointer` is the JSON pointer to the place, '' for the whole payload; never the value. */
export const SSE_ERR_PAYLOAD = /* @__PURE__ */ createError('SSE_ERR_PAYLOAD', (event: string, pointer: string, reason: string) => `The payload of event '${event}' is invalid${pointer === '' ? '' : ` at '${pointer}'`}: ${reason}`, { ...MISUSE, fields: ['event', 'pointer', 'reason'] })
/** A payload that passed its check but cannot be written as JSON. */
export const SSE_ERR_SERIALIZE = /* @__PURE__ */ createError('SSE_ERR_SERIALIZE', (event: string, reason: string) => `The payload of event '${event}' cannot be serialized: ${reason}`, { ...MISUSE, fields: ['event', 'reason'] })
/** An event that is larger than the `maxEventBytes` of the store. */
export const SSE_ERR_EVENT_SIZE = /* @__PURE__ */ createError('SSE_ERR_EVENT_SIZE', (event: string, bytes: number, limit: number) => `The payload of event '${event}' has ${bytes} bytes, more than the store's \`maxEventBytes\` of ${limit}`, { ...MISUSE, fields: ['event', 'bytes', 'limit'] })

// Failures of a source, a log or its store.

/** The first event did not come within the route's `handlerTimeout`. */
export const SSE_ERR_FIRST_EVENT_TIMEOUT = /* @__PURE__ */ createError('SSE_ERR_FIRST_EVENT_TIMEOUT', (ms: number) => `No event came within the handlerTimeout of ${ms} ms`, { statusCode: 503 })
/** The source failed with something that is no Error; it is the `cause`. */
export const SSE_ERR_SOURCE_FAILED = /* @__PURE__ */ createError('SSE_ERR_SOURCE_FAILED', (found: string) => `The source of the stream failed with ${found}`)
/** The store could not be reached or did not answer in time; its error is the `cause`. */
export const SSE_ERR_STORE = /* @__PURE__ */ createError('SSE_ERR_STORE', (what: string) => `The store failed: ${what}`, { statusCode: 503 })
/** What `inject` rejects with where a stream failed, or was cut, after its headers. */
export const SSE_ERR_BROKEN_OFF = /* @__PURE__ */ createError('SSE_ERR_BROKEN_OFF', () => "The response was destroyed before its end: its stream failed, or was cut, after the headers, which is a lost connection to a client. In tests, use `injectStream` of 'fastify-typed-sse/testing': it gives the events, then the failure")
/** A run has more events or bytes than it may. */
export const SSE_ERR_RUN_SIZE = /* @__PURE__ */ createError('SSE_ERR_RUN_SIZE', (limit: string) => `The run is over ${limit}: raise the limit, or send references instead of content`)
/** The process that produced a run died, or lost its lease. */
export const SSE_ERR_LOST = /* @__PURE__ */ createError('SSE_ERR_LOST', (run: string) => `The producer of the ${run} was lost before the run ended`)
/** Events between two ids are gone: dropped by `maxEvents` or `ttl`, or lost by the store. */
export const SSE_ERR_GAP = /* @__PURE__ */ createError('SSE_ERR_GAP', (after: string, next: string) => `The events after '${after}' and before '${next}' are gone: give \`onGap\` to go on without them`, { fields: ['after', 'next'] })

// Answers, and reasons of a signal.

/** The client's Accept header refuses `text/event-stream`. */
export const SSE_ERR_NOT_ACCEPTABLE = /* @__PURE__ */ createError('SSE_ERR_NOT_ACCEPTABLE', () => 'This route answers with text/event-stream, which the Accept header refuses', { statusCode: 406 })
/** The server is closing. */
export const SSE_ERR_SHUTDOWN = /* @__PURE__ */ createError('SSE_ERR_SHUTDOWN', () => 'The server is shutting down', { ...ABORT, statusCode: 503 })
/** The client left. */
export const SSE_ERR_CLIENT_GONE = /* @__PURE__ */ createError('SSE_ERR_CLIENT_GONE', () => 'The client closed the connection', { ...ABORT, statusCode: 499 })
/** The stream reached its `maxDuration`. */
export const SSE_ERR_MAX_DURATION = /* @__PURE__ */ createError('SSE_ERR_MAX_DURATION', () => 'The stream reached its maximum duration', ABORT)
/** The run was stopped by `stop()`, here or on another instance. */
export const SSE_ERR_STOPPED = /* @__PURE__ */ createError('SSE_ERR_STOPPED', () => 'The run was stopped', ABORT)
