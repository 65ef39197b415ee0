// The first half of documenting a stream, when its route is defined: a response schema in a form that is valid in
// documents of every OpenAPI version. `document.ts` is the second half.
import { type Declaration, declarationOf, declare, eventTitle, UNNAMED } from '../contract/declaration.ts'
import { isRaw } from '../schema/raw-text.ts'
import { mapValues } from '../schema/rewrite.ts'
import { type SchemaObject } from '../schema/walk.ts'
import { isEventStream } from '../wire/media-type.ts'
import { bundle, type ComponentNames } from './components.ts'
import { literal } from './dialect.ts'
import { type EventBranch, itemSchema, payloadSchema } from './events.ts'
import { statedExample } from './examples.ts'
import { COLLECTED, EXTENSION_KEY, type StreamExtension } from './extension.ts'

/** Which logs of the app have a contract. */
export interface ContractLogs {
  readonly hasTopic: boolean
  readonly hasRun: boolean
}

/** Route facts that the OpenAPI document needs. */
export interface RouteDocument extends Pick<StreamExtension, 'errorEvent' | 'isRefusable'> {
  /** The app's logs with a contract. Called when the document is made: topics and runs may be created after the route. */
  readonly logsOf: (declaration: Declaration) => ContractLogs
  readonly names: ComponentNames
  /** The app's schemas by `$id`. */
  readonly shared: Readonly<Record<string, unknown>>
}

const DEFAULT_DESCRIPTION = 'Server-sent events.'

/** The schema of a route with its streams documented. A copy: the user may share the schema between routes. */
export function documentRoute<Schema extends { response?: unknown }> (schema: Schema, route: RouteDocument): Schema {
  return { ...schema, response: mapValues(schema.response as object, response => documentResponse(response, route)) }
}

/**
 * A response schema with the payload as `schema` and the event as `x-oai-itemSchema`.
 *
 * @param response is not written to
 * @returns the response itself if it has no event stream
 */
export function documentResponse (response: unknown, route: RouteDocument): unknown {
  const declaration = declarationOf(response)
  if (declaration === undefined) return response
  const { content, description, ...rest } = response as SchemaObject & { content: Record<string, SchemaObject> }
  const key = Object.keys(content).find(isEventStream)!
  // Another plugin's onRoute hook may define a route with this one's documented schema.
  if (EXTENSION_KEY in content[key]!) return response
  const { mediaType, resources } = documentMediaType(content[key]!, declaration, route)
  return {
    ...rest,
    description: describe(description, declaration),
    ...(Object.keys(resources).length === 0 ? {} : { [COLLECTED]: resources }),
    content: { ...content, [key]: mediaType }
  }
}

function documentMediaType (mediaType: SchemaObject, declaration: Declaration, route: RouteDocument): { mediaType: SchemaObject, resources: SchemaObject } {
  const resources: SchemaObject = {}
  let isUnchanged = declaration.sentinel === undefined
  const branches = declaredBranches(declaration, (title, schema) => {
    const bundled = bundle(schema, title, route.names, route.shared)
    Object.assign(resources, bundled.resources)
    isUnchanged &&= bundled.schema === schema
    return bundled.schema
  })
  const documented = declare({
    ...mediaType,
    // The one that `EventStream` left is for apps without the plugin.
    schema: isUnchanged ? payloadSchema(branches) : { ...payloadSchema(branches), definitions: resources },
    'x-oai-itemSchema': itemSchema(branches, '3.1')
  }, declaration)
  return { mediaType: addExtension(documented, branches, declaration, route), resources }
}

/** Adds the extension as a getter: what it says of logs is known when the document is made. */
function addExtension (mediaType: SchemaObject, branches: EventBranch[], declaration: Declaration, route: RouteDocument): SchemaObject {
  const { errorEvent, isRefusable } = route
  const kinds = branches.map(({ data, ...kind }) => ({ ...kind, example: statedExample(data) }))
  const get = (): string => {
    const { hasTopic, hasRun } = route.logsOf(declaration)
    const isLogged = hasTopic || hasRun
    const extension: StreamExtension = { kinds, errorEvent, isRefusable, isLogged, hasRun, isResumable: declaration.id || isLogged }
    return JSON.stringify(extension)
  }
  return Object.defineProperty(mediaType, EXTENSION_KEY, { get, enumerable: true, configurable: true })
}

/** The declared events in their order, the sentinel last. */
function declaredBranches (declaration: Declaration, toData: (title: string, schema: SchemaObject) => SchemaObject): EventBranch[] {
  const { events, sentinel, id, retry } = declaration
  const branches = Array.from(events, ([name, schema]): EventBranch => ({
    title: eventTitle(name),
    ...(typeof schema.description === 'string' ? { description: schema.description } : {}),
    event: name === UNNAMED ? undefined : name,
    isText: isRaw(schema),
    id,
    retry,
    data: toData(eventTitle(name), schema)
  }))
  if (sentinel === undefined) return branches
  return [...branches, {
    title: sentinel,
    description: 'The last message of a stream that ended well.',
    isText: true,
    only: sentinel,
    data: literal(sentinel, '3.1')
  }]
}

function describe (description: unknown, { events }: Declaration): unknown {
  if (description !== undefined && description !== DEFAULT_DESCRIPTION) return description
  if (events.has(UNNAMED)) return DEFAULT_DESCRIPTION
  return `Server-sent events: ${Array.from(events.keys(), name => `\`${name}\``).join(', ')}.`
}
