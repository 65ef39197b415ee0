import { FormatRegistry, Kind, Type, TypeRegistry } from '@sinclair/typebox'
import t from 'tap'
import { Type as Type1 } from 'typebox'
import { encoder } from '../helpers/encoder.ts'

/** The three ways of writing a schema. */
const OBJECTS: Record<string, object> = {
  'plain JSON Schema': {
    type: 'object',
    required: ['n'],
    properties: { n: { type: 'integer' }, s: { type: 'string', default: 'x' }, o: { type: 'object', properties: { b: { type: 'boolean', default: true } } } }
  },
  '@sinclair/typebox': Type.Object({
    n: Type.Integer(), s: Type.Optional(Type.String({ default: 'x' })), o: Type.Optional(Type.Object({ b: Type.Optional(Type.Boolean({ default: true })) }))
  }),
  typebox: Type1.Object({
    n: Type1.Integer(), s: Type1.Optional(Type1.String({ default: 'x' })), o: Type1.Optional(Type1.Object({ b: Type1.Optional(Type1.Boolean({ default: true })) }))
  })
}

for (const [writer, schema] of Object.entries(OBJECTS)) {
  t.test(`${writer}: nothing is coerced`, async t => {
    const encode = await encoder(schema)
    for (const n of ['1', 1.5, true, null, undefined, [1], 1n, NaN, Infinity]) {
      t.throws(() => encode({ n }), { code: 'SSE_ERR_PAYLOAD', event: 'message', pointer: /^(\/n)?$/ })
    }
    t.throws(() => encode({ n: 1, s: 1 }), { code: 'SSE_ERR_PAYLOAD', pointer: '/s' })
    t.throws(() => encode({ n: 1, o: { b: 'true' } }), { code: 'SSE_ERR_PAYLOAD', pointer: '/o/b', message: /of event 'message' is invalid at '\/o\/b': / })
    t.throws(() => encode([]), { code: 'SSE_ERR_PAYLOAD', pointer: '' })
  })

  t.test(`${writer}: no default is filled in, here or on the wire`, async t => {
    const encode = await encoder(schema)
    const payload = Object.freeze({ n: 1, o: Object.freeze({}) })
    t.equal(encode(payload), 'data: {"n":1,"o":{}}\n\n')
  })

  t.test(`${writer}: nothing undeclared leaves, nor is taken out of what was given`, async t => {
    const encode = await encoder(schema)
    const payload = { n: 1, secret: 'x', o: { b: false, secret: 'x' } }
    t.equal(encode(payload), 'data: {"n":1,"o":{"b":false}}\n\n')
    t.strictSame(payload, { n: 1, secret: 'x', o: { b: false, secret: 'x' } })
  })
}

const FORMATS: Record<string, [good: string, bad: string]> = {
  'date-time': ['2026-01-02T03:04:05Z', '2026-13-02T03:04:05Z'],
  date: ['2026-01-02', '2026-1-2'],
  time: ['03:04:05Z', '25:04:05Z'],
  email: ['a@b.example', 'a.b.example'],
  uuid: ['123e4567-e89b-12d3-a456-426614174000', '123e4567'],
  uri: ['https://a.example/b', 'a b'],
  ipv4: ['127.0.0.1', '127.0.0.256'],
  ipv6: ['::1', ':::'],
  hostname: ['a.example', '-a-'],
  regex: ['^a$', '(']
}

for (const [format, [good, bad]] of Object.entries(FORMATS)) {
  t.test(`the format ${format} is checked, whoever wrote the schema`, async t => {
    for (const schema of [{ type: 'string', format }, Type.String({ format }), Type1.String({ format })]) {
      const encode = await encoder(schema)
      t.equal(encode(good), `data: ${JSON.stringify(good)}\n\n`)
      t.throws(() => encode(bad), { code: 'SSE_ERR_PAYLOAD', message: new RegExp(format) })
    }
  })
}

