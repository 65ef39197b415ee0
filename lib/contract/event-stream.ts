// EventStream and RawText: they turn schemas into a response schema with a declaration in it.
import { SSE_ERR_CONTRACT, SSE_ERR_CONTRACT_AMBIGUOUS, SSE_ERR_SENTINEL } from '../errors.ts'
import { eventLine } from '../wire/frame.ts'
import { EVENT_STREAM } from '../wire/media-type.ts'
import { type EventStream as EventStreamSchema, type RawText as RawTextSchema, type Schema } from './infer.ts'
import { declare, type Declaration, payloadSchema, refuseReserved, UNNAMED } from './declaration.ts'
import { isJsonText } from '../schema/json-text.ts'
import { isRaw, markRaw } from '../schema/raw-text.ts'
import { isStandardSchema, type StandardSchema, toJsonSchema } from '../schema/standard-schema.ts'
import { typeboxOf } from '../schema/typebox.ts'
import { isObject, type SchemaObject } from '../schema/walk.ts'

/** What is documented and agreed beside the schemas of a stream. */
export interface EventStreamOptions {
  /** The last `data:` of a stream that ended well, such as `[DONE]`; not validated, but documented. None by default. */
  sentinel?: string | undefined
  /** The response's description in the document. */
  description?: string | undefined
  /** Whether the document says that events carry an `id`. Not by default. */
  id?: boolean | undefined
  /** Whether the document says that events may carry `retry`. Not by default. */
  retry?: boolean | undefined
}

/** The type of `EventStream`. */
export interface EventStreamFunction {
  /**
   * Declares a response of `text/event-stream`.
   *
   * @param schemas the payload's schema, for unnamed events, or the schemas by event name
   */
  <const M extends Schema>(schemas: M, options?: EventStreamOptions): EventStreamSchema<M>
}

/** The type of `RawText`. */
export interface RawTextFunction {
  (): RawTextSchema
  <const T extends Schema>(schema: T): RawTextSchema<T>
}

const OPTIONS: Record<keyof EventStreamOptions, string> = { sentinel: 'string', description: 'string', id: 'boolean', retry: 'boolean' }

/** The keywords that make an object a schema, and the form of their values. */
const KEYWORDS: Record<string, (value: unknown) => boolean> = {
  type: value => typeof value === 'string' || Array.isArray(value),
  $ref: isString,
  $id: isString,
  enum: Array.isArray,
  allOf: Array.isArray,
  anyOf: Array.isArray,
  oneOf: Array.isArray,
  const: () => true,
  properties: isObject,
  patternProperties: isObject,
  items: value => isObject(value) || Array.isArray(value),
  not: isObject,
  if: isObject
}

/**
 * What Fastify finds where the plugin does not replace it with the payload's schema: it cannot be resolved, so the app does
 * not start, and the message says why. Without it the route would answer `200 {}`.
 */
const UNREGISTERED = { $ref: 'fastify-typed-sse-is-not-registered:await-app.register(typedSse)-before-this-route#' }

/**
 * Declares a response of `text/event-stream`: a plain response schema, to stand wherever Fastify takes one.
 *
 * @param input the schema of unnamed events, or a map of event names to schemas: TypeBox, Standard Schema, plain JSON Schema, or `RawText`
 * @throws SSE_ERR_CONTRACT, SSE_ERR_CONTRACT_AMBIGUOUS, SSE_ERR_EVENT, SSE_ERR_SENTINEL, SSE_ERR_SCHEMA
 */
export const EventStream = eventStream as EventStreamFunction

/**
 * Marks a schema as text that goes out as it is, split into lines as the standard says, not as JSON.
 *
 * @param schema of strings; any string by default
 * @throws SSE_ERR_CONTRACT
 */
export const RawText = rawText as RawTextFunction

