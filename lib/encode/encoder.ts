// From what a source yields to what is written: a frame for a response, or a record for a log. The message is checked
// first, then its payload (payload.ts). Nothing is appended where either is refused.
import { SSE_ERR_EVENT, SSE_ERR_MESSAGE } from '../errors.ts'
import { BareFrame, checkFieldNames, Checkpoint, Message } from '../wire/message.ts'
import { commentLines, DATA, dataLines, END, eventLine, positionLines } from '../wire/frame.ts'
import { type Outgoing } from '../wire/frames.ts'
import { type Declaration, eventTitle, UNNAMED } from '../contract/declaration.ts'
import { isRaw } from '../schema/raw-text.ts'
import { type SchemaCompiler } from './check.ts'
import { compilePayload, compileText, undeclaredPayload, type WritePayload } from './payload.ts'
import { type SchemaObject } from '../schema/walk.ts'
import { validated } from './standard.ts'

/** What a log stores of an event: its checked payload, without a position. */
export interface EventRecord {
  /** The event's name; '' for unnamed ones. */
  readonly event: string
  /** One line of JSON, or raw text. */
  readonly data: string
}

/** Encodes the items of one contract. */
export interface Encoder {
  /**
   * Appends the frame of an item.
   *
   * @throws SSE_ERR_MESSAGE, SSE_ERR_EVENT, SSE_ERR_ID or SSE_ERR_RETRY for a malformed message, then
   *   SSE_ERR_PAYLOAD or SSE_ERR_SERIALIZE for its payload
   */
  frame (item: unknown, out: Outgoing): void
  /**
   * The record of an event. Its `id`, `retry` and `comment` are not looked at: whether they are allowed is the log's matter.
   *
   * @throws SSE_ERR_MESSAGE or SSE_ERR_EVENT for an item that is no event, then SSE_ERR_PAYLOAD or SSE_ERR_SERIALIZE
   */
  record (item: unknown): EventRecord
}

/** One declared event, compiled. */
interface EventEncoder {
  /** '' for unnamed ones. */
  readonly name: string
  readonly write: WritePayload
  /** The frame of a payload: everything before the data is built in, `tail` is everything after its last line. */
  readonly frame: (data: unknown, tail: string) => string
}

/** The tail of an event without fields. */
const TAIL = END + END

/**
 * Compiles a declaration.
 *
 * @throws SSE_ERR_SCHEMA
 */
export async function compileEncoder (declaration: Declaration, compiler: SchemaCompiler): Promise<Encoder> {
  const unnamed = declaration.events.get(UNNAMED)
  if (unnamed !== undefined) return new UnnamedEncoder(await compileEvent(UNNAMED, unnamed, compiler, declaration.sentinel))
  const events = new Map<unknown, EventEncoder>()
  for (const [name, schema] of declaration.events) events.set(name, await compileEvent(name, schema, compiler))
  return new NamedEncoder(events)
}

/** Events without a name: anything that is yielded is a payload, unless it is a message. */
class UnnamedEncoder implements Encoder {
  readonly #event: EventEncoder

  constructor (event: EventEncoder) {
    this.#event = event
  }

  frame (item: unknown, out: Outgoing): void {
    if (item instanceof BareFrame) return appendBare(item, out)
    if (item instanceof Message) return appendMessage(unnamedMessage(item), this.#event, out)
    out.text += this.#event.frame(item, TAIL)
    out.events++
    out.isResumable = false
  }

  record (item: unknown): EventRecord {
    rejectBare(item)
    return recordOf(this.#event, item instanceof Message ? unnamedMessage(item).data : item)
  }
}

/** Events with names: messages, or objects with the fields of one. */
class NamedEncoder implements Encoder {
  readonly #events: Map<unknown, EventEncoder>

  constructor (events: Map<unknown, EventEncoder>) {
    this.#events = events
  }

  frame (item: unknown, out: Outgoing): void {
    if (item instanceof BareFrame) return appendBare(item, out)
    appendMessage(item as Message, this.#eventOf(item), out)
  }

  record (item: unknown): EventRecord {
    rejectBare(item)
    return recordOf(this.#eventOf(item), (item as Message).data)
  }

  #eventOf (item: unknown): EventEncoder {
    if (typeof item !== 'object' || item === null) throw new SSE_ERR_MESSAGE(`expected { event, data }, got ${item === null ? 'null' : typeof item}`)
    const { event: name } = item as Message
    const event = this.#events.get(name)
    if (event === undefined) throw this.#undeclared(name)
    if (!(item instanceof Message)) {
      const { data, ...fields } = item as Message
      checkFieldNames(fields)
    }
    return event
  }

  #undeclared (name: unknown): Error {
    const declared = Array.from(this.#events.keys(), known => `'${String(known)}'`).join(', ')
    return new SSE_ERR_EVENT(`${typeof name === 'string' ? `'${name}' is not declared` : 'is missing'}: the events of this stream are ${declared}`)
  }
}

/** The encoder of a route without a schema: any name, any JSON, no check. */
export const undeclaredEncoder: Encoder = {
  frame (item, out) {
    if (item instanceof BareFrame) return appendBare(item, out)
    const message = item instanceof Message ? item : new Message(item, {})
    appendMessage(message, undeclaredEvent(message.event), out)
  },
  record (item) {
    rejectBare(item)
    const message = item instanceof Message ? item : new Message(item, {})
    return recordOf(undeclaredEvent(message.event), message.data)
  }
}

function appendMessage ({ id, retry, comment, data }: Message, event: EventEncoder, out: Outgoing): void {
  // The fields are checked before the payload.
  const tail = id === undefined && retry === undefined ? TAIL : END + positionLines(retry, id) + END
  out.text += comment === undefined ? event.frame(data, tail) : commentLines(comment) + event.frame(data, tail)
  out.events++
  out.isResumable = id !== undefined
}

function appendBare (item: BareFrame, out: Outgoing): void {
  out.text += item.toFrame()
  if (item instanceof Checkpoint) out.isResumable = true
}

function unnamedMessage (message: Message): Message {
  if (message.event !== undefined) throw new SSE_ERR_EVENT(`'${String(message.event)}' is not declared: the events of this stream have no name`)
  return message
}

function rejectBare (item: unknown): void {
  if (item instanceof BareFrame) throw new SSE_ERR_MESSAGE('comments and checkpoints are no events, so a log does not store them')
}

function recordOf ({ name, write }: EventEncoder, data: unknown): EventRecord {
  return { event: name, data: write(data) }
}

async function compileEvent (name: string, schema: SchemaObject, compiler: SchemaCompiler, sentinel?: string): Promise<EventEncoder> {
  const title = eventTitle(name)
  const head = name === UNNAMED ? '' : eventLine(name)
  if (!isRaw(schema)) return jsonEvent(name, head, validated(title, schema, await compilePayload(title, schema, compiler)))
  const write = validated(title, schema, await compileText(title, schema, compiler, sentinel))
  return { name, write, frame: (data, tail) => head + dataLines(write(data)) + tail }
}

function undeclaredEvent (name: string | undefined): EventEncoder {
  if (name === undefined) return jsonEvent(UNNAMED, '', undeclaredPayload(eventTitle(UNNAMED)))
  return jsonEvent(name, eventLine(name), undeclaredPayload(name))
}

function jsonEvent (name: string, head: string, write: WritePayload): EventEncoder {
  const prefix = head + DATA
  return { name, write, frame: (data, tail) => prefix + write(data) + tail }
}
