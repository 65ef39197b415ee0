// The check of a Standard Schema beside that of its JSON Schema: refinements, and whatever else only code can say.
import { SSE_ERR_PAYLOAD } from '../errors.ts'
import { pointerOf } from '../schema/pointer.ts'
import { isRaw } from '../schema/raw-text.ts'
import { type StandardSchema, standardSchemaOf } from '../schema/standard-schema.ts'
import { type SchemaObject } from '../schema/walk.ts'
import { type WritePayload } from './payload.ts'

/**
 * Writes a payload only if its Standard Schema, where it has one, reports no issue for what the client will read.
 *
 * @param event its name, for errors
 */
export function validated (event: string, schema: SchemaObject, write: WritePayload): WritePayload {
  const standard = standardSchemaOf(schema)
  if (standard === undefined) return write
  const read = isRaw(schema) ? (text: string) => text : JSON.parse
  return data => {
    const text = write(data)
    refuseIssues(event, standard, read(text))
    return text
  }
}

function refuseIssues (event: string, schema: StandardSchema, value: unknown): void {
  const { vendor } = schema['~standard']
  const result = validate(event, schema, value)
  if (result instanceof Promise) {
    // The error below reports its failure. zod validates asynchronously, too, after a check that threw.
    result.catch(() => {})
    throw new SSE_ERR_PAYLOAD(event, '', `its ${vendor} schema validates asynchronously, or throws; events are checked synchronously: check it before it is yielded`)
  }
  const [issue] = result.issues ?? []
  if (issue === undefined) return
  // Not `path.map`: ArkType's paths are arrays of their own class.
  const path = Array.from(issue.path ?? [], segment => String(typeof segment === 'object' ? segment.key : segment))
  // Not the issue's message, which may have the value.
  throw new SSE_ERR_PAYLOAD(event, pointerOf(path), `must pass the validation of its ${vendor} schema`)
}

function validate (event: string, { '~standard': standard }: StandardSchema, value: unknown): ReturnType<StandardSchema['~standard']['validate']> {
  try {
    return standard.validate(value)
  } catch {
    // Without the error as the cause, which may have the value.
    throw new SSE_ERR_PAYLOAD(event, '', `its ${standard.vendor} schema threw while it validated the payload, which a schema must not`)
  }
}
