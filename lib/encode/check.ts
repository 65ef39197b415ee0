import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { withoutCopies } from '../schema/rewrite.ts'
import { type SchemaObject, subschemas } from '../schema/walk.ts'

/** A compiled check of a payload: strict, so nothing is coerced, filled in or removed. */
export interface Check {
  accepts (value: unknown): boolean
  /** Why a value was refused: a JSON pointer into it, and what was expected there. Never the value. */
  explain (value: unknown): { pointer: string, message: string }
}

/** Compiles a payload schema. */
export type CheckCompiler = (schema: SchemaObject) => Promise<Check>

type Ajv = Ajv2019 | Ajv2020
type AjvClass = typeof Ajv2019 | typeof Ajv2020

/** What an app adds to Ajv: options, and plugins, each alone or with its options. */
export interface Extensions {
  readonly customOptions?: object | undefined
  readonly plugins?: readonly unknown[] | undefined
}

type Plugin = (ajv: Ajv, options?: unknown) => void

const KIND = Symbol.for('TypeBox.Kind')

/** What no app may change. Response schemas may carry keywords of OpenAPI that Ajv does not know; JSON has neither NaN nor Infinity. */
const STRICT = { strict: false, strictNumbers: true, coerceTypes: false, useDefaults: false, removeAdditional: false } as const

/**
 * Makes the compiler for an app's schemas: TypeBox's own check for TypeBox schemas, Ajv for all others, and for those
 * that TypeBox cannot see whole: it knows neither the app's shared schemas nor formats that nobody registered with it,
 * nor what was added to Ajv.
 *
 * @param shared the app's schemas by `$id`
 */
export function checkCompiler (shared: Record<string, unknown>, extensions?: Extensions): CheckCompiler {
  const instances = new Map<AjvClass, Ajv>()
  const isExtended = extensions === undefined ? () => false : extensionFinder(extensions)
  return async schema => {
    const typebox = isSelfContained(schema) && !isExtended(schema) ? await typeboxCheck(schema) : undefined
    if (typebox !== undefined) return typebox
    const Class = [schema, ...Object.values(shared)].some(isDraft2020) ? Ajv2020 : Ajv2019
    const ajv = instances.get(Class) ?? createAjv(Class, shared, extensions)
    instances.set(Class, ajv)
    return ajvCheck(ajv, withoutCopies(schema, shared))
  }
}

/** Whether every `$ref` leads to a place within the schema. */
function isSelfContained (schema: SchemaObject): boolean {
  const parts = Array.from(subschemas(schema))
  const ids = new Set(parts.map(part => part.$id))
  return parts.every(part => part.$ref === undefined || ids.has(part.$ref))
}

async function typeboxCheck (schema: SchemaObject): Promise<Check | undefined> {
  const formats = Array.from(subschemas(schema), part => part.format).filter(format => typeof format === 'string')
  const load = KIND in schema ? typebox0 : '~kind' in schema ? typebox1 : undefined
  try {
    return await load?.(schema, formats)
  } catch {
    // The package is not installed, or a part is not TypeBox's (Unsafe, plain JSON Schema): Ajv knows all of them.
    return undefined
  }
}

async function typebox0 (schema: SchemaObject, formats: string[]): Promise<Check | undefined> {
  const { TypeCompiler } = await import('@sinclair/typebox/compiler')
  const { FormatRegistry } = await import('@sinclair/typebox')
  if (!formats.every(format => FormatRegistry.Has(format))) return undefined
  const compiled = TypeCompiler.Compile(schema as never)
  return {
    accepts: value => compiled.Check(value),
    explain (value) {
      const { path, message } = compiled.Errors(value).First()!
      return { pointer: path, message }
    }
  }
}

async function typebox1 (schema: SchemaObject, formats: string[]): Promise<Check | undefined> {
  const { Compile } = await import('typebox/compile')
  const { Format } = await import('typebox/format')
  if (!formats.every(format => Format.Has(format))) return undefined
  const compiled = Compile(schema)
  return {
    accepts: value => compiled.Check(value),
    explain: value => firstError(compiled.Errors(value))
  }
}

/** Whether a schema is of the draft in which `prefixItems` took the place of an array of `items`. */
function isDraft2020 (schema: unknown): boolean {
  return Array.from(subschemas(schema)).some(({ $schema, prefixItems }) => prefixItems !== undefined || String($schema).includes('2020-12'))
}

/** Tells whether a schema uses a keyword or a format that is not Ajv's own. */
function extensionFinder (extensions: Extensions): (schema: SchemaObject) => boolean {
  const [own, extended] = [createAjv(Ajv2019, {}), createAjv(Ajv2019, {}, extensions)]
  const keywords = Object.keys(extended.RULES.keywords).filter(keyword => own.getKeyword(keyword) === false)
  const formats = Object.keys(extended.formats).filter(format => extended.formats[format] !== own.formats[format])
  return schema => Array.from(subschemas(schema)).some(part =>
    keywords.some(keyword => Object.hasOwn(part, keyword)) || formats.includes(part.format as string))
}

function createAjv (Class: AjvClass, shared: Record<string, unknown>, { customOptions, plugins = [] }: Extensions = {}): Ajv {
  const logger = { log: refuseUnknownFormat, warn: refuseUnknownFormat, error: refuseUnknownFormat }
  const ajv = new Class({ ...customOptions, ...STRICT, logger })
  // Enough to let schemas name the draft that Fastify uses, which later ones read alike.
  ajv.addMetaSchema({ $id: 'http://json-schema.org/draft-07/schema' })
  const given = plugins.map(plugin => [plugin].flat() as [Plugin, unknown?])
  // It may be given again, with options, and cannot be added twice.
  if (!given.some(([plugin]) => plugin.name === 'formatsPlugin')) addFormats.default(ajv)
  for (const [plugin, options] of given) plugin(ajv, options)
  for (const schema of Object.values(shared)) ajv.addSchema(schema as SchemaObject)
  return ajv
}

/** Ajv only warns of a format that it does not know, and would not check it; it does so for shared schemas too. */
function refuseUnknownFormat (warning: string): void {
  const format = /^unknown format "(.*?)" ignored/.exec(warning)?.[1]
  if (format !== undefined) throw new Error(`unknown format '${format}'`)
}

/** Compiles a schema that may refer to itself, and forgets it: another event may have others of the same `$id`s. */
function compileOnce (ajv: Ajv, schema: SchemaObject): ValidateFunction {
  const { $id, ...rest } = schema
  // What is shared is known by its id already.
  if (typeof $id === 'string' && Object.hasOwn(ajv.schemas, $id)) return ajv.compile(rest)
  const known = new Set(Object.keys(ajv.refs))
  try {
    return ajv.compile(schema)
  } finally {
    ajv.removeSchema(schema)
    // Ids within it would lead into the next schema.
    for (const ref of Object.keys(ajv.refs)) if (!known.has(ref)) delete ajv.refs[ref]
  }
}

function ajvCheck (ajv: Ajv, schema: SchemaObject): Check {
  const validate = compileOnce(ajv, schema)
  if ('$async' in validate) throw new Error('a check must not be asynchronous')
  return {
    accepts: value => validate(value),
    explain (value) {
      validate(value)
      return firstError(validate.errors!)
    }
  }
}

function firstError (errors: Array<{ instancePath: string, message?: string }>): { pointer: string, message: string } {
  const [error] = errors
  return { pointer: error!.instancePath, message: error!.message! }
}
