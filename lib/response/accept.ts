import Negotiator from 'negotiator'

const EVENT_STREAM = 'text/event-stream'

/**
 * Tells whether a client takes an event stream (RFC 9110, section 12.5.1).
 *
 * @param accept the request's Accept header; without one everything is taken
 */
export function acceptsEventStream (accept: string | undefined): boolean {
  if (accept === undefined || accept === EVENT_STREAM || accept === '*/*') return true
  return new Negotiator({ headers: { accept } }).mediaType([EVENT_STREAM]) !== undefined
}
