import { SSE_ERR_NOT_ACCEPTABLE, SSE_ERR_SHUTDOWN } from '../errors.ts'
import { isEventStream } from '../wire/media-type.ts'
import { isObject, type SchemaObject, subschemas } from '../schema/walk.ts'
import { type Remainder, REMAINDER } from './extension.ts'
import { literal, toDialect, type Version, versionOf } from './dialect.ts'
import { exampleOf } from './examples.ts'
import { mapValues } from '../schema/rewrite.ts'
import { outline } from './outline.ts'
import { type Branch, dataSchemas, type Example, itemSchema, payloadExamples, payloadSchema, wireExamples } from './events.ts'

/** What a failure looks like: as the body of an error response, and as the data of the event that tells of it. */
const FAILURE = {
  title: 'StreamFailure',
  type: 'object',
  description: 'A failure of the server or of the request.',
  required: ['statusCode', 'error', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' }
  }
}
const EXAMPLE = { statusCode: 500, error: 'Internal Server Error', message: 'Internal Server Error' }

const NOT_ACCEPTABLE = bodyOf(new SSE_ERR_NOT_ACCEPTABLE(), 'Not Acceptable')
const SHUTDOWN = bodyOf(new SSE_ERR_SHUTDOWN(), 'Service Unavailable')

const LAST_EVENT_ID = {
  in: 'header',
  name: 'Last-Event-ID',
  required: false,
  description: 'The id of the last event that was received: the stream resumes after it.',
  schema: { type: 'string' }
}

/**
 * Finishes the event streams of a document in the form of its OpenAPI version: the `transformObject` of
 * @fastify/swagger, for documents whose decorator is not called `swagger`; for that one the plugin calls it by itself.
 * Documents without streams, and those finished before, stay what they are.
 *
 * @param document as @fastify/swagger hands it over; never written to
 * @returns the finished document
 */
export function sseTransformObject<OpenApi extends object, Swagger extends object = OpenApi> (document: { openapiObject: OpenApi } | { swaggerObject: Swagger }): OpenApi | Swagger {
  if (!('openapiObject' in document)) return document.swaggerObject
  const { openapiObject } = document
  const { openapi, paths } = openapiObject as { openapi?: unknown, paths?: unknown }
  const version = versionOf(String(openapi))
  if (version === undefined || !isObject(paths)) return openapiObject
  const finisher = new Finisher(openapiObject as SchemaObject, version)
  const finished = mapValues(paths, path => isObject(path) ? finisher.path(path) : path)
  return finisher.hasStreams ? { ...openapiObject, components: finisher.components(), paths: finished } : openapiObject
}

type GivenExamples = Record<string, { value?: unknown }>

class Finisher {
  hasStreams = false
  readonly #version: Version
  readonly #components: Record<string, unknown>
  readonly #schemas: Record<string, SchemaObject>
  readonly #failure: SchemaObject
  readonly #referred = new Set<string>()

