// FastifySchema by another name: @fastify/swagger augments it, and its own name then means that inside the module.
import type {
  ContextConfigDefault, FastifySchema as RouteSchema, FastifyTypeProvider, FastifyTypeProviderDefault,
  RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerBase, RawServerDefault, RouteGenericInterface
} from 'fastify'
import type { RouteSource } from './contract/types.ts'
import type { SseOptions } from './response/options.ts'

declare module 'fastify' {
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
    sse (source: RouteSource<TypeProvider, SchemaCompiler['response']>, options?: SseOptions): FastifyReply<
      RouteGeneric, RawServer, RawRequest, RawReply, ContextConfig, SchemaCompiler, TypeProvider
    >
  }

  interface FastifyContextConfig {
    /** The route's options of its streams. They lie over those of the plugin. */
    sse?: SseOptions | undefined
  }

  interface FastifyInstance {
    sse: {
      /** The number of streams that are open. */
      readonly open: number
    }
  }
}
