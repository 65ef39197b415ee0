// The integration with @fastify/swagger: its decorators return finished documents without any configuration.
import { createRequire } from 'node:module'
import { type FastifyInstance } from 'fastify'
import { SSE_ERR_DOCUMENT } from '../errors.ts'
import { sseTransformObject } from './document.ts'

type SwaggerOptions = { yaml?: boolean }
type Swagger = (this: unknown, options?: SwaggerOptions) => object | string

/** The decorators that are wrapped already; the plugin may be registered in several scopes, or be there in several copies. */
const wrappers = new WeakSet<Swagger>()

/**
 * Makes the `swagger` decorators of @fastify/swagger return finished documents.
 *
 * @param scopes of routes with streams, once all plugins are loaded
 */
export function finishDocuments (scopes: Iterable<FastifyInstance>): void {
  for (const scope of scopes) {
    let owner = scope as { swagger?: Swagger }
    while (!Object.hasOwn(owner, 'swagger') && 'swagger' in owner) owner = Object.getPrototypeOf(owner)
    const { swagger } = owner
    if (typeof swagger !== 'function' || wrappers.has(swagger)) continue
    owner.swagger = finishing(swagger)
    wrappers.add(owner.swagger)
  }
}

function finishing (original: Swagger): Swagger {
  const documents = new WeakMap<object, object>()
  const texts = new WeakMap<object, string>()
  return function (options) {
    const raw = attempt(() => original.call(this)) as object
    const document = documents.get(raw) ?? sseTransformObject({ openapiObject: raw })
    documents.set(raw, document)
    if (document === raw) return original.call(this, options)
    if (options?.yaml !== true) return document
    const text = texts.get(document) ?? toYaml(document)
    texts.set(document, text)
    return text
  }
}

/** @throws SSE_ERR_DOCUMENT */
function attempt<T> (make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new SSE_ERR_DOCUMENT((error as Error).message, { cause: error })
  }
}

/** Uses the YAML library of @fastify/swagger; where it cannot be resolved, JSON, which is YAML too. */
function toYaml (document: object): string {
  try {
    const { resolve } = createRequire(import.meta.url)
    const yaml = createRequire(resolve('@fastify/swagger'))('yaml') as { stringify (value: object, options: object): string }
    return yaml.stringify(document, { strict: false })
  } catch {
    return JSON.stringify(document, null, 2)
  }
}
