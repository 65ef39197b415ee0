// The events that the library sends by itself, beside those of a contract. The encoder, the document and the client read
// this list, so it may run in a browser.
import { GAP_EVENT, READY_EVENT } from './event-names.ts'

export { isReservedName } from './event-names.ts'

/** An event that the library sends by itself. */
export interface ControlEvent {
  /** Its name on the wire; that of the failure is a default, which the option `errorEvent` replaces. */
  readonly name: string
  readonly description: string
  /** The JSON Schema of its data. */
  readonly schema: Readonly<Record<string, unknown>> & { readonly title: string }
  /** Data as it may be sent. */
  readonly example: object
}

/** The data of the event that reports a failure after the headers. */
export interface FailureData {
  statusCode: number
  /** Sent below 500, and for the library's own errors. */
  code?: string
  /** The status's reason phrase. */
  error: string
  message: string
}

/** The data of `$gap`. */
export interface GapData {
  /** The reader's cursor before the gap; null if it had none that could be read. */
  after: string | null
  /** The id of the next event that the log has; null if it has none yet. */
  next: string | null
}

const CURSOR = { type: ['string', 'null'] }

/** Reports a failure after the headers; the response is destroyed after it. */
export const FAILURE = {
  name: 'error',
  description: 'The stream failed and ends.',
  schema: {
    title: 'StreamFailure',
    type: 'object',
    description: 'A failure of the server or of the request.',
    required: ['statusCode', 'error', 'message'],
    properties: {
      statusCode: { type: 'integer' },
      code: { type: 'string' },
      error: { type: 'string' },
      message: { type: 'string' }
    }
  },
  example: { statusCode: 500, error: 'Internal Server Error', message: 'Internal Server Error' }
} satisfies ControlEvent

/** Gives a reader of a topic or run a position to resume from, before its next event. */
export const READY = {
  name: READY_EVENT,
  description: 'A position to resume from. It carries no data.',
  schema: { title: 'StreamReady', type: 'object', description: 'No data.', properties: {}, additionalProperties: false },
  example: {}
} satisfies ControlEvent

/** Tells a reader of a topic or run that it missed events. */
export const GAP = {
  name: GAP_EVENT,
  description: 'Events between two ids are lost to this reader.',
  schema: {
    title: 'StreamGap',
    type: 'object',
    description: 'The bounds of the events that are lost.',
    required: ['after', 'next'],
    properties: {
      after: { ...CURSOR, description: 'The last id that the reader had.' },
      next: { ...CURSOR, description: 'The id of the next event that there is.' }
    }
  },
  example: { after: 'Zk3x0aPw.1767225600000-41', next: 'Zk3x0aPw.1767225600000-58' }
} satisfies ControlEvent
