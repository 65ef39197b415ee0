// The types that a contract carries: what may be yielded for it, and the schema type by which Fastify's type providers
// find out what a handler may return. Types only.

// The types of optional peers come by imports that may fail: a user has some of these packages, or none. What comes in
// their place is `any`, which `Known` turns into `unknown`. The comments have to be block comments, or they would be
// missing from the declaration files, where they matter.
/** @ts-ignore: an optional peer */
import type { Static } from 'typebox'
/** @ts-ignore: an optional peer */
import type { Kind } from '@sinclair/typebox'
/** @ts-ignore: an optional peer */
import type { Kind as KindOfRequire } from '@sinclair/typebox' with { 'resolution-mode': 'require' }
/** @ts-ignore: of a type provider that may not be there */
import type { FromSchema, JSONSchema } from 'json-schema-to-ts'
/** @ts-ignore: of a type provider that may not be there */
import type { $ZodTypeInternals } from 'zod/v4/core'
import type { Checkpoint, Comment, Message, PlainMessage } from '../wire/message.ts'
import type { HandlerResult } from './source.ts'

/** A payload schema: TypeBox (`@sinclair/typebox` 0.34 or `typebox` 1.x), a Standard Schema, or plain JSON Schema. */
export type Schema = object

/** What `RawText()` makes of no schema: a string, for either TypeBox. */
export type TextSchema = {
  readonly type: 'string'
  readonly '~kind': 'String'
  readonly static: string
  readonly params: unknown[]
}

/** A schema whose payloads are text, written as it is instead of as JSON. Made by `RawText`. */
export type RawText<T extends Schema = TextSchema> = T & { readonly '~rawText'?: true }

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

/** An event of a topic or run, as a plain object. */
export interface PublishedEvent<Name extends string, Data> {
  event: Name
  data: Data
  id?: AssignedByTheLog | undefined
  retry?: undefined
  comment?: undefined
}

/** In place of the type of an `id`, for the compiler's message: nothing that can be made. A string, so that what may be published may be yielded too. */
export type AssignedByTheLog = string & { readonly 'the log assigns the ids: leave it out': never }

/** The union that may be yielded for a contract: `EventOf<typeof Chat>`. */
export type EventOf<C> = C extends EventStream<infer M> ? Events<M, StaticPayloads<M>> : never

/** The events of a contract, without comments and checkpoints. */
export type PayloadEventOf<C> = Exclude<EventOf<C>, Comment | Checkpoint>

/** The union that may be published for a contract: its events, without comments, checkpoints and fields of their own. */
export type PublishedOf<C> = C extends EventStream<infer M> ? PublishedEvents<M, StaticPayloads<M>> : never

/** A schema type that each type provider takes for one of its own, whose value is what a handler may return. */
export type StreamSchema<M> = StreamMembers<M, HandlerResult<Events<M, StaticPayloads<M>>>>

/**
 * One member for each reader: `static` for `@sinclair/typebox`, which also looks for the symbol `Kind`; `~unsafe` for
 * `typebox` from 1.2 on, `~kind` and `~hint` for 1.1; `_zod` for zod's provider, `const` for json-schema-to-ts.
 */
type StreamMembers<M, Result> = { [K in KindSymbol | SymbolsOf<Schemas<M>[keyof Schemas<M>]>]: string } & {
  readonly '~events': M
  readonly static: Result
  readonly params: unknown[]
  readonly '~kind': 'Unsafe'
  readonly '~hint': Result
  readonly '~unsafe': Result
  readonly '~standard': never
  readonly _zod: $ZodTypeInternals<Result, Result>
  readonly const: Result
}

/** A unique symbol of the package's ESM types, and another of its CommonJS types: schemas carry one, a provider may ask for the other. */
type KindSymbol = Extract<Known<typeof Kind | typeof KindOfRequire>, symbol>

/** Of the user's own schemas, which may come from another copy of the package. */
type SymbolsOf<T> = T extends unknown ? keyof T & symbol : never

/** Payload types by event name; the payload of unnamed events is under `''`. */
type StaticPayloads<M> = { [Name in keyof Schemas<M>]: StaticOf<Schemas<M>[Name]> }

/** The schemas by event name; the schema of unnamed events is under `''`. */
export type Schemas<M> = IsMap<M> extends true ? M : { '': M }

/**
 * What may be yielded. Looked up in an object, so that the compiler's messages and the editor show the union instead of
 * this type's name.
 *
 * @typeParam D payload types by event name
 */
export type Events<M, D> = {
  yielded: Comment | Checkpoint | (IsMap<M> extends true
    ? { [Name in keyof D & string]: NamedEvent<Name, D[Name]> }[keyof D & string]
    : D[keyof D] | Message<D[keyof D], undefined>)
}['yielded']

/** What may be published, looked up like {@link Events}. */
type PublishedEvents<M, D> = {
  published: IsMap<M> extends true
    ? { [Name in keyof D & string]: PublishedEvent<Name, D[Name]> }[keyof D & string]
    : D[keyof D] | PlainMessage<D[keyof D], undefined>
}['published']

/** What the type of a payload schema says of its values. Of a Standard Schema it is the input: nothing is transformed. */
export type StaticOf<T> = CarriedOf<T> extends NotCarried ? PlainOf<T> : CarriedOf<T>

/** What a schema's type carries itself: TypeBox's and Standard Schema's. */
export type CarriedOf<T> =
  T extends TextSchema
    ? string
    : T extends { static: unknown, params: unknown[] }
      ? (T & { params: [] })['static']
      : T extends { readonly '~kind': string }
        ? Known<Static<T>>
        : T extends { readonly '~standard': { readonly types?: infer Types } }
          ? NonNullable<Types> extends { readonly input: infer Input } ? Input : unknown
          : NotCarried

/** Of a schema that is plain JSON Schema, which only a type provider, or a package that infers, can type. */
export interface NotCarried { readonly 'the type of a plain JSON Schema': never }

/** The type of a plain JSON Schema by a package that happens to be there. */
type PlainOf<T> = T extends object ? unknown extends Known<Static<T>> ? FromJsonSchema<T> : Known<Static<T>> : unknown

/** json-schema-to-ts makes `never` of what it does not know, such as a reference to another schema. */
type FromJsonSchema<T> = T extends JSONSchema ? [FromSchema<T>] extends [never] ? unknown : Known<FromSchema<T>> : unknown

/** The error type of an import that failed, like `any`, has every symbol as a key. */
type Known<T> = [T] extends [never] ? T : symbol extends keyof T ? unknown : T

/** A schema has a mark of TypeBox or Standard Schema, or a keyword whose value is no object; a map of names has schemas only. */
type IsMap<M> =
  M extends { static: unknown, params: unknown[] } | { '~kind': string } | { '~unsafe': unknown } | { '~standard': unknown }
    ? false
    : [keyof M] extends [never]
        ? false
        : [M[keyof M]] extends [object]
            ? [Extract<M[keyof M], readonly unknown[]>] extends [never] ? true : false
            : false
