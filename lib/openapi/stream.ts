// One stream in the form of a document's version: from a media type object as `route.ts` left it to the finished one.
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { type ControlEvent, FAILURE, GAP, READY } from '../wire/control.ts'
import { literal, toDialect, type Version } from './dialect.ts'
import { dataSchemas, type EventBranch, type EventExample, type EventKind, itemSchema, payloadExamples, payloadSchema, wireExamples } from './events.ts'
import { exampleOf, type Resolve } from './examples.ts'
import { EXTENSION_KEY, type StreamExtension } from './extension.ts'
import { outline } from './outline.ts'

/** What a stream needs of the document it stands in. */
export interface DocumentContext {
  readonly version: Version
  readonly resolve: Resolve
  /** Called with each schema of the stream, to convert the components that it refers to. */
  readonly refer: (schema: SchemaObject) => void
  /** The schema of a control event: a reference to a component. */
  readonly control: (event: ControlEvent) => SchemaObject
}

type GivenExamples = Record<string, { value?: unknown }>

/** The facts about a stream, or undefined for another media type and for a stream that is finished. */
export function extensionOf (mediaType: unknown): StreamExtension | undefined {
  if (!isObject(mediaType) || typeof mediaType[EXTENSION_KEY] !== 'string') return undefined
  return JSON.parse(mediaType[EXTENSION_KEY]) as StreamExtension
}

/** The finished media type object of a stream. */
export function finishStream (mediaType: SchemaObject, extension: StreamExtension, context: DocumentContext): SchemaObject {
  const { version, resolve } = context
  const { [EXTENSION_KEY]: text, schema, 'x-oai-itemSchema': item, ...rest } = mediaType
  const schemas = dataSchemas(item as SchemaObject)
  schemas.forEach(context.refer)
  const control = controlEvents(extension)
  const controlBranches = control.map(({ of, ...kind }): EventBranch => ({ ...kind, data: context.control(of) }))
  const branches = [...declaredBranches(schemas, extension, context), ...controlBranches].map(branch => ({ ...branch, outline: outline(branch.data, resolve) }))
  const given = givenExamples(rest)
  const examples = declaredExamples(schemas, extension, given, resolve)
  if (version === '3.2') {
    const { example, examples: others, ...kept } = rest
    return { ...kept, itemSchema: itemSchema(branches, '3.2'), ...withExamples(Object.values(given).some(isWire) ? given : wireExamples(examples)) }
  }
  const shown = Object.keys(given).length > 0 ? {} : payloadExamples([...examples, ...control.map(({ of, ...kind }) => ({ ...kind, value: of.example }))])
  return { ...rest, schema: payloadSchema(branches), 'x-oai-itemSchema': itemSchema(branches, version), ...withExamples(shown) }
}

function declaredBranches (schemas: SchemaObject[], { kinds, isLogged }: StreamExtension, { version, resolve }: DocumentContext): EventBranch[] {
  return kinds.map(({ example, ...kind }, i) => ({
    ...kind,
    id: kind.id === true || isLogged,
    description: kind.description ?? descriptionOf(schemas[i]!, resolve),
    data: kind.only === undefined ? toDialect(schemas[i]!, version) : literal(kind.only, version)
  }))
}

/** The events that the library sends by itself, in the order in which a reader would get them. */
function controlEvents ({ errorEvent, isLogged }: StreamExtension): Array<EventKind & { of: ControlEvent }> {
  const events = [...(isLogged ? [READY, GAP] : []), ...(errorEvent === false ? [] : [{ ...FAILURE, name: errorEvent }])]
  return events.map(of => ({ title: of.name, event: of.name, description: of.description, id: isLogged, of }))
}

function declaredExamples (schemas: SchemaObject[], { kinds, isLogged }: StreamExtension, given: GivenExamples, resolve: Resolve): EventExample[] {
  const examples = kinds.map(({ example, ...kind }, i) => {
    const own = given[kind.title] ?? (kinds.length === 1 ? Object.values(given)[0] : undefined)
    return { ...kind, id: kind.id === true || isLogged, value: kind.only ?? own?.value ?? example ?? exampleOf(schemas[i]!, resolve) }
  })
  return examples.filter(({ value }) => value !== undefined)
}

function descriptionOf ({ $ref }: SchemaObject, resolve: Resolve): string | undefined {
  return typeof $ref === 'string' ? resolve($ref)?.description as string | undefined : undefined
}

/** The user's own examples: by event name, or of the only event. */
function givenExamples ({ example, examples }: SchemaObject): GivenExamples {
  if (isObject(examples)) return examples as GivenExamples
  return example === undefined ? {} : { example: { value: example } }
}

function withExamples (examples: object): object {
  return Object.keys(examples).length === 0 ? {} : { examples }
}

/** Whether an example shows the stream on the wire rather than one payload. */
function isWire ({ value }: { value?: unknown }): boolean {
  return typeof value === 'string' && value.endsWith('\n\n')
}
