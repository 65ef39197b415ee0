// The second half of documenting streams, when the document is made: puts every stream into the form of its OpenAPI version.
import { SSE_ERR_OPTION } from '../errors.ts'
import { keysOf, pointerOf, valueAt } from '../schema/pointer.ts'
import { mapValues } from '../schema/rewrite.ts'
import { isObject, type SchemaObject, subschemas } from '../schema/walk.ts'
import { type ControlEvent } from '../wire/control.ts'
import { withAnswers, withLastEventId } from './answers.ts'
import { toDialect, type Version, versionOf } from './dialect.ts'
import { type StreamExtension } from './extension.ts'
import { type DocumentContext, extensionOf, finishStream } from './stream.ts'

/**
 * Finishes the event streams of a document in the form of its OpenAPI version: a `transformObject` for
 * @fastify/swagger. The plugin calls it by itself for the decorator `swagger`; pass it for decorators of other names.
 * Documents without streams, and finished ones, are returned as they are.
 *
 * @param document as @fastify/swagger passes it; not written to
 * @returns the finished document
 */
export function sseTransformObject<OpenApi extends object, Swagger extends object = OpenApi> (document: { openapiObject: OpenApi } | { swaggerObject: Swagger }): OpenApi | Swagger {
  if (!isObject(document)) throw new SSE_ERR_OPTION('transformObject', '`sseTransformObject` itself, not its result', `a call with ${typeof document}`)
  if (!('openapiObject' in document)) return document.swaggerObject
  const { openapiObject } = document
  const { openapi, paths } = openapiObject as { openapi?: unknown, paths?: unknown }
  const version = versionOf(String(openapi))
  if (version === undefined || !isObject(paths)) return openapiObject
  const finisher = new DocumentFinisher(openapiObject as SchemaObject, version)
  const finished = mapValues(paths, path => isObject(path) ? finisher.path(path) : path)
  return finisher.hasStreams ? { ...openapiObject, components: finisher.components(), paths: finished } : openapiObject
}

class DocumentFinisher {
  hasStreams = false
  readonly #version: Version
  readonly #components: Record<string, unknown>
  readonly #schemas: Record<string, SchemaObject>
  readonly #referred = new Set<string>()
  readonly #control: Record<string, SchemaObject> = {}
  readonly #context: DocumentContext

  constructor (document: SchemaObject, version: Version) {
    this.#version = version
    this.#components = (document.components ?? {}) as Record<string, unknown>
    this.#schemas = (this.#components.schemas ?? {}) as Record<string, SchemaObject>
    this.#context = {
      version,
      resolve: ref => this.#resolve(ref),
      refer: schema => this.#refer(schema),
      control: event => this.#controlSchema(event)
    }
  }

  /** The document's components; schemas that streams refer to are in the keywords of the version, as the streams are. */
  components (): object {
    const schemas = mapValues(this.#schemas, (schema, name) => this.#referred.has(name) ? toDialect(schema as SchemaObject, this.#version) : schema)
    return { ...this.#components, schemas: { ...schemas, ...this.#control } }
  }

  /** A path item: one operation per method, some of them in a map of their own. */
  path (path: SchemaObject): SchemaObject {
    return mapValues(path, (operation, key) => {
      if (!isObject(operation)) return operation
      return key === 'additionalOperations' ? this.path(operation) : this.#operation(operation)
    })
  }

  #operation (operation: SchemaObject): SchemaObject {
    if (!isObject(operation.responses)) return operation
    const extensions: StreamExtension[] = []
    const responses = mapValues(operation.responses, response => {
      if (!isObject(response) || !isObject(response.content)) return response
      return { ...response, content: mapValues(response.content, mediaType => this.#mediaType(mediaType, extensions)) }
    })
    if (extensions.length === 0) return operation
    this.hasStreams = true
    const parameters = extensions.some(({ isResumable }) => isResumable) ? { parameters: withLastEventId(operation.parameters) } : {}
    return { ...operation, ...parameters, responses: withAnswers(responses, extensions) }
  }

  #mediaType (mediaType: unknown, extensions: StreamExtension[]): unknown {
    const extension = extensionOf(mediaType)
    if (extension === undefined) return mediaType
    extensions.push(extension)
    return finishStream(mediaType as SchemaObject, extension, this.#context)
  }

  /** A reference to the component of a control event, or its schema if the user has another one of that name. */
  #controlSchema ({ schema }: ControlEvent): SchemaObject {
    const converted = toDialect(schema, this.#version)
    const { title } = schema
    const own = this.#schemas[title]
    if (own !== undefined && JSON.stringify(own) !== JSON.stringify(converted)) return converted
    this.#control[title] = converted
    return { $ref: `#/components/schemas/${title}` }
  }

  #resolve (ref: string): SchemaObject | undefined {
    const [name, ...keys] = keysOfRef(ref)
    return valueAt(this.#control[name!] ?? this.#schemas[name!], pointerOf(keys)) as SchemaObject | undefined
  }

  #refer (schema: unknown): void {
    for (const { $ref } of subschemas(schema)) {
      const name = typeof $ref === 'string' ? keysOfRef($ref)[0]! : undefined
      if (name === undefined || this.#referred.has(name)) continue
      this.#referred.add(name)
      this.#refer(this.#schemas[name])
    }
  }
}

/** The name of a component, then the way to a schema within it. */
function keysOfRef (ref: string): string[] {
  return keysOf(decodeURIComponent(ref.replace('#/components/schemas', '')))
}
