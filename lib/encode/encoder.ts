import { SSE_ERR_EVENT, SSE_ERR_MESSAGE } from '../errors.ts'
import { BareFrame, checkFieldNames, Message } from '../wire/message.ts'
import { commentLines, DATA, dataLines, END, eventLine, positionLines } from '../wire/frame.ts'
import { type Declaration, eventTitle, isRaw, UNNAMED } from '../contract/declaration.ts'
import { compilePayload, compileText, type Tools, undeclaredPayload, type WritePayload } from './payload.ts'
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

/**
 * Compiles a declaration.
 *
 * @throws SSE_ERR_SCHEMA
 */
export async function compileEncode (declaration: Declaration, tools: Tools): Promise<Encode> {
  const unnamed = declaration.events.get(UNNAMED)
  if (unnamed !== undefined) {
    return encodeUnnamed(await compileData({ name: eventTitle(UNNAMED), head: '' }, unnamed, tools, declaration.sentinel))
  }
  const events = new Map<string, EncodeData>()
  for (const [name, schema] of declaration.events) {
    events.set(name, await compileData({ name, head: eventLine(name) }, schema, tools))
  }
  return encodeNamed(events)
}

/** The encoding of a route without a schema: any name, any JSON, no check. */
export const encodeUndeclared: Encode = item => {
  if (item instanceof BareFrame) return item.toFrame()
  const { event } = item instanceof Message ? item : {}
  const name = event ?? eventTitle(UNNAMED)
  const encodeData = jsonData({ name, head: event === undefined ? '' : eventLine(event) }, undeclaredPayload(name))
  return item instanceof Message ? withFields(item, encodeData) : encodeData(item, TAIL)
}

function encodeUnnamed (encodeData: EncodeData): Encode {
  return item => {
    if (item instanceof BareFrame) return item.toFrame()
    if (!(item instanceof Message)) return encodeData(item, TAIL)
    if (item.event !== undefined) throw new SSE_ERR_EVENT(`'${String(item.event)}' is not declared: the events of this stream have no name`)
    return withFields(item, encodeData)
  }
}

function encodeNamed (events: Map<string, EncodeData>): Encode {
  return item => {
    if (item instanceof BareFrame) return item.toFrame()
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
  if (!isRaw(schema)) return jsonData(event, await compilePayload(event.name, schema, tools))
  const text = await compileText(event.name, schema, tools, sentinel)
  return (data, tail) => event.head + dataLines(text(data)) + tail
}

function jsonData ({ head }: EventHead, write: WritePayload): EncodeData {
  const prefix = head + DATA
  return (data, tail) => prefix + write(data) + tail
}
