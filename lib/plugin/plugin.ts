import { type FastifyInstance, type FastifyReply, type RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { Compilers } from '../encode/compiler.ts'
import { Names } from '../openapi/components.ts'
import { type ResolvedOptions, resolvePluginOptions, type SsePluginOptions } from '../response/options.ts'
import { Connections } from './connections.ts'
import { kDefaults, kRoute, kSession, sse, streamingHandler } from './reply.ts'
import { StreamRoute } from './route.ts'
import { decorateSignal } from './signal.ts'
import { Streams } from './streams.ts'
import { documentRoute, finishDocuments } from '../openapi/swagger.ts'

type Scope = FastifyInstance & { [kDefaults]?: ResolvedOptions }

async function plugin (fastify: FastifyInstance, options: SsePluginOptions): Promise<void> {
  const scope = fastify as Scope
  const isSecond = scope[kDefaults] !== undefined
  // A second registration gives its scope other defaults; all else is inherited.
  scope[kDefaults] = resolvePluginOptions(options, scope[kDefaults])
  if (isSecond) return

  const streams = new Streams()
  const pending: Array<() => Promise<void>> = []
  const compilers = new Compilers()
  const names = new Names()
  const scopes = new Set<FastifyInstance>()
  fastify.decorate('sse', streams as never)
  fastify.decorateReply(kSession, null)
  fastify.decorateReply('sse', sse as FastifyReply['sse'])
  decorateSignal(fastify)

  fastify.addHook('onRoute', function (this: FastifyInstance, options: RouteOptions) {
    const route = new StreamRoute(options, (this as Scope)[kDefaults]!)
    if (!route.isDeclared && !route.isUndeclared) return
    options.config = { ...options.config, [kRoute]: route } as NonNullable<RouteOptions['config']>
    options.handler = streamingHandler(route, options.handler as never) as never
    pending.push(() => route.compile(compilers.of(this.getSchemas() as Record<string, unknown>, route.options.ajv)))
    if (!route.isDeclared) return
    options.schema = documentRoute(this, options, route, names)!
    scopes.add(this)
  })
  fastify.addHook('onReady', async () => {
    await Promise.all(pending.map(compile => compile()))
    finishDocuments(scopes)
  })
  const connections = new Connections(fastify.server)
  fastify.addHook('preClose', async () => {
    await streams.close()
    connections.closeUnused()
  })
}

export const typedSse = fp(plugin, { fastify: '5.x', name: 'fastify-typed-sse' })