  constructor (document: SchemaObject, version: Version) {
    this.#version = version
    this.#components = (document.components ?? {}) as Record<string, unknown>
    const schemas = (this.#components.schemas ?? {}) as Record<string, SchemaObject>
    const own = schemas[FAILURE.title]
    const isFree = own === undefined || JSON.stringify(own) === JSON.stringify(FAILURE)
    this.#schemas = isFree ? { ...schemas, [FAILURE.title]: FAILURE } : schemas
    this.#failure = isFree ? { $ref: `#/components/schemas/${FAILURE.title}` } : FAILURE
  }

  /** Those that streams refer to are in the words of the version, as all else of streams is. */
  components (): object {
    const schemas = mapValues(this.#schemas, (schema, name) => this.#referred.has(name) ? toDialect(schema as SchemaObject, this.#version) : schema)
    return { ...this.#components, schemas }
  }

  /** A path item: an operation by each method, some by others in a map of their own. */
  path (path: SchemaObject): SchemaObject {
    return mapValues(path, (operation, key) => {
      if (!isObject(operation)) return operation
      return key === 'additionalOperations' ? this.path(operation) : this.#operation(operation)
    })
  }

  #operation (operation: SchemaObject): SchemaObject {
    if (!isObject(operation.responses)) return operation
    const found: Remainder[] = []
    const responses = mapValues(operation.responses, response => {
      if (!isObject(response) || !isObject(response.content)) return response
      return { ...response, content: mapValues(response.content, mediaType => this.#mediaType(mediaType, found)) }
    })
    if (found.length === 0) return operation
    this.hasStreams = true
    const parameters = found.some(({ isResumable }) => isResumable) ? { parameters: withLastEventId(operation.parameters) } : {}
    return { ...operation, ...parameters, responses: this.#answers(responses, found) }
  }

  #mediaType (mediaType: unknown, found: Remainder[]): unknown {
    if (!isObject(mediaType) || typeof mediaType[REMAINDER] !== 'string') return mediaType
    const { [REMAINDER]: text, schema, 'x-oai-itemSchema': item, ...rest } = mediaType
    const remainder = JSON.parse(text) as Remainder
    found.push(remainder)
    const schemas = dataSchemas(item as SchemaObject)
    const branches: Branch[] = remainder.kinds.map(({ example, ...kind }, i) => ({
      ...kind,
      description: kind.description ?? this.#resolve(schemas[i]!.$ref)?.description as string | undefined,
      data: kind.only === undefined ? toDialect(schemas[i]!, this.#version) : literal(kind.only, this.#version)
    }))
    schemas.forEach(schema => this.#refer(schema))
    const { errorEvent } = remainder
    const failure = errorEvent === false ? [] : [{ title: errorEvent, event: errorEvent, description: 'The stream failed, and ends.', data: this.#failure }]
    const all = [...branches, ...failure].map(branch => ({ ...branch, outline: outline(branch.data, ref => this.#resolve(ref)) }))
    const given = givenExamples(rest)
    const made = this.#examples(remainder, schemas, given)
    if (this.#version === '3.2') {
      const { example, examples, ...others } = rest
      return { ...others, itemSchema: itemSchema(all, '3.2'), ...withExamples(Object.values(given).some(isWire) ? given : wireExamples(made)) }
    }
    const shown = [...made, ...failure.map(kind => ({ ...kind, value: EXAMPLE }))]
    const examples = Object.keys(given).length > 0 ? {} : payloadExamples(shown)
    return { ...rest, schema: payloadSchema(all), 'x-oai-itemSchema': itemSchema(all, this.#version), ...withExamples(examples) }
  }

  #examples ({ kinds }: Remainder, schemas: SchemaObject[], given: GivenExamples): Example[] {
    return kinds
      .map(({ example, ...kind }, i) => {
        const own = given[kind.title] ?? (kinds.length === 1 ? Object.values(given)[0] : undefined)
        const value = kind.only ?? own?.value ?? example ?? exampleOf(schemas[i]!, ref => this.#resolve(ref))
        return { ...kind, value }
      })
      .filter(({ value }) => value !== undefined)
  }

  #resolve (ref: unknown): SchemaObject | undefined {
    if (typeof ref !== 'string') return undefined
    return tokensOf(ref).reduce<SchemaObject | undefined>((place, token) => place?.[token] as SchemaObject | undefined, this.#schemas)
  }

  #refer (schema: unknown): void {
    for (const { $ref } of subschemas(schema)) {
      const name = typeof $ref === 'string' ? tokensOf($ref)[0]! : undefined
      if (name === undefined || this.#referred.has(name)) continue
      this.#referred.add(name)
      this.#refer(this.#schemas[name])
    }
  }

  /** The answers that are the plugin's own, unless the route says something of them. */
  #answers (responses: SchemaObject, found: Remainder[]): SchemaObject {
    const hasPlainErrors = found.every(remainder => remainder.hasPlainErrors)
    const answer = (description: string, example: object): object => ({
      description,
      ...(hasPlainErrors ? { content: { 'application/json': { schema: this.#failure, example } } } : {})
    })
    const isTold = (status: string): boolean => [status, `${status[0]}XX`, 'default'].some(key => isObject(responses[key]) && !isStream(responses[key]))
    return {
      ...responses,
      ...(isDefault204(responses[204]) ? { 204: { description: 'There is nothing more to come: clients stop reconnecting.' } } : {}),
      ...(found.some(({ isRefusable }) => isRefusable) && !isTold('406') ? { 406: answer('The Accept header refuses text/event-stream.', NOT_ACCEPTABLE) } : {}),
      ...(isTold('503') ? {} : { 503: answer('The server is shutting down, or no event came in time.', SHUTDOWN) })
    }
  }
}

/** What Fastify answers for an error. */
function bodyOf ({ statusCode, code, message }: { statusCode?: number, code: string, message: string }, error: string): object {
  return { statusCode, code, error, message }
}

/** The way to a schema of the document, which begins with its name. */
function tokensOf (ref: string): string[] {
  return ref.replace('#/components/schemas/', '').split('/').map(token => decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What the user wrote beside the schema: by the name of the event, or of the only one there is. */
function givenExamples ({ example, examples }: SchemaObject): GivenExamples {
  if (isObject(examples)) return examples as GivenExamples
  return example === undefined ? {} : { example: { value: example } }
}

function withExamples (examples: object): object {
  return Object.keys(examples).length === 0 ? {} : { examples }
}

/** Whether an example is no payload but how the stream looks. */
function isWire ({ value }: { value?: unknown }): boolean {
  return typeof value === 'string' && value.endsWith('\n\n')
}

function isStream ({ content }: SchemaObject): boolean {
  return isObject(content) && Object.keys(content).some(isEventStream)
}

/** Whether a 204 was declared without a description, for which @fastify/swagger puts in one that says nothing. */
function isDefault204 (response: unknown): boolean {
  return isObject(response) && response.description === 'Default Response' && response.content === undefined
}

function withLastEventId (parameters: unknown): unknown[] {
  const own = Array.isArray(parameters) ? parameters : []
  const isTold = own.some((parameter: SchemaObject) => parameter.in === 'header' && String(parameter.name).toLowerCase() === 'last-event-id')
  return isTold ? own : [...own, LAST_EVENT_ID]
}
