import type {
  ContextConfigDefault, FastifyReplyType, FastifySchema, FastifyTypeProvider, RawReplyDefaultExpression, RawRequestDefaultExpression,
  RawServerBase, RouteGenericInterface
} from 'fastify'
import type { RouteSource } from './contract/types.ts'
import type { SseOptions } from './options.ts'

declare module 'fastify' {
  interface FastifyReply<
    RouteGeneric extends RouteGenericInterface,
    RawServer extends RawServerBase,
    RawRequest extends RawRequestDefaultExpression<RawServer>,
    RawReply extends RawReplyDefaultExpression<RawServer>,
    ContextConfig,
    SchemaCompiler extends FastifySchema,
    TypeProvider extends FastifyTypeProvider,
    ReplyType extends FastifyReplyType
  > {
    sse (source: RouteSource<TypeProvider, SchemaCompiler['response']>, options?: SseOptions): FastifyReply<
      RouteGeneric, RawServer, RawRequest, RawReply, ContextConfig, SchemaCompiler, TypeProvider
    >
  }

  interface FastifyContextConfig {
    sse?: SseOptions | undefined
  }

  interface FastifyInstance {
    sse: { readonly open: number }
  }
}
