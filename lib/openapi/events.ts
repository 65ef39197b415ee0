// A stream's events as schemas and examples of a media type object.
import { type SchemaObject } from '../schema/walk.ts'
import { dataLines, END, eventLine, positionLines } from '../wire/frame.ts'
import { jsonText, literal, union, type Version } from './dialect.ts'

/** One kind of event of a stream, without the schema of its data. */
export interface EventKind {
  readonly title: string
  readonly description?: string | undefined
  /** Its `event` field; clients dispatch an unnamed event as `message`. */
  readonly event?: string | undefined
  /** Whether the data is text, not JSON. */
  readonly isText?: boolean | undefined
  /** The only text it ever has. */
  readonly only?: string | undefined
  /** Whether it may carry an `id`. */
  readonly id?: boolean | undefined
  /** Whether it may carry `retry`. */
  readonly retry?: boolean | undefined
}

/** One kind of event of a stream. */
export interface EventBranch extends EventKind {
  /** The schema of the payload, or of the text. */
  readonly data: SchemaObject
  /** The payload in words. */
  readonly outline?: string
}

/** One kind of event of a stream, with an example of its data. */
export interface EventExample extends EventKind {
  readonly value: unknown
}

/** The schema of the events as a client reads them off the wire: `itemSchema`, or `x-oai-itemSchema` before 3.2. */
export function itemSchema (branches: readonly EventBranch[], version: Version): SchemaObject {
  const hasNames = branches.some(({ event }) => event !== undefined)
  // Not oneOf: `contentSchema` asserts nothing, so unnamed events of several kinds would match more than one branch.
  return union(branches.map(branch => eventSchema(branch, hasNames, version)))
}

/** The schemas of the data within {@link itemSchema}, branch by branch. */
export function dataSchemas (item: SchemaObject): SchemaObject[] {
  const branches = (item.anyOf ?? [item]) as Array<{ properties: { data: SchemaObject } }>
  return branches.map(({ properties: { data } }) => (data.contentSchema ?? data) as SchemaObject)
}

/** The schema of the data as clients parse it. Up to 3.1, code generators take the stream's type from it. */
export function payloadSchema (branches: readonly EventBranch[]): SchemaObject {
  // Not `const`: orval reduces a union that has one to that value.
  const schemas = branches.map(({ title, only, data }) => ({ title, data: only === undefined ? data : literal(only, '3.0') }))
  const titles = new Map<string, string[]>()
  for (const { data, title } of schemas) {
    const key = JSON.stringify(data)
    titles.set(key, [...titles.get(key) ?? [], title])
  }
  if (titles.size === 1) return schemas[0]!.data
  // Viewers show the titles of the alternatives.
  return union(schemas.map(({ data }) => '$ref' in data || 'title' in data ? data : { title: titles.get(JSON.stringify(data))!.join(', '), ...data }))
}

/** The examples of a media type with {@link payloadSchema}. */
export function payloadExamples (examples: readonly EventExample[]): SchemaObject {
  return Object.fromEntries(examples.map(({ title, event, value }) => {
    return [title, { summary: event === undefined ? 'data' : `event: ${event}`, value }]
  }))
}

/** The examples of a media type with {@link itemSchema}: the stream on the wire. */
export function wireExamples (examples: readonly EventExample[]): SchemaObject {
  if (examples.length === 0) return {}
  const value = examples.map(({ event, id, isText, value }, index) => {
    const data = dataLines(isText ? String(value) : JSON.stringify(value)) + END
    return (event === undefined ? '' : eventLine(event)) + data + positionLines(undefined, id ? index + 1 : undefined) + END
  }).join('')
  return { stream: { summary: 'The stream on the wire', value } }
}

/** Every branch is complete in itself: viewers lose what stands beside `anyOf`. */
function eventSchema ({ title, description, event, isText, id, retry, data, outline }: EventBranch, hasNames: boolean, version: Version): SchemaObject {
  // Some parsers name unnamed events `message`, which also tells them from the named ones.
  const name = event ?? (hasNames ? 'message' : undefined)
  return {
    title,
    ...(description === undefined ? {} : { description }),
    type: 'object',
    required: event === undefined ? ['data'] : ['event', 'data'],
    properties: {
      ...(name === undefined ? {} : { event: literal(name, version) }),
      data: isText ? data : { ...jsonText(data, version), ...(outline === undefined ? {} : { description: outline }) },
      ...(id ? { id: { type: 'string' } } : {}),
      ...(retry ? { retry: { type: 'integer', minimum: 0, ...(version === '3.0' ? { example: 3000 } : { examples: [3000] }) } } : {})
    }
  }
}
