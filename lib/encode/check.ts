// Compiles a payload's schema into its check: TypeBox's own where it reads the schema as JSON Schema does, else Ajv.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats, { type FormatName } from 'ajv-formats'
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { Places } from '../schema/places.ts'
import { resolveSchema, type ResolvedSchema } from '../schema/resolve.ts'
import { isObject, type SchemaObject, subschemas } from '../schema/walk.ts'
import { type Assertion, type AssertionCompiler, Evaluator } from './evaluate.ts'
import { type Check, firstError, typeboxCheck } from './typebox-check.ts'

/** A payload's schema, compiled. */
export interface CompiledSchema {
  readonly schema: ResolvedSchema
  /** Strict: nothing is coerced, filled in or removed. */
  readonly check: Check
  readonly evaluator: Evaluator
}

/** What an app adds to Ajv: options, and plugins, each alone or with its options. */
export interface Extensions {
  readonly customOptions?: object | undefined
  readonly plugins?: readonly unknown[] | undefined
}

type Plugin = (ajv: Ajv2020, options?: unknown) => void

/**
 * What no app may change. Response schemas may carry keywords of OpenAPI that Ajv does not know; JSON has neither NaN nor
 * Infinity.
 */
const STRICT = {
  strict: false, strictNumbers: true, coerceTypes: false, useDefaults: false, removeAdditional: false, logger: false
} as const

/** The drafts that may be named: 2020-12, in which Ajv reads all, can say what those before it can. */
const DRAFTS = /^https?:\/\/json-schema\.org\/(draft-0[67]|draft\/2019-09|draft\/2020-12)\/schema#?$/

/**
 * Keywords that TypeBox does not check as JSON Schema says (lengths in UTF-16 units or graphemes, patterns without the
 * flag `u`, `^.*$` as the pattern of any key), or not at all where a schema of its kind would not have them.
 */
const BEYOND_TYPEBOX = new Set(['minLength', 'maxLength', 'pattern', 'multipleOf', 'uniqueItems', 'enum', 'oneOf', 'not', 'if', 'then', 'else',
  'patternProperties', 'propertyNames', 'minProperties', 'maxProperties', 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties',
  'prefixItems', 'contains', 'minContains', 'maxContains', 'unevaluatedItems', 'formatMinimum', 'formatMaximum', 'formatExclusiveMinimum', 'formatExclusiveMaximum'])

/** Compiles payload schemas with what an app has: shared schemas, and keywords and formats of its own. */
export class SchemaCompiler implements AssertionCompiler {
  readonly #shared: Readonly<Record<string, unknown>>
  readonly #extensions: Extensions
  readonly #instances = new Map<boolean, Ajv2020>()
  #places: Places | undefined
  #additions: Set<string> | undefined
  #count = 0

  /** @param shared the app's schemas by `$id` */
  constructor (shared: Readonly<Record<string, unknown>>, extensions: Extensions = {}) {
    this.#shared = shared
    this.#extensions = extensions
  }

