// From a payload to the text of its `data:`: checked against its schema, then written. Errors name the event and the
// place, never the value.

import { SSE_ERR_PAYLOAD, SSE_ERR_SCHEMA, SSE_ERR_SERIALIZE } from '../errors.ts'
import { type SchemaObject } from '../schema/walk.ts'
import { type Check, type CheckCompiler } from './check.ts'
import { compileSerialize, type Serialize, stringify } from './serialize.ts'

/** What payload schemas are compiled with. */
export interface Tools {
  readonly compileCheck: CheckCompiler
  /** The app's schemas by `$id`. */
  readonly shared: Record<string, unknown>
}

/**
 * Checks a payload and writes it: as one line of JSON, or as the text that it is.
 *
 * @throws SSE_ERR_PAYLOAD or SSE_ERR_SERIALIZE
 */
export type WritePayload = (data: unknown) => string

/**
 * Compiles the schema of an event's JSON.
 *
 * @param event its name, for errors
 * @throws SSE_ERR_SCHEMA
 */
export async function compilePayload (event: string, schema: SchemaObject, tools: Tools): Promise<WritePayload> {
  const check = await compiled(event, () => tools.compileCheck(schema))
  const serialize = await compiled(event, () => compileSerialize(schema, tools.shared))
  const write = jsonPayload(event, check, serialize)
  // A schema that takes anything, or any object, also takes what JSON cannot carry.
  return [undefined, new Uint8Array(1), new Map()].some(value => check.accepts(value)) ? guarded(event, write) : write
}

/**
 * Compiles the schema of an event's raw text.
 *
 * @param event its name, for errors
 * @param sentinel what no text may be
 * @throws SSE_ERR_SCHEMA
 */
export async function compileText (event: string, schema: SchemaObject, tools: Tools, sentinel?: string): Promise<WritePayload> {
  const check = await compiled(event, () => tools.compileCheck(schema))
  return data => {
    if (typeof data !== 'string') throw invalid(event, '', `must be string, got ${nameOf(data)}`)
    if (!check.accepts(data)) throw refusal(event, check, data)
    if (data === sentinel) throw invalid(event, '', 'must not be the sentinel')
    return data
  }
}

/** Writes the JSON of an event without a schema: any JSON, no check. */
export function undeclaredPayload (event: string): WritePayload {
  return guarded(event, data => {
    try {
      return stringify(data)
    } catch (error) {
      throw unserializable(event, error)
    }
  })
}

async function compiled<T> (event: string, compile: () => T | Promise<T>): Promise<T> {
  try {
    return await compile()
  } catch (error) {
    throw Object.assign(new SSE_ERR_SCHEMA(`event '${event}'`, (error as Error).message), { cause: error })
  }
}

function jsonPayload (event: string, check: Check, serialize: Serialize): WritePayload {
  return data => {
    let json: string | Error
    try {
      // The check too fails where a getter throws, or where a circular payload meets a recursive schema.
      json = check.accepts(data) ? serialize(data) : refusal(event, check, data)
    } catch (error) {
      throw unserializable(event, error)
    }
    if (typeof json !== 'string') throw json
    return json
  }
}

function guarded (event: string, write: WritePayload): WritePayload {
  return data => {
    if (!isJson(data)) throw invalid(event, '', `${nameOf(data)} is no JSON`)
    const json = write(data)
    // Where an object is declared it would be an empty one.
    if (data instanceof Date && json !== JSON.stringify(data)) throw invalid(event, '', `must not be a Date${hint(data)}`)
    return json
  }
}

/** JSON.stringify makes an empty object of maps and sets. */
function isJson (data: unknown): boolean {
  return data !== undefined && typeof data !== 'function' && typeof data !== 'symbol' && !ArrayBuffer.isView(data) &&
    !(data instanceof Map) && !(data instanceof Set)
}

function refusal (event: string, check: Check, data: unknown): Error {
  const { pointer, message } = check.explain(data)
  return invalid(event, pointer, message + hint(valueAt(data, pointer)))
}

/** What to send in the place of a value that JSON does not have. */
function hint (value: unknown): string {
  if (value instanceof Date) return ' (got a Date: JSON has none, send date.toISOString())'
  return ArrayBuffer.isView(value) ? ' (got bytes: decode them first)' : ''
}

function invalid (event: string, pointer: string, message: string): Error {
  return Object.assign(new SSE_ERR_PAYLOAD(event, pointer, message), { event, pointer })
}

function unserializable (event: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : 'a toJSON() or a getter threw'
  // fast-json-stringify tells the value.
  if (message.startsWith('The value "')) return Object.assign(new SSE_ERR_SERIALIZE(event, 'a toJSON() or a getter gives what the schema refuses'), { event })
  return Object.assign(new SSE_ERR_SERIALIZE(event, cause instanceof RangeError ? 'it is circular, or nested too deep' : message), { event, cause })
}

function valueAt (data: unknown, pointer: string): unknown {
  let value: unknown = data
  for (const key of pointer.split('/').slice(1)) {
    value = (value as Record<string, unknown> | null | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return value
}

function nameOf (value: unknown): string {
  // Not `value.constructor`, which may be a part of the value.
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value)?.constructor.name ?? 'object' : typeof value
}
