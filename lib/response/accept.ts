// Content negotiation, for routes with `strictAccept`.
import Negotiator from 'negotiator'
import { EVENT_STREAM, EVENT_STREAM_UTF8 } from '../wire/media-type.ts'

/** Browsers send up to 200 characters. Negotiator takes 18 ms of CPU for 15 KB. */
const MAX_LENGTH = 1000

/**
 * Whether a client accepts an event stream (RFC 9110, section 12.5.1).
 *
 * @param accept the request's Accept header. Without one, and with one that is empty or longer than anyone means it,
 *   everything is accepted
 */
export function acceptsEventStream (accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept.length > MAX_LENGTH || accept === EVENT_STREAM || accept === '*/*') return true
  return new Negotiator({ headers: { accept } }).mediaType([EVENT_STREAM_UTF8]) !== undefined
}