function eventStream (input: unknown, options: EventStreamOptions = {}): object {
  checkOptions(options)
  const given = schemasByName(input)
  const events = new Map(Array.from(given, ([name, schema]) => [name, payloadSchema(name, schema)]))
  checkSentinel(options.sentinel, events.has(UNNAMED) && !isRaw(input as object))
  const declaration: Declaration = { events, sentinel: options.sentinel, id: options.id ?? false, retry: options.retry ?? false }
  return {
    description: options.description ?? 'Server-sent events.',
    content: { [EVENT_STREAM]: declare({ schema: UNREGISTERED }, declaration) }
  }
}

function rawText (schema: object = { type: 'string' }): object {
  const given = isStandardSchema(schema) ? toJsonSchema('RawText', schema) : schema
  if (!isSchema(given) || ('type' in given && ![given.type].flat().includes('string'))) throw new SSE_ERR_CONTRACT('RawText takes a schema of strings')
  return markRaw(given)
}

/** The payload schemas as they are given, by event name. */
function schemasByName (input: unknown): Map<string, SchemaObject | StandardSchema> {
  if (isStandardSchema(input)) return new Map([[UNNAMED, input]])
  if (!isObject(input) || input instanceof Promise) throw new SSE_ERR_CONTRACT(`EventStream takes a schema, or a map of event names to schemas, got ${kindOf(input)}`)
  const values = Object.values(input)
  const isMap = values.length > 0 && values.every(value => isStandardSchema(value) || isSchema(value))
  // No keyword of JSON Schema has a Standard Schema for its value.
  if (isSchema(input) && !values.some(isStandardSchema)) {
    if (isMap && typeboxOf(input) === undefined) throw new SSE_ERR_CONTRACT_AMBIGUOUS(Object.keys(input).join(', '))
    return new Map([[UNNAMED, input]])
  }
  if (!isMap) {
    const wrong = Object.entries(input).find(([, value]) => !isStandardSchema(value) && !isSchema(value))
    const found = wrong === undefined ? 'an object without names' : `an object in which the value of '${wrong[0]}' is ${kindOf(wrong[1])}, which is no schema`
    throw new SSE_ERR_CONTRACT(`EventStream takes a schema, or a map of event names to schemas, got ${found}`)
  }
  Object.keys(input).forEach(checkName)
  return new Map(Object.entries(input) as Array<[string, SchemaObject | StandardSchema]>)
}

function kindOf (value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a promise (await it)'
  return typeof value === 'object' && value !== null ? 'an object' : value === undefined || value === null ? String(value) : `a ${typeof value}`
}

function checkName (name: string): void {
  eventLine(name)
  refuseReserved(name)
}

function isSchema (value: unknown): value is SchemaObject {
  if (!isObject(value) || value instanceof Promise) return false
  if (typeboxOf(value) !== undefined || isRaw(value)) return true
  const keys = Reflect.ownKeys(value)
  return keys.length === 0 || Object.entries(value).some(([key, inner]) => Object.hasOwn(KEYWORDS, key) && KEYWORDS[key]!(inner))
}

function checkOptions (options: unknown): void {
  if (!isObject(options) || options instanceof Promise) throw new SSE_ERR_CONTRACT(`The options of EventStream must be an object, got ${kindOf(options)}`)
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) throw new SSE_ERR_CONTRACT(`EventStream has no option '${name}': its options are ${Object.keys(OPTIONS).join(', ')}`)
    const expected = OPTIONS[name as keyof EventStreamOptions]
    const found: string = typeof value
    if (value !== undefined && found !== expected) throw new SSE_ERR_CONTRACT(`Option '${name}' of EventStream must be a ${expected}, got ${kindOf(value)}`)
  }
}

function checkSentinel (sentinel: string | undefined, isJson: boolean): void {
  if (sentinel === undefined) return
  if (sentinel === '' || /[\r\n]/.test(sentinel)) throw new SSE_ERR_SENTINEL('must be one line that is not empty')
  if (isJson && isJsonText(sentinel)) throw new SSE_ERR_SENTINEL('must not be JSON, or a payload could be taken for it')
}

function isString (value: unknown): boolean {
  return typeof value === 'string'
}
