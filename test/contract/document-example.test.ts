import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { exampleOf } from '../../lib/contract/document/example.ts'
import { type SchemaObject } from '../../lib/contract/walk.ts'

const SCHEMAS: Record<string, SchemaObject> = {
  Node: { type: 'object', required: ['id'], properties: { id: { type: 'string' }, next: { $ref: 'Node' }, kids: { type: 'array', items: { $ref: 'Node' } } } },
  Endless: { type: 'object', required: ['next'], properties: { next: { $ref: 'Endless' } } }
}
const resolve = (ref: string) => SCHEMAS[ref]
const object = (properties: object, required: string[] = Object.keys(properties)): SchemaObject => ({ type: 'object', required, properties })

function isValid (schema: SchemaObject, value: unknown): boolean {
  const ajv = new Ajv2020({ strict: false, schemas: Object.entries(SCHEMAS).map(([$id, schema]) => ({ ...schema, $id })) })
  addFormats.default(ajv)
  return ajv.validate(schema, value) as boolean
}

t.test('stated examples come first', async t => {
  t.equal(exampleOf({ type: 'string', examples: ['a', 'b'], default: 'c' }, resolve), 'a')
  t.equal(exampleOf({ type: 'string', example: 'a' }, resolve), 'a')
  t.equal(exampleOf({ type: 'string', default: 'c', enum: ['d'] }, resolve), 'c')
  t.equal(exampleOf({ const: 'e' }, resolve), 'e')
  t.equal(exampleOf({ enum: ['f', 'g'] }, resolve), 'f')
  t.same(exampleOf(object({ a: { type: 'integer', examples: [7] } }), resolve), { a: 7 })
})

t.test('examples that are made up fit their schemas', async t => {
  const formats = ['date-time', 'date', 'time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'url', 'uri-reference', 'uuid']
  const schemas: SchemaObject[] = [
    ...formats.map(format => ({ type: 'string', format })),
    { type: 'string', minLength: 20 },
    { type: 'string', maxLength: 2 },
    { type: 'string', pattern: '^str' },
    { type: 'integer' },
    { type: 'integer', minimum: 3 },
    { type: 'integer', exclusiveMinimum: 3, multipleOf: 5 },
    { type: 'integer', maximum: -3 },
    { type: 'number', exclusiveMaximum: 0 },
    { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    { type: 'boolean' },
    { type: 'null' },
    { type: ['integer', 'null'] },
    {},
    { properties: { a: { type: 'string' } }, required: ['a'] },
    { type: 'array' },
    { type: 'array', items: { type: 'number' }, minItems: 3 },
    { type: 'array', items: { type: 'number' }, maxItems: 0 },
    { type: 'array', items: { type: 'string', pattern: '^\\d$' } },
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
    { type: 'object', additionalProperties: { type: 'number' } },
    { type: 'object', additionalProperties: { type: 'number' }, minProperties: 1 },
    { type: 'object', additionalProperties: { type: 'number' }, maxProperties: 1 },
    { const: null },
    { type: 'integer', minimum: 1.5 },
    { type: 'object', allOf: [object({ a: { type: 'string' } }), object({ b: { type: 'number' } })], unevaluatedProperties: false },
    { ...object({ kind: { type: 'string' } }), oneOf: [object({ kind: { const: 'a' }, a: { type: 'number' } }), object({ kind: { const: 'b' } })] },
    { anyOf: [object({ a: { type: 'string' } })], allOf: [object({ b: { type: 'string' } })] },
    { allOf: [object({ a: { type: 'string' } }), object({ b: { type: 'number' } })] },
    { allOf: [object({ a: { type: 'string' } })], ...object({ c: { type: 'boolean' } }) },
    { allOf: [{ type: 'string' }] },
    { anyOf: [{ type: 'string', pattern: '^\\d$' }, { type: 'number' }] },
    { oneOf: [{ type: 'boolean' }, { type: 'number' }] },
    object({ a: { type: 'string' }, b: { type: 'string', pattern: '^\\d$' } }, ['a']),
    { $ref: 'Node' },
    { type: 'array', items: { $ref: 'Node' } }
  ]
  for (const schema of schemas) {
    const value = exampleOf(schema, resolve)
    t.ok(value !== undefined && isValid(schema, value), `${JSON.stringify(schema)}: ${JSON.stringify(value)}`)
  }
})

t.test('bounds as OpenAPI 3.0 has them', async t => {
  const bounds = { minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true }
  t.equal(exampleOf({ type: 'number', ...bounds }, resolve), 0.1)
  t.equal(exampleOf({ type: 'integer', ...bounds }, resolve), undefined)
})

t.test('numbers are short', async t => {
  t.equal(exampleOf({ type: 'number', multipleOf: 0.1, minimum: 0.3 }, resolve), 0.3)
  t.equal(exampleOf({ type: 'number', minimum: 0.25 }, resolve), 0.3)
  t.equal(exampleOf({ type: 'integer', minimum: Number.MAX_SAFE_INTEGER }, resolve), Number.MAX_SAFE_INTEGER)
})

t.test('what is recursive is told once, and what is large in part', async t => {
  t.same(exampleOf({ $ref: 'Node' }, resolve), { id: 'string', kids: [] })
  const wide = object(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`n${i}`, { type: 'array', items: { type: 'number' } }])), ['n299'])
  const value = exampleOf(wide, resolve) as Record<string, number[]>
  t.equal(Object.keys(value).length, 51)
  t.same([value.n0, value.n299], [[0], []])
})

t.test('none is better than a wrong one', async t => {
  const schemas: SchemaObject[] = [
    { type: 'string', pattern: '^\\d$' },
    { type: 'string', format: 'unheard-of' },
    { type: 'string', format: 'uuid', maxLength: 3 },
    { type: 'integer', minimum: 3, maximum: 2 },
    { $ref: 'Unknown' },
    { $ref: 'Endless' },
    { type: 'object', additionalProperties: { type: 'number' }, minProperties: 2 },
    { ...object({ a: { type: 'null' }, b: { type: 'null' } }), maxProperties: 1 },
    { type: 'object', required: ['a'] },
    { ...object({ a: { type: 'null' }, b: { type: 'null' } }, []), oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    { type: 'string', anyOf: [{ minLength: 20 }] },
    { type: 'array', prefixItems: [{ type: 'string' }], minItems: 2 },
    { type: 'string', pattern: '\\d\\-\\d' },
    { type: 'string', minLength: 1e9 },
    { type: 'array', items: { type: 'null' }, minItems: 1e9 },
    { not: { type: 'object' } },
    { type: 'object', if: {}, then: { required: ['a'] } },
    { ...object({ a: { type: 'null' } }), dependentRequired: { a: ['b'] } },
    { ...object({ a: { type: 'null' } }), dependentSchemas: { a: { required: ['b'] } } },
    { type: 'array', contains: { type: 'number' } },
    { type: 'object', additionalProperties: {}, propertyNames: { maxLength: 1 } },
    { anyOf: [{ type: 'string', pattern: '^\\d$' }] },
    { type: 'array', items: { type: 'string' }, minItems: 2, uniqueItems: true },
    { type: 'array', items: { type: 'string', pattern: '^\\d$' }, minItems: 1 },
    object({ a: { type: 'string', pattern: '^\\d$' } })
  ]
  for (const schema of schemas) t.equal(exampleOf(schema, resolve), undefined, JSON.stringify(schema))
})
