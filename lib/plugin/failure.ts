// Errors of sources and handlers on their way to the client and the log. They are the user's values: anything can be
// thrown, and any of their fields may throw when it is read or converted. An error that is thrown while a failure is
// reported would end the process and leave the response open, so nothing here throws.
import { STATUS_CODES } from 'node:http'
import { type FastifyBaseLogger, type FastifyRequest } from 'fastify'
import { SSE_ERR_SOURCE_FAILED } from '../errors.ts'
import { type SseOptions } from '../response/options.ts'
import { ignoreRejection } from '../stray-promise.ts'
import { FAILURE, type FailureData } from '../wire/control.ts'

/** The fields that Fastify, pino and {@link publicError} read, `cause` apart. */
const FIELDS = ['message', 'statusCode', 'status', 'code', 'name', 'stack'] as const

/** The thrown value, or an error in its place if it is no Error, or one that cannot be read. */
export function toError (thrown: unknown): Error {
  const canRead = isReadable(thrown)
  if (canRead && thrown instanceof Error) return thrown
  return Object.assign(new SSE_ERR_SOURCE_FAILED(typeof thrown), canRead ? { cause: thrown } : {})
}

function isReadable (thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return true
  try {
    const fields = thrown as Record<string, unknown>
    // Symbols and objects without a prototype throw in templates. Proxies may throw in `instanceof`.
    for (const field of FIELDS) String(`${fields[field] as string}`)
    return !(thrown instanceof Error) || isReadable(fields.cause)
  } catch {
    return false
  }
}

/**
 * What the `error` event says. Of an error of the server, clients learn only its kind.
 *
 * @param error from {@link toError}
 */
export function publicError (error: Error): FailureData {
  const { statusCode: own, status, code, message } = error as Error & { statusCode?: unknown, status?: unknown, code?: unknown }
  const given = Number(own ?? status)
  const statusCode = given >= 400 && given < 600 && Number.isInteger(given) ? given : 500
  const title = STATUS_CODES[statusCode] ?? 'Error'
  // Codes such as ECONNREFUSED tell how the server is built. Our own tell what is wrong with the stream.
  const isShown = typeof code === 'string' && (statusCode < 500 || code.startsWith('SSE_ERR_'))
  return {
    statusCode,
    ...(isShown ? { code } : {}),
    error: title,
    message: statusCode < 500 ? String(message) : title
  }
}

/**
 * Reports a failure to the client in the form that the option `errorEvent` gives it.
 *
 * @param error what a function is called with
 * @param encode encodes the item of a function; it throws for one that is not of the contract
 * @param standard encodes the library's own event, under this name
 * @returns undefined where the event is off
 */
export function encodeFailure<T> (errorEvent: SseOptions['errorEvent'], error: Error, request: FastifyRequest, encode: (item: unknown) => T, standard: (name: string) => T): T | undefined {
  if (typeof errorEvent === 'string') return standard(errorEvent)
  if (typeof errorEvent !== 'function') return undefined
  let item: unknown
  try {
    item = errorEvent(error, request)
    return encode(item)
  } catch (refused) {
    // An async function cannot be waited for.
    ignoreRejection(item)
    logError(request.log, 'warn', refused, `errorEvent gave no item of the contract; '${FAILURE.name}' is sent in its place`)
    return standard(FAILURE.name)
  }
}

/** Logs an error. Pino's serializer writes to it, which fails where it is frozen. */
export function logError (log: FastifyBaseLogger, level: 'warn' | 'error', thrown: unknown, message: string): void {
  const error = toError(thrown)
  try {
    log[level]({ err: error }, message)
  } catch {
    log[level]({ err: { message: String(error.message), stack: String(error.stack) } }, message)
  }
}
