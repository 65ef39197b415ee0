import Negotiator from 'negotiator'
import { EVENT_STREAM, EVENT_STREAM_UTF8 } from '../wire/media-type.ts'

/**
 * Tells whether a client takes an event stream (RFC 9110, section 12.5.1).
 *
 * @param accept the request's Accept header; without one, and with an empty one, everything is taken
 */
export function acceptsEventStream (accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === EVENT_STREAM || accept === '*/*') return true
  return new Negotiator({ headers: { accept } }).mediaType([EVENT_STREAM_UTF8]) !== undefined
}