t.test('a format that nobody knows is refused', async t => {
  for (const schema of [{ type: 'string', format: 'wat' }, Type.Object({ a: Type.String({ format: 'wat' }) }), Type1.Array(Type1.String({ format: 'wat' })), { type: 'string', format: 'constructor' }]) {
    await t.rejects(encoder(schema), { code: 'SSE_ERR_SCHEMA', message: /event 'message' cannot be used: unknown format '(wat|constructor)'/ })
  }
  const shared = { code: { $id: 'code', type: 'string', format: 'wat' } }
  await t.rejects(encoder({ $ref: 'code#' }, {}, shared), { code: 'SSE_ERR_SCHEMA', message: /unknown format 'wat'/ })
  t.equal((await encoder({ type: 'string' }, {}, shared))('a'), 'data: "a"\n\n', 'but not where it is not used')
})

t.test('a format registered with TypeBox is checked by it', async t => {
  FormatRegistry.Set('even', text => text.length % 2 === 0)
  t.teardown(() => { FormatRegistry.Delete('even') })
  const encode = await encoder(Type.Object({ a: Type.String({ format: 'even' }) }))
  t.equal(encode({ a: 'ab' }), 'data: {"a":"ab"}\n\n')
  t.throws(() => encode({ a: 'abc' }), { code: 'SSE_ERR_PAYLOAD', pointer: '/a' })
})

t.test('a kind registered with TypeBox is checked by it', async t => {
  TypeRegistry.Set('Even', (_schema, value) => Number(value) % 2 === 0)
  t.teardown(() => { TypeRegistry.Delete('Even') })
  const encode = await encoder(Type.Unsafe<number>({ [Kind]: 'Even', type: 'number' }))
  t.equal(encode(2), 'data: 2\n\n')
  t.throws(() => encode(3), { code: 'SSE_ERR_PAYLOAD' })
})

t.test('plain JSON Schema within TypeBox is checked', async t => {
  for (const schema of [Type.Object({ a: Type.Unsafe<string>({ type: 'string', minLength: 2 }) }), Type1.Object({ a: Type1.Unsafe<string>({ type: 'string', minLength: 2 }) })]) {
    const encode = await encoder(schema)
    t.equal(encode({ a: 'ab' }), 'data: {"a":"ab"}\n\n')
    t.throws(() => encode({ a: 'a' }), { code: 'SSE_ERR_PAYLOAD', pointer: '/a' })
  }
})

t.test('schemas may name their draft; one that is not known is refused', async t => {
  for (const $schema of ['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft/2019-09/schema', 'https://json-schema.org/draft/2020-12/schema']) {
    t.equal((await encoder({ $schema, type: 'string' }))('a'), 'data: "a"\n\n')
  }
  await t.rejects(encoder({ $schema: 'http://json-schema.org/draft-03/schema#', type: 'string' }), { code: 'SSE_ERR_SCHEMA' })
})

t.test('what cannot be compiled is refused with its event', async t => {
  await t.rejects(encoder({ a: { type: 'string' }, b: { $ref: 'nowhere#' } }), { code: 'SSE_ERR_SCHEMA', message: /event 'b'.*nowhere/, cause: Error })
  await t.rejects(encoder({ type: 'string', pattern: '(' }), { code: 'SSE_ERR_SCHEMA' })
  await t.rejects(encoder({ type: 'string', minLength: 'x' }), { code: 'SSE_ERR_SCHEMA' })
})

t.test('types that JSON does not have are refused, and a date told what to do', async t => {
  await t.rejects(encoder(Type.Date()), { code: 'SSE_ERR_SCHEMA', message: /JSON has no type 'Date', declare a string of format 'date-time'/ })
  await t.rejects(encoder(Type.Object({ at: Type.Optional(Type.Date()) })), { code: 'SSE_ERR_SCHEMA', message: /date-time/ })
  for (const schema of [Type.BigInt(), Type.Undefined(), Type.Uint8Array(), Type.Symbol(), Type.Function([], Type.Any()), Type1.BigInt(), Type1.Undefined(), Type1.Array(Type1.BigInt()), { type: ['string', 'date'] }]) {
    await t.rejects(encoder(schema), { code: 'SSE_ERR_SCHEMA', message: /JSON has no type '/ })
  }
})
