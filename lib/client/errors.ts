/** What the server tells of a failure after its headers: the data of the event named `error`. */
export interface StreamErrorPayload {
  /** The HTTP status that the failure would have had before the headers. */
  statusCode: number
  /** The error's code, where it has one. */
  code?: string
  /** The status as words, such as `Internal Server Error`. */
  error: string
  /** What happened; not exposed by the server for a status of 500 and above. */
  message: string
}

/** The server reported a failure in the middle of the stream. `code` is the server's own. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  declare readonly statusCode: number
  declare readonly code: string | undefined
  /** The status as words. */
  declare readonly error: string

  constructor ({ statusCode, code, error, message }: StreamErrorPayload) {
    super(message)
    this.statusCode = statusCode
    this.code = code
    this.error = error
  }
}

/** The server answered with something that is no event stream, and asking again would not help or is not allowed. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError'
  readonly code = 'SSE_ERR_RESPONSE'
  /** The response, its body unread: `await error.response.json()` gives what the server had to say. */
  declare readonly response: Response

  constructor (response: Response) {
    super(`No event stream: ${response.status} ${response.headers.get('content-type') ?? ''}`)
    this.response = response
  }
}

/** The connection failed, was cut or fell silent, and reconnecting is off, not allowed or used up. The reason is the `cause`. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code = 'SSE_ERR_CONNECTION'
}

/** What is wrong with a message, as part of a code and as words. */
export type Fault = [fault: 'JSON' | 'EVENT' | 'PAYLOAD', reason: string, cause?: unknown]

/** A message that is not as its contract says: no JSON, an undeclared event, or data that the `check` refuses. */
export class MessageError extends Error {
  override readonly name = 'MessageError'
  /** `SSE_ERR_JSON`, `SSE_ERR_EVENT` or `SSE_ERR_PAYLOAD`; the last two are also the server's codes for the same fault. */
  declare readonly code: string
  /** The event's name, `message` where it has none. */
  declare readonly event: string
  /** The data as it was sent. */
  declare readonly text: string

  constructor ({ event, data }: { event: string, data: string }, ...[fault, reason, cause]: Fault) {
    super(`Event '${event}' ${reason}`, { cause })
    this.code = `SSE_ERR_${fault}`
    this.event = event
    this.text = data
  }
}
