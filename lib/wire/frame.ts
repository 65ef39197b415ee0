import { SSE_ERR_EVENT, SSE_ERR_ID, SSE_ERR_MESSAGE, SSE_ERR_RETRY } from '../errors.ts'

// Lone surrogates need no care here: they become U+FFFD when the text is encoded as UTF-8.

/** The end of a line in the standard's grammar: CRLF, CR or LF (HTML, section 9.2.5). */
const LINE_END = /\r\n|\r|\n/

/** Ends a line; an empty line ends a frame, and makes the client dispatch it. */
export const END = '\n'

/** Starts the data of an unnamed event. */
export const DATA = 'data: '

/** The comment frame of a heartbeat. */
export const HEARTBEAT = ':\n\n'

/** Text as `data:` lines, without the end of the last. A payload without line ends, so any JSON, is one line. */
export function dataLines (text: string): string {
  return lines(DATA, text)
}

/** Text as comment lines. */
export function commentLines (text: string): string {
  if (typeof text !== 'string') throw new SSE_ERR_MESSAGE('a comment must be a string')
  return lines(': ', text) + END
}

/**
 * The `event:` line.
 *
 * @throws SSE_ERR_EVENT for CR and LF, which would start another field, and for the empty name, which clients read as none
 */
export function eventLine (name: string): string {
  if (typeof name !== 'string') throw new SSE_ERR_EVENT(`must be a string, got ${typeof name}`)
  if (name === '') throw new SSE_ERR_EVENT('must not be empty')
  if (/[\r\n]/.test(name)) throw new SSE_ERR_EVENT('must not contain CR or LF')
  return `event: ${name}\n`
}

/**
 * The `retry:` and `id:` lines of an event. The id comes last: a client that commits the id as it reads the line
 * must not have it before the data of a frame that was cut.
 *
 * @throws SSE_ERR_RETRY, SSE_ERR_ID
 */
export function positionLines (retry: number | undefined, id: string | number | undefined): string {
  let text = ''
  if (retry !== undefined) text = retryLine(retry)
  if (id !== undefined) text += idLine(id)
  return text
}

/**
 * The `retry:` line.
 *
 * @param retry ms, an integer >= 0
 * @throws SSE_ERR_RETRY
 */
export function retryLine (retry: number): string {
  if (!Number.isSafeInteger(retry) || retry < 0) throw new SSE_ERR_RETRY(typeof retry === 'number' ? String(retry) : typeof retry)
  return `retry: ${retry}\n`
}

function idLine (id: string | number): string {
  if (typeof id === 'string') {
    // Clients ignore an id with NUL, and CR or LF would start another field.
    if (/[\r\n\0]/.test(id)) throw new SSE_ERR_ID('one with CR, LF or NUL')
  } else if (!Number.isFinite(id)) throw new SSE_ERR_ID(typeof id === 'number' ? String(id) : typeof id)
  return `id: ${id}\n`
}

function lines (prefix: string, text: string): string {
  if (!text.includes('\n') && !text.includes('\r')) return prefix + text
  return prefix + text.split(LINE_END).join(END + prefix)
}
