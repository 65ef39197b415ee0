import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
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

t.test('stated examples come first', async t => {
  t.equal(exampleOf({ type: 'string', examples: ['a', 'b'], default: 'c' }, resolve), 'a')
  t.equal(exampleOf({ type: 'string', example: 'a' }, resolve), 'a')
  t.equal(exampleOf({ type: 'string', default: 'c', enum: ['d'] }, resolve), 'c')
  t.equal(exampleOf({ const: 'e' }, resolve), 'e')
  t.equal(exampleOf({ enum: ['f', 'g'] }, resolve), 'f')
  t.same(exampleOf(object({ a: { type: 'integer', examples: [7] } }), resolve), { a: 7 })
})

t.test('a trivial value for each type', async t => {
  const cases: Array<[schema: SchemaObject, example: unknown]> = [
    [{ type: 'string' }, 'string'],
    [{ type: 'string', format: 'date-time' }, '2026-01-31T12:00:00Z'],
    [{ type: 'integer' }, 0],
    [{ type: 'integer', minimum: 1.5 }, 2],
    [{ type: 'number', minimum: 0.25 }, 0.25],
    [{ type: 'boolean' }, true],
    [{ type: 'null' }, null],
    [{ type: ['integer', 'null'] }, 0],
    [{ properties: { a: { type: 'number' } } }, { a: 0 }],
    [{ type: 'array' }, []],
    [{ type: 'array', items: { type: 'number' } }, [0]],
    [{ type: 'array', items: { type: 'string', pattern: '^\\d$' } }, []],
    [{ type: 'object', additionalProperties: { type: 'number' } }, {}],
    [object({ a: { type: 'string' }, b: { type: 'string', pattern: '^\\d$' } }, ['a']), { a: 'string' }],
    [{ anyOf: [{ type: 'string', pattern: '^\\d$' }, { type: 'number' }] }, 0],
    [{ $ref: 'Node' }, { id: 'string', kids: [] }]
  ]
  for (const [schema, example] of cases) t.same(exampleOf(schema, resolve), example, JSON.stringify(schema))
})

t.test('no example is better than a wrong one', async t => {
  const schemas: SchemaObject[] = [
    {},
    { type: 'string', pattern: '^\\d$' },
    { type: 'string', format: 'unheard-of' },
    { type: 'string', minLength: 20 },
    { type: 'integer', minimum: 0, exclusiveMinimum: true },
    { $ref: 'Unknown' },
    { $ref: 'Endless' },
    { type: 'object', required: ['a'] },
    { type: 'array', items: { type: 'string' }, minItems: 1 },
    { type: 'string', anyOf: [{ minLength: 20 }] },
    { anyOf: [{ type: 'string', pattern: '^\\d$' }] },
    object({ a: { type: 'string', pattern: '^\\d$' } })
  ]
  for (const schema of schemas) t.equal(exampleOf(schema, resolve), undefined, JSON.stringify(schema))
})

t.test('whatever the schema, its example is valid for it', async t => {
  const ajv = new Ajv2020({ strict: false, ownProperties: true })
  addFormats.default(ajv)
  const rarely = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
  const { schema } = fc.letrec<{ schema: SchemaObject }>(tie => ({
    schema: fc.record({
      type: fc.constantFrom('string', 'integer', 'number', 'boolean', 'null', 'array', 'object'),
      title: rarely(fc.constant('A title')),
      format: rarely(fc.constantFrom('date-time', 'date', 'email', 'uri', 'uuid', 'time')),
      minimum: rarely(fc.double({ min: -5, max: 5, noNaN: true })),
      maximum: rarely(fc.integer({ min: -5, max: 5 })),
      minLength: rarely(fc.integer({ min: 0, max: 9 })),
      pattern: rarely(fc.constantFrom('^s', '\\d')),
      minItems: rarely(fc.integer({ min: 0, max: 2 })),
      minProperties: rarely(fc.integer({ min: 0, max: 2 })),
      additionalProperties: rarely(fc.boolean()),
      required: rarely(fc.subarray(['a', 'b'])),
      properties: rarely(fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), tie('schema'))),
      items: rarely(tie('schema')),
      anyOf: rarely(fc.array(tie('schema'), { minLength: 1, maxLength: 2 })),
      not: rarely(tie('schema'))
    }).map(schema => Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined)))
  }))
  let examples = 0
  fc.assert(fc.property(schema, schema => {
    const example = exampleOf(schema, resolve)
    if (example === undefined) return true
    examples++
    return ajv.compile(schema)(example)
  }), { numRuns: 500 })
  t.ok(examples > 0, `${examples} examples`)
})

t.test("the user's own examples replace those of the events", async t => {
  const { content } = EventStream({ token: Token, usage: Usage }) as unknown as { content: { 'text/event-stream': object } }
  const stream = (examples: object) => ({ description: 'Own', content: { 'text/event-stream': { ...content['text/event-stream'], examples } } })
  const payloads = { usage: { summary: 'own', value: { tokens: 7 } } }
  const wire = { own: { value: 'event: token\ndata: {"text":"own"}\n\n' } }
  t.same((await mediaTypeOf('3.1.0', stream(payloads), QUIET)).examples, payloads)
  t.equal((await mediaTypeOf('3.2.0', stream(payloads), QUIET)).examples!.stream!.value, 'event: token\ndata: {"text":"Hello"}\n\nevent: usage\ndata: {"tokens":7}\n\n')
  t.same((await mediaTypeOf('3.2.0', stream(wire), QUIET)).examples, wire, 'a stream on the wire is kept as it is')
})

t.test('an event has the description and example of the schema that it refers to', async t => {
  const shared = [{ $id: 'Tick', type: 'object', description: 'A price.', properties: { price: { type: 'number', examples: [7] } } }]
  const { itemSchema, examples } = await mediaTypeOf('3.2.0', EventStream({ tick: { $ref: 'Tick#' }, last: { $ref: 'Tick#', description: 'The last.' } }), { ...QUIET, shared })
  t.match(itemSchema, { anyOf: [{ title: 'tick', description: 'A price.' }, { title: 'last', description: 'The last.' }] })
  t.match(examples!.stream!.value, '{"price":7}')
})

t.test('events may have the names of properties of Object.prototype', async t => {
  const { examples } = await mediaTypeOf('3.1.0', EventStream({ constructor: Token, toString: Usage }), QUIET)
  t.same(examples, { constructor: { summary: 'event: constructor', value: { text: 'Hello' } }, toString: { summary: 'event: toString', value: { tokens: 0 } } })
})

t.test('examples that look like schemas stay what they are', async t => {
  const value = { const: 1, $id: 'x', type: 'null', definitions: { a: 1 }, contentEncoding: 'base64', nullable: true }
  const Meta = { type: 'object', additionalProperties: true, examples: [value] }
  t.same((await mediaTypeOf('3.1.0', EventStream({ a: Meta }), QUIET)).examples!.a!.value, value)
  const { examples } = await mediaTypeOf('3.2.0', EventStream({ a: Meta }), QUIET)
  t.equal(examples!.stream!.value, `event: a\ndata: ${JSON.stringify(value)}\n\n`)
})

t.test('an event without an example is left out', async t => {
  const Code = { type: 'string', pattern: '^[A-Z]{3}-\\d+$' }
  for (const version of ['3.1.0', '3.2.0']) t.notOk('examples' in await mediaTypeOf(version, EventStream(Code), QUIET), version)
  t.same((await mediaTypeOf('3.1.0', EventStream({ code: Code, token: Token }), QUIET)).examples, { token: { summary: 'event: token', value: { text: 'Hello' } } })
})
