// From a payload to the text of its `data:`. What is accepted is what is sent: the check applies to what JSON will say,
// and what leaves is the part of it that the schema declares. Errors name the event and the place, never the value.
import { SSE_ERR_PAYLOAD, SSE_ERR_SCHEMA, SSE_ERR_SERIALIZE } from '../errors.ts'
import { keysOf, pointerOf, valueAt } from '../schema/pointer.ts'
import { type SchemaObject } from '../schema/walk.ts'
import { type CompiledSchema, type SchemaCompiler } from './check.ts'
import { ANYTHING, declaredPart, NotJsonError } from './declared.ts'
import { CIRCULAR, NotJson, toPlain } from './plain.ts'
import { fastPath } from './serialize.ts'
import { type Check } from './typebox-check.ts'

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
export async function compilePayload (event: string, schema: SchemaObject, compiler: SchemaCompiler): Promise<WritePayload> {
  const compiled = await compile(event, schema, compiler)
  const { check } = compiled
  const write = writeDeclared(event, compiled)
  const fast = fastPath(compiled.schema, keyword => compiler.isKeyword(keyword))
  if (fast === undefined) return write
  return data => {
    try {
      const copy = fast.copy(data)
      if (check.accepts(copy)) return fast.serialize(copy)
    } catch {
      // A getter threw, or it is nested too deep: the other way says so.
    }
    return write(data)
  }
}

/**
 * Compiles the schema of an event's raw text.
 *
 * @param event its name, for errors
 * @param sentinel what no text may be
 * @throws SSE_ERR_SCHEMA
 */
export async function compileText (event: string, schema: SchemaObject, compiler: SchemaCompiler, sentinel?: string): Promise<WritePayload> {
  const { check } = await compile(event, schema, compiler)
  return data => {
    if (typeof data !== 'string') throw new SSE_ERR_PAYLOAD(event, '', `must be string, got ${nameOf(data)}`)
    if (!check.accepts(data)) throw refusal(event, check, data, data)
    if (data === sentinel) throw new SSE_ERR_PAYLOAD(event, '', 'must not be the sentinel')
    return data
  }
}

/** Writes the JSON of an event without a schema: any JSON, no check. */
export function undeclaredPayload (event: string): WritePayload {
  return data => attempt(event, () => JSON.stringify(declaredPart(toPlain(data), ANYTHING)))
}

async function compile (event: string, schema: SchemaObject, compiler: SchemaCompiler): Promise<CompiledSchema> {
  try {
    return await compiler.compile(schema)
  } catch (error) {
    throw new SSE_ERR_SCHEMA(`event '${event}'`, (error as Error).message, { cause: error })
  }
}

/** Writes the part of a payload that its schema declares. */
function writeDeclared (event: string, { check, evaluator }: CompiledSchema): WritePayload {
  return data => attempt(event, () => {
    const plain = toPlain(data)
    if (!check.accepts(plain)) throw refusal(event, check, plain, data)
    const declared = evaluator.evaluate(plain)
    if (declared === undefined) throw new SSE_ERR_PAYLOAD(event, '', UNEVALUATED)
    const part = declaredPart(plain, declared)
    // It may have been accepted for what is gone now.
    if (part !== plain) {
      if (!check.accepts(part)) throw refusal(event, check, part, part, WITHOUT)
      const declaredOfPart = evaluator.evaluate(part)
      if (declaredOfPart === undefined || declaredPart(part, declaredOfPart) !== part) throw new SSE_ERR_PAYLOAD(event, '', UNEVALUATED + WITHOUT)
    }
    return JSON.stringify(part)
  })
}

const UNEVALUATED = 'must have no properties or items that its schema leaves unevaluated'
const WITHOUT = ', without the properties and items that its schema does not declare'

function attempt (event: string, write: () => string): string {
  try {
    return write()
  } catch (error) {
    if (error instanceof SSE_ERR_PAYLOAD || error instanceof SSE_ERR_SERIALIZE) throw error
    if (error instanceof NotJsonError && !error.isCircular) throw new SSE_ERR_PAYLOAD(event, pointerOf(error.keys), error.message)
    if (error instanceof RangeError) throw new SSE_ERR_SERIALIZE(event, 'it is circular, or nested too deep', { cause: error })
    throw new SSE_ERR_SERIALIZE(event, error instanceof Error ? error.message : 'a toJSON() or a getter threw', { cause: error })
  }
}

/** @param data what `plain` is the copy of */
function refusal (event: string, check: Check, plain: unknown, data: unknown, suffix = ''): Error {
  const { pointer, message, missing } = check.explain(plain)
  const keys = keysOf(pointer)
  const path = missing === undefined ? keys : [...keys, missing]
  const notJson = notJsonOn(plain, path)
  if (notJson === CIRCULAR) return new NotJsonError(keys, notJson)
  const hint = notJson === undefined ? hintOf(data, path) ?? habitHint(plain, path) : NotJson.hint(notJson)
  return new SSE_ERR_PAYLOAD(event, pointer, message + suffix + (hint === undefined ? '' : ` (${hint})`))
}

/** The first value on the way to a place of a plain copy that JSON does not have. */
function notJsonOn (plain: unknown, keys: readonly string[]): unknown {
  return [...keys.keys(), keys.length].map(depth => valueAt(plain, pointerOf(keys.slice(0, depth))))
    .find(value => value !== undefined && NotJson.hint(value) !== undefined)
}

/** What to send in place of a value that is not in the copy, or is something else there. */
function hintOf (data: unknown, keys: readonly string[]): string | undefined {
  try {
    const [key = '', ...outer] = ['', ...keys].reverse()
    const parent = valueAt({ '': data }, pointerOf(outer.reverse()))
    if (!Object.hasOwn(parent as object, key)) return undefined
    const value = (parent as Record<string, unknown>)[key]
    return value instanceof Date ? 'got a Date, which JSON makes a string' : NotJson.hint(value)
  } catch {
    // A getter threw.
    return undefined
  }
}

const FIELDS = ['event', 'type', 'id', 'data', 'retry', 'comment']

/** What to write instead of what other libraries take for an event: JSON text, or its fields around the payload. */
function habitHint (plain: unknown, path: readonly string[]): string | undefined {
  if (typeof plain === 'string') return path.length === 0 && /^\s*[[{"]/.test(plain) ? 'got JSON: give the value, it is serialized here' : undefined
  if (typeof plain !== 'object' || plain === null || path.length !== 1) return undefined
  // The property that is missing may well be in `data`.
  const isEvent = Object.hasOwn(plain, 'data') && !Object.hasOwn(plain, path[0]!) && Object.keys(plain).every(key => FIELDS.includes(key))
  return isEvent ? 'got the fields of an event: this is its payload alone, write `event(payload, { id })`' : undefined
}

function nameOf (value: unknown): string {
  // Not `value.constructor`, which may be a part of the value.
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value)?.constructor.name ?? 'object' : typeof value
}
