import { SSE_ERR_MESSAGE } from '../errors.ts'

/** The fields of an event beside its payload. Each is checked when the event is written. */
export interface Fields<Name extends string | undefined = string | undefined> {
  /** The event's type; on streams of named events one of the declared names. */
  event?: Name
  /** What the client sends back as `Last-Event-ID`. `0` and `''` are sent; CR, LF and NUL are refused. */
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

  constructor (data: Data, fields: Fields<Name>) {
    this.event = fields.event as Name
    this.data = data
    this.id = fields.id
    this.retry = fields.retry
    this.comment = fields.comment
  }
}

/** A frame of comment lines and nothing else, as {@link comment} makes it. */
export class Comment {
  protected declare readonly isComment: true
  readonly text: string

  constructor (text: string) {
    this.text = text
  }
}

const FIELDS = new Set(['event', 'id', 'retry', 'comment'])

/**
 * Refuses fields that no event has, so that a typing error is not lost.
 *
 * @throws SSE_ERR_MESSAGE
 */
export function checkFieldNames (fields: object): void {
  if (typeof fields !== 'object' || fields === null) throw new SSE_ERR_MESSAGE('the fields must be an object')
  for (const name in fields) {
    if (!FIELDS.has(name)) throw new SSE_ERR_MESSAGE(`unknown field '${name}'`)
  }
}
