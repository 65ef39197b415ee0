import { Type } from '@sinclair/typebox'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { exampleOf } from '../../lib/openapi/examples.ts'
import { type SchemaObject } from '../../lib/schema/walk.ts'
import { EventStream } from '../../lib/index.ts'
import { mediaTypeOf, QUIET } from './document.ts'

const SCHEMAS: Record<string, SchemaObject> = {
  Node: { type: 'object', required: ['id'], properties: { id: { type: 'string' }, next: { $ref: 'Node' }, kids: { type: 'array', items: { $ref: 'Node' } } } },
  Endless: { type: 'object', required: ['next'], properties: { next: { $ref: 'Endless' } } }
}
const Token = { type: 'object', required: ['text'], properties: { text: { type: 'string', examples: ['Hello'] } } }
const Usage = { type: 'object', description: 'What it took.', properties: { tokens: { type: 'integer' } } }
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

t.test("the user's own examples are told of the events that they are of", async t => {
  const { content } = EventStream({ token: Token, usage: Usage }) as unknown as { content: { 'text/event-stream': object } }
  const stream = (examples: object) => ({ description: 'Own', content: { 'text/event-stream': { ...content['text/event-stream'], examples } } })
  const payloads = { usage: { summary: 'own', value: { tokens: 7 } } }
  const wire = { own: { value: 'event: token\ndata: {"text":"own"}\n\n' } }
  t.same((await mediaTypeOf('3.1.0', stream(payloads), QUIET)).examples, payloads)
  t.equal((await mediaTypeOf('3.2.0', stream(payloads), QUIET)).examples!.stream!.value, 'event: token\ndata: {"text":"Hello"}\n\nevent: usage\ndata: {"tokens":7}\n\n')
  t.same((await mediaTypeOf('3.2.0', stream(wire), QUIET)).examples, wire, 'how the stream looks stays as it was written')
})

t.test('what a schema that is referred to says of itself is said of the event', async t => {
  const shared = [{ $id: 'Tick', type: 'object', description: 'A price.', properties: { price: { type: 'number', examples: [7] } } }]
  const { itemSchema, examples } = await mediaTypeOf('3.2.0', EventStream({ tick: { $ref: 'Tick#' }, last: { $ref: 'Tick#', description: 'The last.' } }), { ...QUIET, shared })
  t.match(itemSchema, { anyOf: [{ title: 'tick', description: 'A price.' }, { title: 'last', description: 'The last.' }] })
  t.match(examples!.stream!.value, '{"price":7}')
})

t.test('events may be called as what every object has', async t => {
  const { examples } = await mediaTypeOf('3.1.0', EventStream({ constructor: Token, toString: Usage }), QUIET)
  t.same(examples, { constructor: { summary: 'event: constructor', value: { text: 'Hello' } }, toString: { summary: 'event: toString', value: { tokens: 1 } } })
})

t.test('an example of a tuple fits, where the version cannot tell its items apart', async t => {
  const { examples } = await mediaTypeOf('3.0.3', EventStream({ pair: Type.Tuple([Type.String(), Type.Number()]) }), QUIET)
  t.same(examples!.pair!.value, ['string', 0])
})

t.test('a pattern that only some engines read is no end of the document', async t => {
  const Phone = Type.String({ pattern: '^\\d\\-\\d$' })
  t.notOk('examples' in await mediaTypeOf('3.2.0', EventStream(Phone), QUIET))
})

t.test('examples that look like schemas stay what they are', async t => {
  const value = { const: 1, $id: 'x', type: 'null', definitions: { a: 1 }, contentEncoding: 'base64', nullable: true }
  const Meta = { type: 'object', additionalProperties: true, examples: [value] }
  t.same((await mediaTypeOf('3.1.0', EventStream({ a: Meta }), QUIET)).examples!.a!.value, value)
  const { examples } = await mediaTypeOf('3.2.0', EventStream({ a: Meta }), QUIET)
  t.equal(examples!.stream!.value, `event: a\ndata: ${JSON.stringify(value)}\n\n`)
})

t.test('a stream of which no example can be made has none', async t => {
  const Code = { type: 'string', pattern: '^[A-Z]{3}-\\d+$' }
  for (const version of ['3.1.0', '3.2.0']) t.notOk('examples' in await mediaTypeOf(version, EventStream(Code), QUIET), version)
  t.same((await mediaTypeOf('3.1.0', EventStream({ code: Code, token: Token }), QUIET)).examples, { token: { summary: 'event: token', value: { text: 'Hello' } } })
})
