import { Type } from '@sinclair/typebox'
import t from 'tap'
import { Type as Type1 } from 'typebox'
import { declarationOf } from '../../lib/contract/declaration.ts'
import { EventStream, RawText } from '../../lib/contract/event-stream.ts'

const OBJECT = { type: 'object', properties: { a: { type: 'number' } } }

const SCHEMAS: Record<string, object> = {
  'a TypeBox schema': Type.Object({ a: Type.Number() }),
  'a TypeBox 1.x schema': Type1.Object({ a: Type1.Number() }),
  'a TypeBox schema without keywords': Type.Any(),
  'a TypeBox 1.x schema without keywords': Type1.Any(),
  'a plain schema': OBJECT,
  'a list of types': { type: ['string', 'null'] },
  'the schema of anything': {},
  'a reference': { $ref: 'price#' },
  'a union': { anyOf: [OBJECT, { type: 'null' }] },
  'items without a type': { items: [{ type: 'string' }] },
  'a constant': { const: 1 },
  'a constant of undefined form': { const: { type: 'string' }, title: 'x' },
  'an enum': { enum: [1, 2] },
  'properties without a type': { properties: { data: { type: 'string' } } },
  'properties that have a type for a name': { properties: { type: { type: 'string' } } },
  'raw text': RawText(),
  'a schema with a description': { description: 'x', type: 'string' },
  'a TypeBox object whose every keyword is a schema': Type.Not(Type.String())
}

for (const [what, schema] of Object.entries(SCHEMAS)) {
  t.test(`${what} declares unnamed events`, async t => {
    const declaration = declarationOf(EventStream(schema))
    t.strictSame(Array.from(declaration!.events.keys()), [''])
    t.equal(declaration?.events.get(''), schema)
  })
}

const MAPS: Record<string, Record<string, object>> = {
  'TypeBox schemas': { a: Type.Number(), b: Type.Any() },
  'TypeBox 1.x schemas': { a: Type1.Number(), b: Type1.Any() },
  'plain schemas': { a: { type: 'number' }, b: { $ref: 'b#' } },
  'schemas of anything': { a: {} },
  'raw text': { a: RawText(), b: { type: 'string' } },
  'names that are keywords, with schemas that are none of their values': { type: { type: 'string' }, enum: { type: 'string' }, allOf: {} },
  'names that objects have': { toString: { type: 'string' }, constructor: { type: 'string' } },
  'the name __proto__': JSON.parse('{ "__proto__": { "type": "string" } }')
}

for (const [what, map] of Object.entries(MAPS)) {
  t.test(`a map of ${what} declares named events`, async t => {
    const declaration = declarationOf(EventStream(map))
    t.strictSame(Array.from(declaration!.events), Object.entries(map))
  })
}

const AMBIGUOUS: Record<string, object> = {
  'an object with only `properties`': { properties: { type: 'string' } },
  'an object with only `items`': { items: { type: 'string' } },
  'an object with only `not`': { not: { type: 'string' } },
  'an object with `not` and another schema': { not: { type: 'string' }, other: { type: 'string' } },
  'an object with only `const`': { const: { type: 'string' } }
}

for (const [what, input] of Object.entries(AMBIGUOUS)) {
  t.test(`${what}, a schema and a map at once, is refused`, async t => {
    t.throws(() => EventStream(input), { code: 'SSE_ERR_CONTRACT_AMBIGUOUS', message: new RegExp(`key\\(s\\) ${Object.keys(input).join(', ')} `) })
  })
}

const REFUSED: unknown[] = [
  undefined, null, true, 1, 'string', [], [{ type: 'string' }], () => {},
  { a: 1 }, { a: { type: 'string' }, b: 'c' }, { a: { type: 'string' }, b: null }, { a: { b: 1 } }, { a: [] }, { type: 1 }, { description: 'x' }
]

t.test('what is neither a schema nor a map is refused', async t => {
  for (const input of REFUSED) t.throws(() => EventStream(input as never), { code: 'SSE_ERR_CONTRACT', message: /^EventStream takes a schema, or a map/ })
})

t.test('a refusal says what was given', async t => {
  const given: Array<[unknown, string]> = [
    [undefined, 'got undefined'], [null, 'got null'], [[], 'got an array'], ['a', 'got a string'], [() => {}, 'got a function'],
    [{ a: { type: 'string' }, b: 'c' }, "the value of 'b' is a string, which is no schema"], [{ a: { b: 1 } }, "the value of 'a' is an object"], [{ [Symbol('a')]: 1 }, 'an object without names']
  ]
  for (const [input, message] of given) t.throws(() => EventStream(input as never), { code: 'SSE_ERR_CONTRACT', message: new RegExp(message) })
})

