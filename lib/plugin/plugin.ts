// The plugin: wires the other files of this folder to an app.
import { type FastifyInstance, type RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { CompilerCache } from '../encode/compiler.ts'
import { ComponentNames } from '../openapi/components.ts'
import { documentRoute } from '../openapi/route.ts'
import { finishDocuments } from '../openapi/swagger.ts'
import { AppLogs } from './app-logs.ts'
import { Connections } from './connections.ts'
import { routeDocumentOf } from './document.ts'
import { streamingHandler } from './handler.ts'
import { resolvePluginOptions, type SsePluginOptions } from './options.ts'
import { sse } from './reply.ts'
import { checkPlaces, StreamRoute } from './route.ts'
import { decorate, optionsOf, responsesOf, schemaOf, setRoute, setSettings, settingsOf, sharedSchemas } from './scope.ts'
import { shieldSerializer } from './serializer.ts'
import { refuseRequests, withinHook } from './shutdown.ts'
import { decorateSignal } from './signal.ts'
import { Streams } from './streams.ts'
import { refuseUnsent } from './unsent.ts'

async function plugin (fastify: FastifyInstance, options: SsePluginOptions): Promise<void> {
  const inherited = settingsOf(fastify)
  setSettings(fastify, resolvePluginOptions(options, inherited))
  // A second registration gives its scope other settings; everything else is inherited.
  if (inherited !== undefined) return
  const streams = new Streams()
  const compilers = new CompilerCache()
  const logs = new AppLogs(fastify, compilers)
  fastify.decorate('sse', facadeGetter(streams, logs))
  decorate(fastify, streams, sse)
  decorateSignal(fastify)
  prepareRoutes(fastify, compilers, logs)
  refuseUnsent(fastify)
  closeWith(fastify, streams, logs)
}

/** Ends streams and runs as the app closes, within their grace. */
function closeWith (fastify: FastifyInstance, streams: Streams, logs: AppLogs): void {
  const connections = new Connections(fastify.server)
  let finished: Promise<void>
  fastify.addHook('preClose', () => {
    refuseRequests(fastify.server)
    finished = Promise.all([streams.close(), logs.finishRuns()]).then(() => connections.close())
    return withinHook(fastify, finished)
  })
  fastify.addHook('onClose', async () => {
    await finished
    // Requests may have started more since; by now the server has answered them all.
    await logs.finishRuns()
    await logs.close()
  })
}

/** `fastify.sse`: what is for users of the plugin, in the scope that asks. */
function facadeGetter (streams: Streams, logs: AppLogs): { getter (this: FastifyInstance): FastifyInstance['sse'] } {
  const facades = new WeakMap<FastifyInstance, FastifyInstance['sse']>()
  return {
    getter () {
      let facade = facades.get(this)
      if (facade === undefined) {
        facade = Object.freeze({
          get open () { return streams.open },
          topic: (name: string, contract: object, options?: object) => logs.topic(this, name, contract, options),
          run: (name: string, contract: object, options?: object) => logs.run(this, name, contract, options)
        }) as FastifyInstance['sse']
        facades.set(this, facade)
      }
      return facade
    }
  }
}

/** Compiles the contracts of all routes that are defined from now on, and documents them. */
function prepareRoutes (fastify: FastifyInstance, compilers: CompilerCache, logs: AppLogs): void {
  const pending: Array<() => Promise<void>> = [() => logs.ready()]
  const names = new ComponentNames()
  const scopes = new Set<FastifyInstance>()
  fastify.addHook('onRoute', function (this: FastifyInstance, options: RouteOptions) {
    checkPlaces(options.url, schemaOf(options))
    const definition = { url: options.url, responses: responsesOf(options), options: optionsOf(options) }
    const settings = settingsOf(this)!
    const route = new StreamRoute(definition, settings.streams)
    if (!route.isDeclared && !route.isUndeclared) return
    setRoute(options, route, handler => streamingHandler(route, handler))
    pending.push(() => route.compile(compilers.of(sharedSchemas(this), settings.ajv)))
    if (!route.isDeclared) return
    shieldSerializer(this, options)
    options.schema = documentRoute(options.schema!, routeDocumentOf(this, route, names, logs))
    scopes.add(this)
  })
  fastify.addHook('onReady', async () => {
    await Promise.all(pending.map(compile => compile()))
    finishDocuments(scopes)
  })
}

export const typedSse = fp(plugin, { fastify: '^5.12.0 || ^6.0.0-alpha.0', name: 'fastify-typed-sse' })
