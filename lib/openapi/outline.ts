// A payload in Markdown: of JSON within a string, viewers show only that it is a string.
import { isObject, type SchemaObject } from '../schema/walk.ts'
import { type Resolve } from './examples.ts'

/** The payload's type, and one line for each property of an object. */
export function outline (root: SchemaObject, resolve: Resolve): string {
  const schema = followed(root, resolve)
  const properties = propertiesOf(schema, resolve)
  return properties.length === 0 ? `JSON: ${typeOf(schema, resolve)}` : `JSON:\n\n${properties.join('\n')}`
}

function propertiesOf (schema: SchemaObject, resolve: Resolve): string[] {
  const { properties = {}, required = [], allOf = [] } = schema
  const lines = Object.entries(properties as Record<string, SchemaObject>).map(([name, property]) => {
    const words = [`- \`${name}\`: ${typeOf(property, resolve)}`]
    if (!(required as string[]).includes(name)) words.push(', optional')
    if (typeof property.description === 'string') words.push(`. ${property.description.replaceAll(/\s+/g, ' ')}`)
    return words.join('')
  })
  return [...(allOf as SchemaObject[]).flatMap(part => propertiesOf(followed(part, resolve), resolve)), ...lines]
}

/** The name of a type; an object is called by its title. */
function typeOf (schema: SchemaObject | boolean, resolve: Resolve): string {
  if (!isObject(schema)) return 'any'
  const { $ref, title, enum: values = 'const' in schema ? [schema.const] : undefined, anyOf, oneOf = anyOf, items, type = 'any', nullable } = schema
  if (typeof $ref === 'string') return String(resolve($ref)?.title ?? $ref.split('/').at(-1))
  if (Array.isArray(values)) return anyOfThese(values.map(value => `\`${JSON.stringify(value)}\``))
  if (Array.isArray(oneOf)) return anyOfThese(oneOf.map((choice: SchemaObject) => typeOf(choice, resolve)))
  if (isObject(items)) return `array of ${typeOf(items, resolve)}`
  const names = type === 'object' ? [title ?? type] : [type].flat()
  return anyOfThese(nullable === true ? [...names, 'null'] : names)
}

function followed (schema: SchemaObject, resolve: Resolve): SchemaObject {
  return (typeof schema.$ref === 'string' ? resolve(schema.$ref) : undefined) ?? schema
}

function anyOfThese (names: unknown[]): string {
  return Array.from(new Set(names)).join(' or ')
}
