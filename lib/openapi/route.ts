import { type Declaration, declarationOf, declare, eventTitle, isRaw, UNNAMED } from '../contract/declaration.ts'
import { isEventStream } from '../wire/media-type.ts'
import { bundle, type Names } from './components.ts'
import { literal } from './dialect.ts'
import { statedExample } from './examples.ts'
import { type Remainder, REMAINDER } from './extension.ts'
import { type Branch, itemSchema, payloadSchema } from './events.ts'
import { type SchemaObject } from '../schema/walk.ts'

/** How a route streams, as far as its document tells. */
export interface Circumstances extends Pick<Remainder, 'errorEvent' | 'isRefusable'> {
  /** Whether the first frame has the field, whatever the events are. */
  readonly retry: boolean
  /** Asked late: an error handler may be set after the route. */
  readonly hasPlainErrors: () => boolean
  readonly names: Names
  /** The app's schemas by `$id`. */
  readonly shared: Readonly<Record<string, unknown>>
}

/**
 * The key that @fastify/swagger collects the schemas with an `$id` from: it looks for them below keywords of JSON
 * Schema only, never below `content`, and drops what else a response with `content` has.
 */
const COLLECTED = 'properties'

const DEFAULT_DESCRIPTION = 'Server-sent events.'

/**
 * A response schema in the form that documents of every version may have: the payload as `schema`, the event as
 * `x-oai-itemSchema`.
 *
 * @param response of a route; never written to
 * @returns the response itself when it has no event stream
 */
export function documentResponse (response: unknown, circumstances: Circumstances): unknown {
  const declaration = declarationOf(response)
  if (declaration === undefined) return response
  const { content, description, ...rest } = response as SchemaObject & { content: Record<string, SchemaObject> }
  const key = Object.keys(content).find(isEventStream)!
  // A hook may make another route of this one's schema.
  if (REMAINDER in content[key]!) return response
  const { mediaType, resources } = documentMediaType(content[key]!, declaration, circumstances)
  return {
    ...rest,
    description: describe(description, declaration),
    ...(Object.keys(resources).length === 0 ? {} : { [COLLECTED]: resources }),
    content: { ...content, [key]: mediaType }
  }
}

function documentMediaType (mediaType: SchemaObject, declaration: Declaration, circumstances: Circumstances): { mediaType: SchemaObject, resources: SchemaObject } {
  const resources: SchemaObject = {}
  let isUnchanged = true
  const branches = declaredBranches(declaration, circumstances.retry, (name, schema) => {
    const bundled = bundle(schema, name, circumstances.names, circumstances.shared)
    Object.assign(resources, bundled.resources)
    isUnchanged &&= bundled.schema === schema && declaration.sentinel === undefined
    return bundled.schema
  })
  const documented = declare({
    ...mediaType,
    // Fastify compiles it, so it has to be whole; that of the user may have marks of TypeBox.
    schema: isUnchanged ? mediaType.schema : { ...payloadSchema(branches), definitions: resources },
    'x-oai-itemSchema': itemSchema(branches, '3.1')
  }, declaration)
  return { mediaType: addRemainder(documented, branches, declaration, circumstances), resources }
}

function addRemainder (mediaType: SchemaObject, branches: Branch[], declaration: Declaration, circumstances: Circumstances): SchemaObject {
  const { errorEvent, isRefusable, hasPlainErrors } = circumstances
  const remainder: Omit<Remainder, 'hasPlainErrors'> = {
    kinds: branches.map(({ data, ...kind }) => ({ ...kind, example: statedExample(data) })),
    errorEvent,
    isRefusable,
    isResumable: declaration.id
  }
  const get = (): string => JSON.stringify({ ...remainder, hasPlainErrors: hasPlainErrors() } satisfies Remainder)
  return Object.defineProperty(mediaType, REMAINDER, { get, enumerable: true, configurable: true })
}

/** The branches of a declaration, in its order, the sentinel last. */
function declaredBranches (declaration: Declaration, retry: boolean, toData: (name: string, schema: SchemaObject) => SchemaObject): Branch[] {
  const { events, sentinel, id } = declaration
  const fields = { id, retry: declaration.retry || retry }
  const toBranch = ([name, schema]: [string, SchemaObject]): Branch => ({
    title: eventTitle(name),
    ...(typeof schema.description === 'string' ? { description: schema.description } : {}),
    event: name === UNNAMED ? undefined : name,
    isText: isRaw(schema),
    ...fields,
    data: toData(eventTitle(name), schema)
  })
  const branches = Array.from(events, toBranch)
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
