// TypeBox's own checks. They are faster than Ajv's, and know the formats, kinds and refinements that an app has given to
// TypeBox. Both packages are optional: they are loaded where a schema is theirs.
import { typeboxOf } from '../schema/typebox.ts'
import { type SchemaObject, subschemas } from '../schema/walk.ts'

/** Where a value was refused, as a JSON pointer into it, and what was expected there. Never the value. */
export interface Refusal {
  readonly pointer: string
  readonly message: string
  /** The property that the object there lacks. */
  readonly missing?: string | undefined
}

/** A compiled check of a payload. */
export interface Check {
  accepts (value: unknown): boolean
  /** Why a value was refused. */
  explain (value: unknown): Refusal
}

/** A check by TypeBox, and whether it checks what only TypeBox knows of. */
export interface TypeboxCheck extends Check {
  readonly isIndispensable: boolean
}

/**
 * Compiles the check of a TypeBox schema.
 *
 * @returns undefined where TypeBox cannot check it: it refers to another schema, a format is not registered, or a part is
 *   no TypeBox schema
 */
export async function typeboxCheck (schema: SchemaObject): Promise<TypeboxCheck | undefined> {
  const parts = Array.from(subschemas(schema))
  const ids = new Set(parts.map(part => part.$id))
  if (parts.some(part => part.$ref !== undefined && !ids.has(part.$ref))) return undefined
  const formats = parts.map(part => part.format).filter(format => typeof format === 'string')
  const load = { 0.34: typebox0, '1.x': typebox1, none: undefined }[typeboxOf(schema) ?? 'none']
  try {
    return await load?.(schema, parts, formats)
  } catch {
    // The package is not installed, or a part is not TypeBox's (Unsafe, plain JSON Schema): Ajv knows all of them.
    return undefined
  }
}

async function typebox0 (schema: SchemaObject, parts: readonly SchemaObject[], formats: string[]): Promise<TypeboxCheck | undefined> {
  const { TypeCompiler } = await import('@sinclair/typebox/compiler')
  const { FormatRegistry, Kind, TypeRegistry } = await import('@sinclair/typebox')
  if (!formats.every(format => FormatRegistry.Has(format))) return undefined
  const compiled = TypeCompiler.Compile(schema as never)
  return {
    isIndispensable: formats.length > 0 || parts.some(part => TypeRegistry.Has(String(part[Kind]))),
    accepts: value => compiled.Check(value),
    explain (value) {
      const { path, message } = compiled.Errors(value).First()!
      return { pointer: path, message }
    }
  }
}

async function typebox1 (schema: SchemaObject, parts: readonly SchemaObject[], formats: string[]): Promise<TypeboxCheck | undefined> {
  const { Compile } = await import('typebox/compile')
  const { Format } = await import('typebox/format')
  if (!formats.every(format => Format.Has(format))) return undefined
  const compiled = Compile(schema)
  return {
    isIndispensable: formats.length > 0 || parts.some(part => '~refine' in part),
    accepts: value => compiled.Check(value),
    explain: value => firstError(compiled.Errors(value))
  }
}

/** The first of the errors of Ajv, or of TypeBox 1.x. */
export function firstError (errors: readonly object[]): Refusal {
  const { instancePath, message, params } = errors[0] as { instancePath: string, message: string, params: { missingProperty?: string, requiredProperties?: string[] } }
  return { pointer: instancePath, message, missing: params.missingProperty ?? params.requiredProperties?.[0] }
}
