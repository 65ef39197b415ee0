// What the plugin adds to Fastify's types.
// FastifySchema by another name: @fastify/swagger augments it, and its own name then means that inside the module.
import type {
  ContextConfigDefault, FastifyBaseLogger, FastifySchema as RouteSchema, FastifyTypeProvider,
  RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerBase, RawServerDefault, RouteGenericInterface
} from 'fastify'
import type { CarriedOf, Events, NotCarried, Schemas, StaticOf } from './contract/infer.ts'
import type { RouteWithoutEventStream, Source } from './contract/source.ts'
import type { SseOptions } from './response/options.ts'
import type { ReadingOptions } from './topic/log-handle.ts'
import type { Run, RunOptions } from './topic/run.ts'
import type { Topic, TopicOptions } from './topic/topic.ts'

/** What `EventStream` returns. */
interface LogContract { readonly content: { readonly 'text/event-stream': object } }

declare module 'fastify' {
  /** Without a type provider, a handler's result is checked where its one response is a contract. */
  interface FastifyTypeProviderDefault {
    readonly serializer: this['schema'] extends { readonly '~events': unknown, readonly '~unsafe': infer Result } ? Result : unknown
  }

  // The type parameters are Fastify's own, as TypeScript demands of a merged interface; the last one is not needed.
  interface FastifyReply<
    RouteGeneric extends RouteGenericInterface = RouteGenericInterface,
    RawServer extends RawServerBase = RawServerDefault,
    RawRequest extends RawRequestDefaultExpression<RawServer> = RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer> = RawReplyDefaultExpression<RawServer>,
    ContextConfig = ContextConfigDefault,
    SchemaCompiler extends RouteSchema = RouteSchema,
    TypeProvider extends FastifyTypeProvider = FastifyTypeProviderDefault
  > {
    /**
     * Answers with a stream of server-sent events, each checked against the contract of the reply's status code
     * (200 if none was set).
     *
     * @param source what is pulled for events, or a function of `{ lastEventId, signal }` that opens it; `null` and
     *   `undefined` answer 204, after which an EventSource does not reconnect
     * @param options lie over the route's `config.sse`, which lies over the plugin's options
     * @throws SSE_ERR_OPTION, SSE_ERR_NO_CONTRACT, SSE_ERR_NOT_COMPILED, SSE_ERR_ERROR_EVENT, SSE_ERR_ALREADY_SENT, SSE_ERR_NOT_ACCEPTABLE
     */
    sse (source: RouteSource<TypeProvider, SchemaCompiler['response']>, options?: SseOptions & ReadingOptions<RouteEvents<TypeProvider, SchemaCompiler['response']>>): FastifyReply<
      RouteGeneric, RawServer, RawRequest, RawReply, ContextConfig, SchemaCompiler, TypeProvider
    >
  }

  interface FastifyContextConfig {
    /** The route's options of its streams. They lie over those of the plugin. */
    sse?: ExplainedOptions | undefined
  }

  interface FastifyInstance {
    sse: {
      /** The number of streams that are open. */
      readonly open: number
      /**
       * A topic: many publishers, many readers, no end. The same name and contract give the same topic; its options need not be repeated.
       *
       * @throws SSE_ERR_CONTRACT, SSE_ERR_OPTION, SSE_ERR_TOPIC_EXISTS for a name that has another contract or other options
       */
      topic<const C extends LogContract> (name: string, contract: C, options?: TopicOptions<C>): Topic<C>
      /**
       * A run: one producer, many readers, an end. The same name and contract give the same run; its options need not be repeated.
       *
       * @throws SSE_ERR_CONTRACT, SSE_ERR_OPTION, SSE_ERR_TOPIC_EXISTS for a name that has another contract or other options
       */
      run<const C extends LogContract> (name: string, contract: C, options?: RunOptions): Run<C, FastifyBaseLogger>
    }
  }
}

/**
 * Fastify infers the type of a route's `config` from what is given, and intersects it with ours. An option of the wrong
 * type would become `never` by that, and the compiler would say no more; with a second form it shows what is expected.
 */
type ExplainedOptions = { [Name in keyof SseOptions]: SseOptions[Name] | Expected<SseOptions[Name]> }

interface Expected<T> { readonly 'this option has to be': T }

/**
 * What `reply.sse` takes on a route. Without response schemas that includes topics and runs, which are refused at run time
 * (SSE_ERR_CONTRACT_MISMATCH): the reply of such a route has the same type as the plain `FastifyReply` of a helper, which
 * may well stream a topic for a route that declares it, and a reply that takes fewer sources could not be passed to it.
 *
 * @typeParam P the route's type provider
 * @typeParam R the route's response schemas by status code
 */
type RouteSource<P extends FastifyTypeProvider, R> =
  unknown extends R
    ? Source<unknown>
    : [Contracts<R>] extends [never]
        ? RouteWithoutEventStream
        : Source<RouteEvents<P, R>>

/** What may be yielded on a route: unknown where it declares nothing. */
type RouteEvents<P extends FastifyTypeProvider, R> =
  unknown extends R ? unknown : Contracts<R> extends infer S ? S extends unknown ? ContractEvents<P, S> : never : never

/** The schemas of all `text/event-stream` responses. */
type Contracts<R> = {
  [Code in keyof R]: R[Code] extends { readonly content: { readonly 'text/event-stream': { readonly schema: infer S } } } ? S : never
}[keyof R]

/** A schema written by hand declares unnamed events. */
type ContractEvents<P extends FastifyTypeProvider, S> =
  S extends { readonly '~events': infer M }
    ? Payloads<P, Schemas<M>> extends infer D ? Events<M, D> : never
    : Payloads<P, { '': S }> extends infer D ? Events<{ '~kind': 'one schema' }, D> : never

type Payloads<P extends FastifyTypeProvider, T> = { [Name in keyof T]: PayloadOf<P, T[Name]> }

/** By the contract itself where it carries a type, whatever the provider is; what only the provider knows comes from it. */
type PayloadOf<P extends FastifyTypeProvider, T> =
  CarriedOf<T> extends NotCarried
    ? unknown extends Provided<P, T> ? StaticOf<T> : Provided<P, T>
    : CarriedOf<T>

/** What a type provider makes of a response schema. */
type Provided<P extends FastifyTypeProvider, S> = (P & { schema: S })['serializer']
