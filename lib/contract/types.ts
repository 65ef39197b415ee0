// The types of the optional peers come by imports that may fail: a user has one of the two packages, or neither. What
// then comes in their place is `any`, which `Known` turns into `unknown`. The comments have to be block comments, or
// they would be missing from the declaration files, where they matter.
/** @ts-ignore: an optional peer */
import type { Static } from 'typebox'
/** @ts-ignore: an optional peer */
import type { Kind } from '@sinclair/typebox'
/** @ts-ignore: an optional peer */
import type { Kind as KindOfRequire } from '@sinclair/typebox' with { 'resolution-mode': 'require' }
import type { FastifyTypeProvider } from 'fastify'
import type { Comment, Message } from '../wire/message.ts'

/** A JSON Schema: plain, or of TypeBox (`@sinclair/typebox` 0.34 or `typebox` 1.x). */
export type Schema = object

/** A schema whose payloads are text, written as it is instead of as JSON. Made by `RawText`. */
export type RawText<T extends Schema = TextSchema> = T & { readonly '~rawText'?: true }

/** What `RawText()` makes of no schema: a string, for either TypeBox. */
export type TextSchema = {
  readonly type: 'string'
  readonly '~kind': 'String'
  readonly static: string
  readonly params: unknown[]
}

/** What is documented and agreed beside the schemas of a stream. */
export interface EventStreamOptions {
  /** The last `data:` of a stream that ended well, such as `[DONE]`; not validated, but documented. None by default. */
  sentinel?: string | undefined
  /** The response's description in the document. */
  description?: string | undefined
  /** Whether the document says that events carry an `id`. Not by default. */
  id?: boolean | undefined
  /** Whether the document says that events may carry `retry`. Not by default. */
  retry?: boolean | undefined
}

/**
 * A response schema of `text/event-stream`, as `EventStream` makes it.
 *
 * @typeParam M the payload's schema, or the schemas by event name
 */
export interface EventStream<M = unknown> {
  readonly description: string
  readonly content: { readonly 'text/event-stream': { readonly schema: StreamSchema<M> } }
}

/** An event of a stream of named events: a plain object, or what `event(data, { event })` makes. */
export interface NamedEvent<Name extends string, Data> {
  event: Name
  data: Data
  id?: string | number | undefined
  retry?: number | undefined
  comment?: string | undefined
}

/** The union that may be yielded for a contract: `EventOf<typeof Chat>`. */
export type EventOf<C> = C extends EventStream<infer M> ? Events<M, StaticPayloads<M>> : never

/** What the function form of a source is told. */
export interface SourceContext {
  /** The `Last-Event-ID` header of a client that reconnects. */
  readonly lastEventId: string | undefined
  /** Fires when the client leaves, the server closes, or the stream ends otherwise. */
  readonly signal: AbortSignal
}

/** Whatever can be pulled for events. No string, which would be streamed character by character. */
export type EventIterable<E> = AsyncIterable<E> | (Iterable<E> & object) | WebStream<E>

/** What `reply.sse` takes: an iterable, a function that opens one, `null` or `undefined` for a 204. */
export type Source<E> = OpenSource<E> | ((context: SourceContext) => OpenSource<E> | Promise<OpenSource<E>>)

type OpenSource<E> = EventIterable<E> | null | undefined

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
export type HandlerResult<E> = EventIterable<E> | SentReply | null

/**
 * What `reply.sse` takes on a route whose responses are of other media types: nothing that can be made. An iterable, so
 * that such a reply can be passed on as a plain FastifyReply.
 */
export interface RouteWithoutEventStream extends AsyncIterable<never> {
  readonly 'this route declares no text/event-stream response': never
}

/**
 * What `reply.sse` takes on a route.
 *
 * @typeParam P the route's type provider
 * @typeParam R the route's response schemas by status code
 */
export type RouteSource<P extends FastifyTypeProvider, R> =
  unknown extends R
    ? Source<unknown>
    : [Contracts<R>] extends [never]
        ? RouteWithoutEventStream
        : Source<Contracts<R> extends infer C ? C extends unknown ? ContractEvents<P, C> : never : never>

/** The schemas of all `text/event-stream` responses. */
type Contracts<R> = {
  [Code in keyof R]: R[Code] extends { readonly content: { readonly 'text/event-stream': { readonly schema: infer S } } } ? S : never
}[keyof R]

type ContractEvents<P extends FastifyTypeProvider, S> =
  S extends StreamSchema<infer M> ? ProvidedEvents<P, M, unknown extends Provided<P, S> ? false : true> : ProvidedEvents<P, S, false>

