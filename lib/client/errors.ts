// Everything that ends a loop over messages. Each error has a `code`.
import type { FailureData, GapData } from '../wire/control.ts'

/** What the server reports about a failure after its headers: the data of the event named `error`. */
export type StreamErrorPayload = FailureData

/** The events between two ids that the server could not deliver. */
export type Gap = GapData

/** The server reported a failure in the middle of the stream. `code` is the server's own. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly statusCode: number
  readonly code: string | undefined
  /** The status as words. */
  readonly error: string

  constructor ({ statusCode, code, error, message }: StreamErrorPayload) {
    super(message)
    this.statusCode = statusCode
    this.code = code
    this.error = error
  }
}

/** An option of the wrong name, type or range. */
export class OptionError extends TypeError {
  override readonly name = 'OptionError'
  /** The server's code for the same fault. */
  readonly code = 'SSE_ERR_OPTION'

  constructor (option: string, expected: string, found: string) {
    super(`Option \`${option}\` must be ${expected}, got ${found}`)
  }
}

/** The response is not an event stream, and a retry would not help or is not allowed. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError'
  readonly code = 'SSE_ERR_RESPONSE'
  /** The response. Its body is unread: `await error.response.json()`. */
  readonly response: Response

  constructor (response: Response) {
    const { status, headers } = response
    super(`Expected a text/event-stream, got ${status} with ${headers.get('content-type') ?? 'no content type'}`)
    this.response = response
  }
}

/** The connection failed, was cut or fell silent, and reconnecting is off, not allowed or used up. The reason is the `cause`. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code = 'SSE_ERR_CONNECTION'
}

/** The stream cannot be resumed: its last id cannot be sent in a `Last-Event-ID` header. */
export class ResumeError extends Error {
  override readonly name = 'ResumeError'
  /** The server's code for the same fault. */
  readonly code = 'SSE_ERR_ID'
  readonly id: string

  constructor (id: string, options?: ErrorOptions) {
    super(`Cannot resume after the id ${JSON.stringify(id.length > 40 ? `${id.slice(0, 40)}…` : id)}: an id must have at most ` +
      '1024 bytes, no control characters and no space at its ends. Let the server send other ids, or set `reconnect: true` to resume from `lastEventId`', options)
    this.id = id
  }
}

/** An event is longer than `maxEventSize`. */
export class EventSizeError extends Error {
  override readonly name = 'EventSizeError'
  readonly code = 'SSE_ERR_EVENT_SIZE'
  readonly maxEventSize: number

  constructor (maxEventSize: number) {
    super(`An event has more than ${maxEventSize} characters: set \`maxEventSize\` to read larger ones`)
    this.maxEventSize = maxEventSize
  }
}

/** Events were lost, and there is no `onGap`. The stream's `lastEventId` is where to go on. */
export class GapError extends Error implements Gap {
  override readonly name = 'GapError'
  readonly code = 'SSE_ERR_GAP'
  readonly after: string | null
  readonly next: string | null

  constructor ({ after, next }: Gap) {
    super(`Events between the ids ${after} and ${next} were lost: set \`onGap\` to go on without them`)
    this.after = after
    this.next = next
  }
}

/** What is wrong with a message: the end of its code, the reason in words, and the cause. */
export type Fault = [fault: 'JSON' | 'EVENT' | 'PAYLOAD', reason: string, cause?: unknown]

/** A message does not fit its contract: invalid JSON, an undeclared event, or data that `check` rejects. */
export class MessageError extends Error {
  override readonly name = 'MessageError'
  /** `SSE_ERR_JSON`, `SSE_ERR_EVENT` or `SSE_ERR_PAYLOAD`; the last two are also the server's codes for the same fault. */
  readonly code: string
  /** The event's name; `message` if it has none. */
  readonly event: string
  /** The data as it was sent. */
  readonly text: string

  constructor ({ event, data }: { event: string, data: string }, ...[fault, reason, cause]: Fault) {
    super(`Event '${event}' ${reason}`, { cause })
    this.code = `SSE_ERR_${fault}`
    this.event = event
    this.text = data
  }
}
