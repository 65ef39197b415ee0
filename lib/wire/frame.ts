// The lines of a frame (HTML, section 9.2.5): checked, and split at every line end.
import { SSE_ERR_EVENT, SSE_ERR_ID, SSE_ERR_MESSAGE, SSE_ERR_RETRY } from '../errors.ts'

// Lone surrogates need no care here: they become U+FFFD when the text is encoded as UTF-8.

/** The end of a line in the standard's grammar: CRLF, CR or LF (HTML, section 9.2.5). */
const LINE_END = /\r\n|\r|\n/

const MAX_ID_BYTES = 1024

/** Ends a line; an empty line ends a frame, and makes the client dispatch it. */
export const END = '\n'

/** Starts the data of an unnamed event. */
export const DATA = 'data: '

/** An empty `data:` line: the client takes the frame's id, and has no payload to read. */
export const EMPTY_DATA = 'data:\n'

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
  if (typeof id === 'string') checkId(id)
  else if (!Number.isFinite(id)) throw new SSE_ERR_ID(typeof id === 'number' ? String(id) : typeof id)
  return `id: ${id}\n`
}

/** Clients send an id back in a header: not every one can carry control characters, spaces at its ends are lost, and servers limit its size. */
function checkId (id: string): void {
  if (/\p{Cc}/u.test(id)) throw new SSE_ERR_ID('one with a control character')
  if (id.startsWith(' ') || id.endsWith(' ')) throw new SSE_ERR_ID('one with a space at an end')
  // A UTF-16 code unit takes at most three bytes: most ids need not be encoded to be measured.
  if (id.length * 3 <= MAX_ID_BYTES) return
  const bytes = new TextEncoder().encode(id).length
  if (bytes > MAX_ID_BYTES) throw new SSE_ERR_ID(`one of ${bytes} bytes`)
}

function lines (prefix: string, text: string): string {
  if (!text.includes('\n') && !text.includes('\r')) return prefix + text
  return prefix + text.split(LINE_END).join(END + prefix)
}
