import { SSE_ERR_EVENT, SSE_ERR_MESSAGE, SSE_ERR_PAYLOAD, SSE_ERR_SCHEMA, SSE_ERR_SERIALIZE } from '../errors.ts'
import { checkFieldNames, Comment, Message } from '../wire/message.ts'
import { commentLines, DATA, dataLines, END, eventLine, positionLines } from '../wire/frame.ts'
import { type Check, type CheckCompiler } from './check.ts'
import { type Declaration, isRaw, UNNAMED } from '../contract/declaration.ts'
import { compileSerialize, type Serialize, stringify } from './serialize.ts'
import { type SchemaObject } from '../schema/walk.ts'

/**
 * Turns one yielded item into a frame.
 *
 * @throws SSE_ERR_MESSAGE, SSE_ERR_EVENT, SSE_ERR_ID or SSE_ERR_RETRY for a message that is none, then
 *   SSE_ERR_PAYLOAD or SSE_ERR_SERIALIZE for its payload
 */
export type Encode = (item: unknown) => string

/** A payload as the frame around it: all before the data is built in, `tail` is all that follows its last line. */
type EncodeData = (data: unknown, tail: string) => string

/** The tail of an event without fields. */
const TAIL = END + END

/** What contracts are compiled with. */
export interface Tools {
  readonly compileCheck: CheckCompiler
  /** The app's schemas by `$id`. */
  readonly shared: Record<string, unknown>
}

/**
 * Compiles a declaration.
 *
 * @throws SSE_ERR_SCHEMA
 */
export async function compileEncode (declaration: Declaration, tools: Tools): Promise<Encode> {
  if (declaration.events === null) {
    return encodeUnnamed(await compileData({ name: UNNAMED, head: '' }, declaration.payload!, tools, declaration.sentinel))
  }
  const events = new Map<string, EncodeData>()
  for (const [name, schema] of Object.entries(declaration.events)) {
    events.set(name, await compileData({ name, head: eventLine(name) }, schema, tools))
  }
  return encodeNamed(events)
}

/** The encoding of a route without a schema: any name, any JSON, no check. */
export const encodeUndeclared: Encode = item => {
  if (item instanceof Comment) return commentLines(item.text) + END
  const { event } = item instanceof Message ? item : {}
  const encodeData = undeclaredData({ name: event ?? UNNAMED, head: event === undefined ? '' : eventLine(event) })
  return item instanceof Message ? withFields(item, encodeData) : encodeData(item, TAIL)
}

function encodeUnnamed (encodeData: EncodeData): Encode {
  return item => {
    if (item instanceof Comment) return commentLines(item.text) + END
    if (!(item instanceof Message)) return encodeData(item, TAIL)
    if (item.event !== undefined) throw new SSE_ERR_EVENT(`'${String(item.event)}' is not declared: the events of this stream have no name`)
    return withFields(item, encodeData)
  }
}

function encodeNamed (events: Map<string, EncodeData>): Encode {
  return item => {
    if (item instanceof Comment) return commentLines(item.text) + END
    if (typeof item !== 'object' || item === null) throw new SSE_ERR_MESSAGE(`expected { event, data }, got ${item === null ? 'null' : typeof item}`)
    const message = item as Message
    const encodeData = events.get(message.event as string)
    if (encodeData === undefined) {
      throw new SSE_ERR_EVENT(typeof message.event === 'string' ? `'${message.event}' is not declared` : 'is missing')
    }
    if (!(item instanceof Message)) {
      const { data, ...fields } = message
      checkFieldNames(fields)
    }
    return withFields(message, encodeData)
  }
}

function withFields ({ id, retry, comment, data }: Message, encodeData: EncodeData): string {
  // The fields are checked before the payload.
  const tail = id === undefined && retry === undefined ? TAIL : END + positionLines(retry, id) + END
  return comment === undefined ? encodeData(data, tail) : commentLines(comment) + encodeData(data, tail)
}

/** An event's name in errors, and the line that names it on the wire. */
interface EventHead {
  readonly name: string
  readonly head: string
}

