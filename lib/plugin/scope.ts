// What the plugin keeps on Fastify's own objects (instances, routes, requests, replies), and every cast of Fastify's
// types that this takes. The other files of this folder read and write it through the functions below.
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type RouteOptions } from 'fastify'
import { type RawResponse } from '../response/outlet.ts'
import { type SseOptions } from '../response/options.ts'
import { type PluginSettings } from './options.ts'
import { type StreamRoute } from './route.ts'
import { type Streams } from './streams.ts'

const kSettings = Symbol('sse.settings')
const kStreams = Symbol('sse.streams')
const kRoute = Symbol('sse.route')
const kSession = Symbol('sse.session')
const kController = Symbol('sse.controller')
const kResponse = Symbol('sse.response')

type Scope = FastifyInstance & { [kSettings]?: PluginSettings, [kStreams]: Streams }
type RouteConfig = { [kRoute]?: StreamRoute, sse?: SseOptions }
type Reply = FastifyReply & { [kSession]: ReplySession | null }
type Request = FastifyRequest & { [kController]: AbortController | null, [kResponse]: RawResponse | null }

/** What a handler's wrapper needs of the stream that its reply has become. */
export interface ReplySession {
  /** Resolves when the response is closed. */
  readonly closed: Promise<void>
  /** Takes an error of the handler that `reply.send` can no longer answer. */
  fail (error: unknown): void
}

/** A route handler, whatever Fastify's type parameters are. */
export type Handler = (this: unknown, request: FastifyRequest, reply: FastifyReply) => unknown

/** The plugin's settings in a scope, inherited from the scopes around it; undefined where the plugin is not registered. */
export function settingsOf (scope: FastifyInstance): PluginSettings | undefined {
  return (scope as Scope)[kSettings]
}

export function setSettings (scope: FastifyInstance, settings: PluginSettings): void {
  (scope as Scope)[kSettings] = settings
}

export function streamsOf (scope: FastifyInstance): Streams {
  return (scope as Scope)[kStreams]
}

/** Adds the places that the other functions of this file use. Fastify wants them declared, so that objects keep one shape. */
export function decorate (scope: FastifyInstance, streams: Streams, sse: (this: FastifyReply, source: unknown, options?: SseOptions) => FastifyReply): void {
  (scope as Scope)[kStreams] = streams
  scope.decorateReply(kSession, null)
  scope.decorateReply('sse', sse as FastifyReply['sse'])
  scope.decorateRequest(kController, null)
  scope.decorateRequest(kResponse, null)
}

/** The app's schemas by `$id`. */
export function sharedSchemas (scope: FastifyInstance): Record<string, unknown> {
  return scope.getSchemas() as Record<string, unknown>
}

export function schemaOf (route: Pick<RouteOptions, 'schema'>): Record<string, unknown> | undefined {
  return route.schema as Record<string, unknown> | undefined
}

/** The response schemas of a route by status code. */
export function responsesOf (route: Pick<RouteOptions, 'schema'>): Record<string, unknown> | undefined {
  return route.schema?.response as Record<string, unknown> | undefined
}

/** The options that the user gave a route for its streams. */
export function optionsOf (route: Pick<RouteOptions, 'config'>): SseOptions | undefined {
  return (route.config as RouteConfig | undefined)?.sse
}

/** The streams of a request's route; undefined where the route can have none, or was defined before the plugin was loaded. */
export function routeOf (request: FastifyRequest): StreamRoute | undefined {
  return (request.routeOptions.config as RouteConfig)[kRoute]
}

/** Gives a route its streams and wraps its handler. Requests see the config, so the streams hang there. */
export function setRoute (options: RouteOptions, route: StreamRoute, wrap: (handler: Handler) => Handler): void {
  options.config = { ...options.config, [kRoute]: route } as NonNullable<RouteOptions['config']>
  options.handler = wrap(options.handler as Handler) as RouteOptions['handler']
}

/** The stream that a reply has become; null until then. */
export function sessionOf (reply: FastifyReply): ReplySession | null {
  return (reply as Reply)[kSession]
}

export function setSession (reply: FastifyReply, session: ReplySession): void {
  (reply as Reply)[kSession] = session
}

/** The controller of a request's signal; null until somebody asks for the signal. */
export function controllerOf (request: FastifyRequest): AbortController | null {
  return (request as Request)[kController]
}

export function setController (request: FastifyRequest, controller: AbortController | null): void {
  (request as Request)[kController] = controller
}

/** The response that a request's signal follows; null while the request does not stream. */
export function responseOf (request: FastifyRequest): RawResponse | null {
  return (request as Request)[kResponse]
}

export function setResponse (request: FastifyRequest, response: RawResponse): void {
  (request as Request)[kResponse] = response
}
