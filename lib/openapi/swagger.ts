import { createRequire } from 'node:module'
import { type FastifyInstance, type RouteOptions } from 'fastify'
import { documentResponse } from './route.ts'
import { type Names } from './components.ts'
import { mapValues } from '../schema/rewrite.ts'
import { sseTransformObject } from './document.ts'
import { type StreamRoute } from '../plugin/route.ts'

type SwaggerOptions = { yaml?: boolean }
type Swagger = (this: unknown, options?: SwaggerOptions) => object | string

/** Those who decorated `swagger` already; there may be several copies of the plugin. */
const finishers = new WeakSet<Swagger>()

/** The name of Fastify's own error handler, whose bodies are known. */
const PLAIN_ERROR_HANDLER = 'defaultErrorHandler'

/**
 * Makes a route's event streams understood by @fastify/swagger.
 *
 * @param fastify the route's scope
 * @param names of the app
 * @returns a copy of the route's schema: the user may share it between routes
 */
export function documentRoute (fastify: FastifyInstance, options: RouteOptions, route: StreamRoute, names: Names): RouteOptions['schema'] {
  const circumstances = {
    errorEvent: route.options.errorEvent,
    retry: route.options.retry !== undefined,
    isRefusable: route.isRefusable,
    hasPlainErrors: () => (options.errorHandler ?? fastify.errorHandler).name === PLAIN_ERROR_HANDLER,
    names,
    shared: fastify.getSchemas() as Record<string, unknown>
  }
  const responses = options.schema!.response as object
  return { ...options.schema, response: mapValues(responses, response => documentResponse(response, circumstances)) }
}

/**
 * Lets the `swagger` decorators of @fastify/swagger give finished documents.
 *
 * @param scopes of the routes, when all plugins are loaded
 */
export function finishDocuments (scopes: Iterable<FastifyInstance>): void {
  for (const scope of scopes) {
    let owner = scope as unknown as { swagger?: Swagger }
    while (!Object.hasOwn(owner, 'swagger') && 'swagger' in owner) owner = Object.getPrototypeOf(owner)
    const { swagger } = owner
    if (typeof swagger !== 'function' || finishers.has(swagger)) continue
    owner.swagger = finishing(swagger)
    finishers.add(owner.swagger)
  }
}

function finishing (original: Swagger): Swagger {
  const documents = new WeakMap<object, object>()
  const texts = new WeakMap<object, string>()
  return function (options) {
    const raw = original.call(this) as object
    const document = documents.get(raw) ?? sseTransformObject({ openapiObject: raw })
    documents.set(raw, document)
    if (document === raw) return original.call(this, options)
    if (options?.yaml !== true) return document
    const text = texts.get(document) ?? toYaml(document)
    texts.set(document, text)
    return text
  }
}

/** YAML by the library of @fastify/swagger; where it is out of reach, JSON, which is YAML too. */
function toYaml (document: object): string {
  try {
    const { resolve } = createRequire(import.meta.url)
    const yaml = createRequire(resolve('@fastify/swagger'))('yaml') as { stringify (value: object, options: object): string }
    return yaml.stringify(document, { strict: false })
  } catch {
    return JSON.stringify(document, null, 2)
  }
}