async function compileData (event: EventHead, schema: SchemaObject, tools: Tools, sentinel?: string): Promise<EncodeData> {
  const { name } = event
  const check = await compilePayload(name, () => tools.compileCheck(schema))
  if (isRaw(schema)) return rawData(event, check, sentinel)
  const serialize = await compilePayload(name, () => compileSerialize(schema, tools.shared))
  const encodeData = jsonData(event, check, serialize)
  // A schema that takes anything, or any object, also takes what JSON cannot carry.
  return [undefined, new Uint8Array(1), new Map()].some(value => check.accepts(value)) ? guarded(name, encodeData) : encodeData
}

async function compilePayload<T> (name: string, compile: () => T | Promise<T>): Promise<T> {
  try {
    return await compile()
  } catch (error) {
    throw Object.assign(new SSE_ERR_SCHEMA(`event '${name}'`, (error as Error).message), { cause: error })
  }
}

function jsonData ({ name, head }: EventHead, check: Check, serialize: Serialize): EncodeData {
  const prefix = head + DATA
  return (data, tail) => {
    let json: string | Error
    try {
      // The check too fails where a getter throws, or where a circular payload meets a recursive schema.
      json = check.accepts(data) ? serialize(data) : refusal(name, check, data)
    } catch (error) {
      throw unserializable(name, error)
    }
    if (typeof json !== 'string') throw json
    return prefix + json + tail
  }
}

function rawData ({ name, head }: EventHead, check: Check, sentinel: string | undefined): EncodeData {
  return (data, tail) => {
    if (typeof data !== 'string') throw invalid(name, '', `must be string, got ${nameOf(data)}`)
    if (!check.accepts(data)) throw refusal(name, check, data)
    if (data === sentinel) throw invalid(name, '', 'must not be the sentinel')
    return head + dataLines(data) + tail
  }
}

function undeclaredData ({ name, head }: EventHead): EncodeData {
  return guarded(name, (data, tail) => {
    try {
      return head + DATA + stringify(data) + tail
    } catch (error) {
      throw unserializable(name, error)
    }
  })
}

function guarded (name: string, encodeData: EncodeData): EncodeData {
  return (data, tail) => {
    if (!isJson(data)) throw invalid(name, '', `${nameOf(data)} is no JSON`)
    const text = encodeData(data, tail)
    // Where an object is declared it would be an empty one.
    if (data instanceof Date && !text.includes(JSON.stringify(data))) throw invalid(name, '', `must not be a Date${hint(data)}`)
    return text
  }
}

/** JSON.stringify makes an empty object of maps and sets. */
function isJson (data: unknown): boolean {
  return data !== undefined && typeof data !== 'function' && typeof data !== 'symbol' && !ArrayBuffer.isView(data) &&
    !(data instanceof Map) && !(data instanceof Set)
}

function refusal (name: string, check: Check, data: unknown): Error {
  const { pointer, message } = check.explain(data)
  return invalid(name, pointer, message + hint(valueAt(data, pointer)))
}

/** What to send in the place of a value that JSON does not have. */
function hint (value: unknown): string {
  if (value instanceof Date) return ' (got a Date: JSON has none, send date.toISOString())'
  return ArrayBuffer.isView(value) ? ' (got bytes: decode them first)' : ''
}

function invalid (event: string, pointer: string, message: string): Error {
  return Object.assign(new SSE_ERR_PAYLOAD(event, pointer, message), { event, pointer })
}

function unserializable (name: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : 'a toJSON() or a getter threw'
  // fast-json-stringify tells the value.
  if (message.startsWith('The value "')) return Object.assign(new SSE_ERR_SERIALIZE(name, 'a toJSON() or a getter gives what the schema refuses'), { event: name })
  return Object.assign(new SSE_ERR_SERIALIZE(name, cause instanceof RangeError ? 'it is circular, or nested too deep' : message), { event: name, cause })
}

function valueAt (data: unknown, pointer: string): unknown {
  let value: unknown = data
  for (const key of pointer.split('/').slice(1)) {
    value = (value as Record<string, unknown> | null | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return value
}

function nameOf (value: unknown): string {
  // Not `value.constructor`, which may be a part of the value.
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value)?.constructor.name ?? 'object' : typeof value
}
