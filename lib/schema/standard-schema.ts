// Standard Schemas (https://standardschema.dev) as payload schemas. The contract is their input side: the client parses
// with the same schema, so what is sent is what it takes. Nothing is transformed.
import { SSE_ERR_SCHEMA } from '../errors.ts'
import { type SchemaObject } from './walk.ts'

/** A schema of zod 4.2 and later, ArkType, Valibot's wrapper and others: an object or a function. */
export interface StandardSchema {
  readonly '~standard': {
    readonly vendor: string
    validate (value: unknown): StandardResult | Promise<StandardResult>
    readonly jsonSchema?: {
      /** Throws for a target that it does not know, and for what JSON Schema cannot say. */
      input (options: { target: string, libraryOptions?: Record<string, unknown> }): Record<string, unknown>
    } | undefined
  }
}

interface StandardResult {
  readonly issues?: ReadonlyArray<{ readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined }> | undefined
}

/** The latest draft first. Not OpenAPI 3.0's dialect, which ArkType refuses. */
const TARGETS = ['draft-2020-12', 'draft-07']

/** A registered symbol: the client, or another copy of this package, gets the schema back by it. */
const STANDARD = Symbol.for('fastify-typed-sse.standard-schema')

const converted = new WeakMap<StandardSchema, SchemaObject>()

export function isStandardSchema (value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value)) return false
  const standard = value['~standard']
  return typeof standard === 'object' && standard !== null && 'validate' in standard && typeof standard.validate === 'function'
}

/**
 * The JSON Schema of what a Standard Schema takes, the same object each time. It leads back to its schema by
 * {@link standardSchemaOf}.
 *
 * @param name the event, for the message
 * @throws SSE_ERR_SCHEMA for a schema without a JSON Schema, and for what JSON cannot carry
 */
export function toJsonSchema (name: string, schema: StandardSchema): SchemaObject {
  const known = converted.get(schema)
  if (known !== undefined) return known
  const { $schema, ...keywords } = convert(name, schema)
  // Not enumerable: who copies the schema is not to copy what it came from.
  const jsonSchema = Object.defineProperty(keywords, STANDARD, { value: schema }) as SchemaObject
  converted.set(schema, jsonSchema)
  return jsonSchema
}

/** The Standard Schema that a JSON Schema was made of. */
export function standardSchemaOf (schema: object): StandardSchema | undefined {
  return (schema as { [STANDARD]?: StandardSchema })[STANDARD]
}

function convert (name: string, { '~standard': { vendor, jsonSchema } }: StandardSchema): Record<string, unknown> {
  if (jsonSchema === undefined) {
    throw new SSE_ERR_SCHEMA(`event '${name}'`, `its ${vendor} schema does not provide a JSON Schema: use zod 4.2 or later, ArkType, or toStandardJsonSchema() of @valibot/to-json-schema`)
  }
  const errors: unknown[] = []
  for (const target of TARGETS) {
    try {
      return jsonSchema.input({ target, ...LIBRARY_OPTIONS[vendor] })
    } catch (error) {
      errors.push(error)
    }
  }
  const [cause] = errors
  throw new SSE_ERR_SCHEMA(`event '${name}'`, `its ${vendor} schema has no JSON Schema (${(cause as Error).message}). JSON has no Date, bigint, Map and Set: declare the string, number, array or object that is sent`, { cause })
}

/** Where a library takes for representable, or not, what is otherwise here. Conditions that only code can say are left to `validate`. */
const LIBRARY_OPTIONS: Record<string, { libraryOptions: Record<string, unknown> }> = {
  // By itself it writes `{}`, which is anything, for what JSON Schema cannot say.
  arktype: {
    libraryOptions: {
      fallback: Object.fromEntries(['date', 'domain', 'proto', 'unit', 'symbolKey'].map(kind => [kind, () => { throw new Error(`ArkType's ${kind} cannot be represented`) }]))
    }
  },
  valibot: { libraryOptions: { ignoreActions: ['check', 'raw_check', 'partial_check', 'check_items', 'every_item', 'some_item'] } }
}
