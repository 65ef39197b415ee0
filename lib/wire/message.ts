// What a source may yield beside payloads.
import { SSE_ERR_ID, SSE_ERR_MESSAGE } from '../errors.ts'
import { commentLines, EMPTY_DATA, END, eventLine, positionLines } from './frame.ts'

/** The fields of an event beside its payload. Each is checked when the event is written. */
export interface Fields<Name extends string | undefined = string | undefined> {
  /** The event's type; on streams of named events one of the declared names. */
  event?: Name
  /** What the client sends back as `Last-Event-ID`. `0` and `''` are sent; see SSE_ERR_ID for what is refused. */
  id?: string | number | undefined
  /** The client's reconnection time from here on: ms, an integer >= 0. */
  retry?: number | undefined
  /** A comment, ignored by clients, written before the event. */
  comment?: string | undefined
}

/** A payload with fields, as {@link event} makes it. A class, so that no payload can be taken for one. */
export class Message<Data = unknown, Name extends string | undefined = string | undefined> {
  /** Makes the type nominal: an object with the same fields is no Message. */
  protected declare readonly isMessage: true
  readonly event: Name
  readonly data: Data
  readonly id: string | number | undefined
  readonly retry: number | undefined
  readonly comment: string | undefined

  constructor (data: Data, fields: Fields<Name>, event: Name = fields.event as Name) {
    this.event = event
    this.data = data
    this.id = fields.id
    this.retry = fields.retry
    this.comment = fields.comment
  }
}

/** A message that has a name at most beside its payload, so that a topic may take it. Only in types. */
export interface PlainMessage<Data = unknown, Name extends string | undefined = string | undefined> extends Message<Data, Name> {
  readonly id: undefined
  readonly retry: undefined
  readonly comment: undefined
}

/**
 * A message with the fields that it has, and no others: what is printed, compared or spread has no `undefined` in it.
 *
 * @param event '' for an unnamed one
 */
export function messageOf (event: string, data: unknown, id: string): Message<unknown, string | undefined> & { readonly id: string } {
  return Object.assign(Object.create(Message.prototype), event === '' ? { data, id } : { event, data, id })
}

/** A frame without a payload. Every stream may yield one, and it does not count as an event. */
export abstract class BareFrame {
  /**
   * The frame as it goes on the wire.
   *
   * @throws SSE_ERR_MESSAGE, SSE_ERR_EVENT, SSE_ERR_ID or SSE_ERR_RETRY for a field that cannot be written
   */
  abstract toFrame (): string
}

/** A frame of comment lines and nothing else, as {@link comment} makes it. */
export class Comment extends BareFrame {
  protected declare readonly isComment: true
  readonly text: string

  constructor (text: string) {
    super()
    this.text = text
  }

  override toFrame (): string {
    return commentLines(this.text) + END
  }
}

/** The fields of a checkpoint. */
export interface CheckpointFields {
  /** The position that the client resumes from. */
  id: string | number
  /** The client's reconnection time from here on: ms, an integer >= 0. */
  retry?: number | undefined
  /** The event's type, for clients that look at it. */
  event?: string | undefined
}

/**
 * A frame with an empty `data:` line, as {@link checkpoint} makes it. Not a frame without data: parsers drop the id of
 * those.
 */
export class Checkpoint extends BareFrame {
  protected declare readonly isCheckpoint: true
  /** In one property: an `event` of any name beside them would keep TypeScript from telling the events of a union by their name. */
  readonly fields: Readonly<CheckpointFields>

  /** @throws SSE_ERR_ID where there is no id */
  constructor (fields: CheckpointFields) {
    super()
    if (fields.id === undefined) throw new SSE_ERR_ID('undefined')
    this.fields = fields
  }

  override toFrame (): string {
    const { event, retry, id } = this.fields
    return (event === undefined ? '' : eventLine(event)) + EMPTY_DATA + positionLines(retry, id) + END
  }
}

const MESSAGE_FIELDS = ['event', 'id', 'retry', 'comment']

/**
 * Refuses fields that a message does not have, so that a typing error is not lost.
 *
 * @param names the fields that it has; by default those of an event
 * @throws SSE_ERR_MESSAGE
 */
export function checkFieldNames (fields: object, names: readonly string[] = MESSAGE_FIELDS): void {
  if (typeof fields !== 'object' || fields === null) throw new SSE_ERR_MESSAGE('the fields must be an object')
  for (const name in fields) {
    if (!names.includes(name)) throw new SSE_ERR_MESSAGE(`unknown field '${name}', the fields are ${names.join(', ')}`)
  }
}