  /** @throws Error for a schema that cannot be used */
  async compile (given: SchemaObject): Promise<CompiledSchema> {
    const places = new Places(this.#sharedPlaces())
    places.add(given, '.payload')
    const uri = `payload:${++this.#count}`
    const schema = resolveSchema(given, places, uri)
    const parts = [schema.root, ...schema.targets.values()].flatMap(node => Array.from(subschemas(node)))
    const typebox = parts.some(part => this.#isAdded(part)) ? undefined : await typeboxCheck(given)
    const hasPlainNames = parts.every(hasOnlyPlainNames)
    if (typebox !== undefined && hasPlainNames && parts.every(isWithinTypebox)) return { schema, check: typebox, evaluator: new Evaluator(schema, this) }
    const ajv = this.#instance(!hasPlainNames)
    for (const { $schema } of subschemas(given)) checkDraft(ajv, $schema)
    if (typebox === undefined) for (const { format } of parts) checkFormat(ajv, format)
    ajv.addSchema({ definitions: schema.definitions }, uri)
    const evaluator = new Evaluator(schema, this)
    const validate = ajv.compile(schema.root)
    const check = parts.some(isMisread) ? evaluatorCheck(evaluator, validate) : ajvCheck(validate)
    return { schema, check: typebox?.isIndispensable === true ? bothChecks(check, typebox) : check, evaluator }
  }

  isKeyword (name: string): boolean {
    return this.#instance(true).getKeyword(name) !== false
  }

  compileAssertion (keywords: SchemaObject): Assertion {
    return this.#instance(true).compile(keywords)
  }

  regExp (pattern: string): { test (text: string): boolean } {
    const { code, unicodeRegExp } = this.#instance(true).opts
    return code.regExp(pattern, unicodeRegExp ? 'u' : '')
  }

  #sharedPlaces (): Places {
    if (this.#places !== undefined) return this.#places
    const places = new Places()
    for (const [id, schema] of Object.entries(this.#shared)) if (isObject(schema)) places.add(schema, id)
    this.#places = places
    return places
  }

  /** @param ownProperties whether to ignore inherited properties, which is slower: see {@link hasOnlyPlainNames} */
  #instance (ownProperties: boolean): Ajv2020 {
    const known = this.#instances.get(ownProperties)
    if (known !== undefined) return known
    const ajv = createAjv(this.#extensions, ownProperties)
    this.#instances.set(ownProperties, ajv)
    return ajv
  }

  /** Whether a schema uses a keyword or a format that is not Ajv's own. */
  #isAdded (part: SchemaObject): boolean {
    this.#additions ??= Object.keys(this.#extensions).length === 0 ? new Set() : additionsOf(this.#instance(true))
    return this.#additions.size > 0 && (this.#additions.has(`format ${String(part.format)}`) || Object.keys(part).some(key => this.#additions!.has(key)))
  }
}

function createAjv ({ customOptions, plugins = [] }: Extensions, ownProperties: boolean): Ajv2020 {
  const { code, ...options } = customOptions as { code?: object } | undefined ?? {}
  const ajv = new Ajv2020({ ...options, ...STRICT, ownProperties, code: { regExp: leniently, ...code } })
  for (const [plugin, options] of plugins.map(plugin => [plugin].flat() as [Plugin, unknown?])) plugin(ajv, options)
  // Formats of the app go first. Its plugins may have added these already, whose keywords cannot be added twice.
  const formats = Object.keys(fullFormats).filter(name => !Object.hasOwn(ajv.formats, name)) as FormatName[]
  addFormats.default(ajv, { formats, keywords: ajv.getKeyword('formatMinimum') === false })
  return ajv
}

/** JSON Schema has the flag `u`; TypeBox does without, so that its users write patterns that are none with it. */
function leniently (pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags)
  } catch {
    return new RegExp(pattern)
  }
}
leniently.code = 'new RegExp'

/** The keywords and formats (`format x`) that an instance has beside Ajv's own. */
function additionsOf (ajv: Ajv2020): Set<string> {
  const own = createAjv({}, true)
  const keywords = Object.keys(ajv.RULES.keywords).filter(keyword => own.getKeyword(keyword) === false)
  const formats = Object.keys(ajv.formats).filter(format => ajv.formats[format] !== own.formats[format])
  return new Set([...keywords, ...formats.map(format => `format ${format}`)])
}

/** @throws Error for a draft that neither we nor the app's plugins know */
function checkDraft (ajv: Ajv2020, $schema: unknown): void {
  if ($schema === undefined || DRAFTS.test(String($schema)) || ajv.getSchema(String($schema)) !== undefined) return
  throw new Error(`unknown draft '${String($schema)}'`)
}

/** @throws Error for a format that Ajv does not know, and would not check */
function checkFormat (ajv: Ajv2020, format: unknown): void {
  if (typeof format === 'string' && !Object.hasOwn(ajv.formats, format)) throw new Error(`unknown format '${format}'`)
}

/** Whether TypeBox reads all keywords of a schema as JSON Schema says. */
function isWithinTypebox (part: SchemaObject): boolean {
  return Object.keys(part).every(key => !BEYOND_TYPEBOX.has(key))
}

/** Whether no property that a schema names is one that objects inherit, such as `constructor`. */
function hasOnlyPlainNames ({ properties = {}, required = [], dependentRequired = {}, dependentSchemas = {} }: SchemaObject): boolean {
  const names = [...Object.keys({ ...properties as object, ...dependentSchemas as object, ...dependentRequired as object }), ...Object.values(dependentRequired as object), required].flat()
  return !names.some(name => String(name) in Object.prototype)
}

function ajvCheck (validate: ValidateFunction): Check {
  return {
    accepts: value => validate(value),
    explain (value) {
      validate(value)
      return firstError(validate.errors!)
    }
  }
}

/**
 * Whether Ajv reads a schema in another way than JSON Schema says: it fails at comparing objects with a property of the name
 * of a method, such as `valueOf`, and it has its own view of what is evaluated.
 */
function isMisread ({ const: only, enum: values = [], uniqueItems, unevaluatedProperties, unevaluatedItems }: SchemaObject): boolean {
  return uniqueItems === true || unevaluatedProperties !== undefined || unevaluatedItems !== undefined ||
    [only, ...values as unknown[]].some(value => typeof value === 'object' && value !== null)
}

/** A check by the evaluator, which Ajv explains as far as it can. */
function evaluatorCheck (evaluator: Evaluator, validate: ValidateFunction): Check {
  return {
    accepts: value => evaluator.accepts(value),
    explain (value) {
      try {
        if (!validate(value)) return firstError(validate.errors!)
      } catch {
        // It failed at the comparison.
      }
      return { pointer: '', message: 'must match its schema' }
    }
  }
}

function bothChecks (one: Check, other: Check): Check {
  return {
    accepts: value => one.accepts(value) && other.accepts(value),
    explain: value => one.accepts(value) ? other.explain(value) : one.explain(value)
  }
}