/** Where the provider resolves nothing at all, nothing is checked: not the names either. */
type ProvidedEvents<P extends FastifyTypeProvider, M, IsResolved extends boolean> =
  ProvidedPayloads<P, M> extends infer D
    ? IsResolved extends true
      ? Events<M, D>
      : unknown extends D[keyof D] ? unknown : Events<M, D>
    : never

/** A schema type which each type provider takes for one of its own whose value is what a handler may return. */
export type StreamSchema<M> = StreamMembers<M, HandlerResult<Events<M, StaticPayloads<M>>>>

/** `static` is read by `@sinclair/typebox`, `~unsafe` by `typebox` from 1.2 on, `~kind` and `~hint` by 1.1. */
type StreamMembers<M, Result> = { [K in SymbolsOf<Schemas<M>[keyof Schemas<M>]>]: string } & {
  readonly '~events': M
  readonly static: Result
  readonly params: unknown[]
  readonly '~kind': 'Unsafe'
  readonly '~hint': Result
  readonly '~unsafe': Result
}

/** `@sinclair/typebox` knows its schemas by a unique symbol, of which there may be several: the user's own schemas carry theirs. */
type SymbolsOf<T> = T extends TextSchema ? Extract<Known<typeof Kind | typeof KindOfRequire>, symbol> : T extends unknown ? keyof T & symbol : never

/** Payload types by event name; the payload of unnamed events is under `''`. */
type StaticPayloads<M> = { [Name in keyof Schemas<M>]: StaticOf<Schemas<M>[Name]> }

type ProvidedPayloads<P extends FastifyTypeProvider, M> = { [Name in keyof Schemas<M>]: ProvidedOf<P, Schemas<M>[Name]> }

type Schemas<M> = IsMap<M> extends true ? M : { '': M }

/** Looked up in an object, so that the compiler's messages and the editor show the union instead of this type's name. */
type Events<M, D> = {
  yielded: Comment | (IsMap<M> extends true
    ? { [Name in keyof D & string]: NamedEvent<Name, D[Name]> }[keyof D & string]
    : D[keyof D] | Message<D[keyof D], undefined>)
}['yielded']

type StaticOf<T> =
  T extends TextSchema
    ? string
    : T extends { static: unknown, params: unknown[] } ? (T & { params: [] })['static'] : T extends object ? Known<Static<T>> : unknown

type ProvidedOf<P extends FastifyTypeProvider, T> = T extends TextSchema ? string : Provided<P, T>

/** What a type provider makes of a response schema. */
type Provided<P extends FastifyTypeProvider, S> = (P & { schema: S })['serializer']

type Known<T> = 0 extends 1 & T ? unknown : T

/** A schema has a mark of TypeBox, or a keyword whose value is no object; a map of names has schemas only. */
type IsMap<M> =
  M extends { static: unknown, params: unknown[] } | { '~kind': string } | { '~unsafe': unknown }
    ? false
    : [keyof M] extends [never]
        ? false
        : [M[keyof M]] extends [object]
            ? [Extract<M[keyof M], readonly unknown[]>] extends [never] ? true : false
            : false

/** The type of `EventStream`. */
export interface EventStreamFunction {
  /**
   * Declares a response of `text/event-stream`.
   *
   * @param schemas the payload's schema, for unnamed events, or the schemas by event name
   */
  <const M extends Schema>(schemas: M, options?: EventStreamOptions): EventStream<M>
}

/** The type of `RawText`. */
export interface RawTextFunction {
  (): RawText
  <const T extends Schema>(schema: T): RawText<T>
}

/** The fields of an event without a name. */
export interface UnnamedFields {
  event?: undefined
  id?: string | number | undefined
  retry?: number | undefined
  comment?: string | undefined
}

/** The fields of an event with a name. */
export interface NamedFields<Name extends string> extends Omit<UnnamedFields, 'event'> {
  event: Name
}

/**
 * The type of `event`. Two signatures, so that a name is only ever taken from the fields, never guessed from what is
 * expected; `const`, so that literals last where nothing is expected yet (in a handler without parameters).
 */
export interface EventFunction {
  <const Data>(data: Data, fields?: UnnamedFields): Message<Writable<Data>, undefined>
  <const Data, const Name extends string>(data: Data, fields: NamedFields<Name>): Message<Writable<Data>, Name>
}

/** Takes back the `readonly` that `const` brings: the arrays of a schema's type are writable ones. */
type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T

/** The type of `comment`. */
export type CommentFunction = (text: string) => Comment
