// Options as a user gave them, checked. Kept small, because browsers load it: one text says what an option may be, for the
// check and for the message.
import { OptionError } from './errors.ts'

const FUNCTION = 'a function'
const NUMBER = 'a number >= 0'
export const OBJECT = 'an object'
export const STRING = 'a string'

/** The options of `connect` and `parse`: the types, and the literals, of their values. */
const OPTIONS: Record<string, string> = {
  contract: OBJECT,
  raw: OBJECT + ' or true',
  sentinel: STRING,
  errorEvent: STRING + ' or false',
  check: FUNCTION,
  onInvalid: FUNCTION + ", 'fail' or 'skip'",
  onGap: FUNCTION,
  maxEventSize: NUMBER,
  method: STRING,
  fetch: FUNCTION,
  signal: OBJECT,
  heartbeat: NUMBER + ' or false',
  lastEventId: STRING,
  reconnect: 'a boolean',
  backoff: OBJECT,
  shouldRetry: FUNCTION,
  share: FUNCTION,
  onStateChange: FUNCTION
}

const BACKOFF: Record<string, string> = { delay: NUMBER, maxDelay: NUMBER, attempts: NUMBER }

/**
 * Checks the options of `connect` or `parse`; `undefined` counts as not given. Other names are passed on to `fetch`, which
 * has options of its own in every runtime, so only those that are close to one of ours are refused.
 *
 * @throws OptionError for a value of the wrong type or range, and for a misspelled name
 */
export function checkOptions (options: object): void {
  checkAll('options', options, OPTIONS)
  const { backoff = {}, check, contract, signal } = options as { backoff?: object, check?: unknown, contract?: { content?: unknown }, signal?: { aborted?: unknown } }
  checkAll('backoff', backoff, BACKOFF)
  if ((contract || check) && !contract?.content) throw new OptionError('contract', 'what EventStream returned, which `check` needs', typeof contract)
  if (signal && signal.aborted === undefined) throw new OptionError('signal', 'an AbortSignal', OBJECT)
}

function checkAll (what: string, options: object, expected: Record<string, string>): void {
  checkValue(what, options, OBJECT)
  const names = Object.keys(expected)
  for (const [name, value] of Object.entries(options)) {
    const meant = names.find(known => isNear(name, known, known.length >> 2))
    if (meant === undefined && expected === OPTIONS) continue
    if (meant !== name) throw new OptionError(name, meant ?? names.join(' or '), 'an unknown name')
    if (value !== undefined) checkValue(name, value, expected[name]!)
  }
}

/** @throws OptionError */
export function checkValue (name: string, value: unknown, expected: string): void {
  const type = typeof value
  const found = value === Object(value) ? type : type === 'string' ? `'${value as string}'` : String(value)
  const isOfType = expected.includes(type) && (type !== 'number' || value as number >= 0) && value !== null
  if (!isOfType && !expected.includes(found)) throw new OptionError(name, expected, found)
}

/** Whether a text becomes the other by so many letters inserted, left out or replaced. */
function isNear (a: string, b: string, edits: number): boolean {
  if (a === b) return true
  const [x, y] = [a.slice(1), b.slice(1)]
  if (a[0] === b[0]) return isNear(x, y, edits)
  return edits > 0 && (isNear(x, b, edits - 1) || isNear(a, y, edits - 1) || isNear(x, y, edits - 1))
}
