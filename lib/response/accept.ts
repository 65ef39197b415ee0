import Negotiator from 'negotiator'

/** What is sent: ranges without parameters match it too. */
const EVENT_STREAM = 'text/event-stream; charset=utf-8'

/**
 * Tells whether a client takes an event stream (RFC 9110, section 12.5.1).
 *
 * @param accept the request's Accept header; without one, and with an empty one, everything is taken
 */
export function acceptsEventStream (accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === 'text/event-stream' || accept === '*/*') return true
  return new Negotiator({ headers: { accept } }).mediaType([EVENT_STREAM]) !== undefined
}