t.test('a name that cannot be written is refused where it is declared', async t => {
  for (const name of ['', 'a\nb', '\r']) t.throws(() => EventStream({ [name]: { type: 'string' } }), { code: 'SSE_ERR_EVENT' })
})

t.test('a name of the library is refused where it is declared', async t => {
  for (const name of ['$ready', '$']) t.throws(() => EventStream({ [name]: { type: 'string' } }), { code: 'SSE_ERR_EVENT', message: /begins with '\$', which is reserved/ })
  t.ok(EventStream({ a$: { type: 'string' } }))
})

t.test('a schema of what JSON cannot carry is refused where it is declared', async t => {
  t.throws(() => EventStream({ a: Type.Object({ at: Type.Date() }) }), { code: 'SSE_ERR_SCHEMA', message: /event 'a'.*JSON has no type 'Date', declare a string of format 'date-time'/ })
  t.throws(() => EventStream(Type.BigInt()), { code: 'SSE_ERR_SCHEMA', message: /event 'message'.*JSON has no type 'bigint'/ })
})

t.test('options are checked', async t => {
  const refused: unknown[] = [null, 1, [], { sentinal: 'x' }, { toString: 'x' }, { sentinel: 1 }, { description: 1 }, { retry: 'x' }, { id: 'x' }]
  for (const options of refused) t.throws(() => EventStream(OBJECT, options as never), { code: 'SSE_ERR_CONTRACT', message: /option/i })
  const declaration = declarationOf(EventStream(OBJECT, { sentinel: undefined, description: undefined, id: true, retry: true }))
  t.match(declaration, { id: true, retry: true, sentinel: undefined })
  t.match(declarationOf(EventStream(OBJECT)), { id: false, retry: false, sentinel: undefined })
})

t.test('a sentinel is one line, and no JSON where payloads are', async t => {
  for (const sentinel of ['', 'a\nb', '\r']) t.throws(() => EventStream(OBJECT, { sentinel }), { code: 'SSE_ERR_SENTINEL', message: /one line/ })
  for (const sentinel of ['[]', 'null', '1', '"done"', ' {} ']) t.throws(() => EventStream(OBJECT, { sentinel }), { code: 'SSE_ERR_SENTINEL', message: /JSON/ })
  for (const sentinel of ['[DONE]', 'done', '{']) t.equal(declarationOf(EventStream(OBJECT, { sentinel }))?.sentinel, sentinel)
  // Named events are told from an unnamed sentinel by their name, raw text by being checked.
  t.equal(declarationOf(EventStream({ a: OBJECT }, { sentinel: '[]' }))?.sentinel, '[]')
  t.equal(declarationOf(EventStream(RawText(), { sentinel: '[]' }))?.sentinel, '[]')
})

t.test('it is a plain response schema, which Fastify cannot compile without the plugin', async t => {
  t.match(JSON.parse(JSON.stringify(EventStream(OBJECT))), { description: 'Server-sent events.', content: { 'text/event-stream': { schema: { $ref: /^fastify-typed-sse-is-not-registered:/ } } } })
  t.match(EventStream({ a: OBJECT }, { description: 'x' }), { description: 'x' })
})

t.test('a declaration survives a copy of its media type', async t => {
  const { content } = EventStream(OBJECT)
  t.equal(declarationOf({ content: { 'text/event-stream': { ...content['text/event-stream'] } } })?.events.get(''), OBJECT)
})

t.test('raw text marks a copy of a schema of strings', async t => {
  const schema = Type.String({ minLength: 1 })
  const raw = RawText(schema)
  t.not(raw, schema)
  t.strictSame({ ...raw }, { ...schema, [Symbol.for('fastify-typed-sse.raw')]: true })
  t.notOk(Symbol.for('fastify-typed-sse.raw') in schema)
  const raw1 = RawText(Type1.String())
  t.equal(Reflect.get(raw1, '~kind'), 'String', 'a mark of TypeBox 1.x that is not enumerable is kept')
  for (const accepted of [{}, { enum: ['a'] }, { type: ['string', 'null'] }, { anyOf: [{ type: 'string' }] }]) t.ok(RawText(accepted))
})

t.test('raw text refuses what is no schema of strings', async t => {
  for (const schema of [null, 1, 'a', [], { a: 1 }, Type.Number(), Type1.Object({}), { type: 'number' }, { type: ['number', 'null'] }]) {
    t.throws(() => RawText(schema as never), { code: 'SSE_ERR_CONTRACT', message: /RawText takes a schema of strings/ })
  }
})
