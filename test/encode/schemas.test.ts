import { Type } from '@sinclair/typebox'
import t from 'tap'
import { Type as Type1 } from 'typebox'
import { SchemaCompiler } from '../../lib/encode/check.ts'
import { encoder } from '../helpers/encoder.ts'

const REFUSED = Symbol('refused')
type Case = [payload: unknown, json: string | typeof REFUSED, pointer?: string]

/** Schemas as each writer writes them, and what becomes of payloads. */
const CASES: Record<string, { schemas: object[], payloads: Case[] }> = {
  'a union of objects': {
    schemas: [
      Type.Union([Type.Object({ k: Type.Literal('a'), x: Type.Number() }), Type.Object({ k: Type.Literal('b'), y: Type.Number() })]),
      Type1.Union([Type1.Object({ k: Type1.Literal('a'), x: Type1.Number() }), Type1.Object({ k: Type1.Literal('b'), y: Type1.Number() })]),
      { oneOf: ['a', 'b'].map((k, i) => ({ type: 'object', required: ['k', 'xy'[i]], properties: { k: { const: k }, ['xy'[i]!]: { type: 'number' } } })) }
    ],
    payloads: [[{ k: 'a', x: 1 }, '{"k":"a","x":1}'], [{ k: 'b', y: 2, x: 'no' }, '{"k":"b","y":2}'], [{ k: 'c' }, REFUSED], [{ k: 'b', y: 'no' }, REFUSED]]
  },
  'a union of types': {
    schemas: [Type.Union([Type.String(), Type.Null()]), Type1.Union([Type1.String(), Type1.Null()]), { type: ['string', 'null'] }, { type: 'string', nullable: true }],
    payloads: [['a', '"a"'], [null, 'null'], ['', '""'], [1, REFUSED], [undefined, REFUSED]]
  },
  'a recursive schema': {
    schemas: [
      Type.Recursive(This => Type.Object({ v: Type.Number(), next: Type.Optional(This) })),
      Type.Module({ Node: Type.Object({ v: Type.Number(), next: Type.Optional(Type.Ref('Node')) }) }).Import('Node'),
      Type1.Cyclic({ Node: Type1.Object({ v: Type1.Number(), next: Type1.Optional(Type1.Ref('Node')) }) }, 'Node'),
      { type: 'object', required: ['v'], properties: { v: { type: 'number' }, next: { $ref: '#' } } },
      { $ref: '#/definitions/node', definitions: { node: { type: 'object', required: ['v'], properties: { v: { type: 'number' }, next: { $ref: '#/definitions/node' } } } } }
    ],
    payloads: [
      [{ v: 1, next: { v: 2, secret: 3, next: { v: 4 } } }, '{"v":1,"next":{"v":2,"next":{"v":4}}}'],
      [{ v: 1, next: { v: 'no' } }, REFUSED, '/next/v']
    ]
  },
  'a recursive schema with a format': {
    schemas: [
      Type.Recursive(This => Type.Object({ at: Type.String({ format: 'date' }), next: Type.Optional(This) })),
      Type.Recursive(This => Type.Object({ at: Type.String({ format: 'date' }), next: Type.Optional(This) }), { $id: 'node' }),
      Type.Module({ Node: Type.Object({ at: Type.String({ format: 'date' }), next: Type.Optional(Type.Ref('Node')) }) }).Import('Node'),
      Type1.Cyclic({ Node: Type1.Object({ at: Type1.String({ format: 'date' }), next: Type1.Optional(Type1.Ref('Node')) }) }, 'Node'),
      { type: 'object', required: ['at'], properties: { at: { type: 'string', format: 'date' }, next: { $ref: '#' } } },
      { $id: 'node', type: 'object', required: ['at'], properties: { at: { type: 'string', format: 'date' }, next: { $ref: 'node' } } }
    ],
    payloads: [[{ at: '2026-01-02', next: { at: '2026-01-03', x: 1 } }, '{"at":"2026-01-02","next":{"at":"2026-01-03"}}'], [{ at: '2026-01-02', next: { at: 'no' } }, REFUSED, '/next/at']]
  },
  'an intersection that is closed': {
    schemas: [
      Type.Intersect([Type.Object({ a: Type.Number() }), Type.Object({ b: Type.Number() })], { unevaluatedProperties: false }),
      Type1.Intersect([Type1.Object({ a: Type1.Number() }), Type1.Object({ b: Type1.Number() })], { unevaluatedProperties: false }),
      { unevaluatedProperties: false, allOf: ['a', 'b'].map(name => ({ type: 'object', required: [name], properties: { [name]: { type: 'number' } } })) }
    ],
    payloads: [[{ a: 1, b: 2 }, '{"a":1,"b":2}'], [{ a: 1 }, REFUSED], [{ a: 1, b: 2, c: 3 }, REFUSED]]
  },
  'an intersection that is open': {
    schemas: [
      Type.Intersect([Type.Object({ a: Type.Number() }), Type.Object({ b: Type.Number() })]),
      Type1.Intersect([Type1.Object({ a: Type1.Number() }), Type1.Object({ b: Type1.Number() })])
    ],
    payloads: [[{ a: 1, b: 2, secret: 3 }, '{"a":1,"b":2}']]
  },
  'an object that is closed': {
    schemas: [
      Type.Object({ a: Type.Number() }, { additionalProperties: false }),
      Type1.Object({ a: Type1.Number() }, { additionalProperties: false }),
      { type: 'object', properties: { a: { type: 'number' } }, additionalProperties: false }
    ],
    payloads: [[{ a: 1 }, '{"a":1}'], [{ a: 1, b: 2 }, REFUSED]]
  },
  'an object that is open': {
    schemas: [Type.Object({ a: Type.Number() }, { additionalProperties: true }), { type: 'object', properties: { a: { type: 'number' } }, additionalProperties: true }],
    payloads: [[{ a: 1, b: 2 }, '{"a":1,"b":2}'], [{ a: 1, c: undefined }, '{"a":1}'], [{ a: 1, b: () => {} }, REFUSED, '/b']]
  },
  'a record': {
    schemas: [Type.Record(Type.String(), Type.Number()), Type1.Record(Type1.String(), Type1.Number()), { type: 'object', additionalProperties: { type: 'number' } }],
    payloads: [[{ a: 1, 'b"\\': 2 }, '{"a":1,"b\\"\\\\":2}'], [{}, '{}'], [{ a: 'no' }, REFUSED, '/a'], [{ 'a/b~c': 'no' }, REFUSED, '/a~1b~0c']]
  },
  'a tuple': {
    schemas: [Type.Tuple([Type.String(), Type.Number()]), Type1.Tuple([Type1.String(), Type1.Number()])],
    payloads: [[['a', 1], '["a",1]'], [['a', 'b'], REFUSED, '/1'], [['a', 1, 2], REFUSED]]
  },
  'an array': {
    schemas: [Type.Array(Type.Number()), Type1.Array(Type1.Number()), { type: 'array', items: { type: 'number' } }],
    payloads: [[[], '[]'], [[1, 2], '[1,2]'], [[1, 'no'], REFUSED, '/1'], [Uint8Array.of(1), REFUSED, '']]
  },
  anything: {
    schemas: [Type.Any(), Type.Unknown(), Type1.Any(), Type1.Unknown(), {}],
    payloads: [
      [{ a: [1, null, 'undefined'] }, '{"a":[1,null,"undefined"]}'], [null, 'null'], ['undefined', '"undefined"'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"'], [undefined, REFUSED, ''], [() => {}, REFUSED, ''], [Symbol('a'), REFUSED, ''], [Uint8Array.of(1), REFUSED, ''],
      [1n, REFUSED], [{ a: 1n }, REFUSED], [{ toJSON () {} }, REFUSED],
      [new Map([[1, 2]]), REFUSED, ''], [new Set([1]), REFUSED, '']
    ]
  },
  'an object that needs nothing': {
    schemas: [
      Type.Object({}), Type1.Object({}), { type: 'object' }, Type.Object({ a: Type.Optional(Type.Number()) }), Type1.Object({ a: Type1.Optional(Type1.Number()) }),
      Type.Record(Type.String(), Type.Unknown()), { type: 'object', additionalProperties: true }
    ],
    payloads: [[{}, '{}'], [new Map([[1, 2]]), REFUSED, ''], [new Set([1]), REFUSED, ''], [new Date(0), REFUSED, ''], [Uint8Array.of(1), REFUSED, '']]
  },
  'an object that needs nothing, or text': { schemas: [Type.Union([Type.Object({}), Type.String()]), { type: ['object', 'string'] }], payloads: [[{}, '{}'], ['a', '"a"'], [new Date(0), '"1970-01-01T00:00:00.000Z"']] },
  'anything within': {
    schemas: [Type.Object({ a: Type.Any() }), Type1.Object({ a: Type1.Any() }), { type: 'object', properties: { a: {} }, required: ['a'] }],
    payloads: [
      [{ a: 'undefined' }, '{"a":"undefined"}'], [{ a: { b: undefined } }, '{"a":{}}'], [{ a: () => {} }, REFUSED], [{ a: Symbol('a') }, REFUSED],
      [{ a: undefined }, REFUSED], [{ a: 1n }, REFUSED]
    ]
  },
  'a list of anything': {
    schemas: [Type.Array(Type.Any()), Type1.Array(Type1.Any()), { type: 'array' }, { type: 'array', items: {} }],
    payloads: [[[1, 'a', null], '[1,"a",null]'], [[[undefined]], REFUSED, '/0/0']]
  },
  'a list of anything that is given nothing': {
    schemas: [Type.Array(Type.Any()), Type1.Array(Type1.Any()), { type: 'array', items: {} }],
    payloads: [[[undefined], REFUSED], [[1, () => {}], REFUSED]]
  },
  'literals and enums': {
    schemas: [Type.Union([Type.Literal('a'), Type.Literal(1)]), Type1.Union([Type1.Literal('a'), Type1.Literal(1)]), { enum: ['a', 1] }],
    payloads: [['a', '"a"'], [1, '1'], ['1', REFUSED]]
  },
  'a constant': { schemas: [{ const: 'a\nb' }], payloads: [['a\nb', '"a\\nb"'], ['a', REFUSED, '']] },
  'if, then and else': {
    schemas: [{
      type: 'object',
      properties: { k: { type: 'string' } },
      if: { properties: { k: { const: 'a' } } },
      then: { properties: { x: { type: 'number' } } },
      else: { properties: { y: { type: 'number' } } }
    }],
    payloads: [[{ k: 'a', x: 1, y: 2 }, '{"k":"a","x":1}'], [{ k: 'b', x: 1, y: 2 }, '{"k":"b","y":2}'], [{ k: 'a', x: 'no' }, REFUSED, '/x']]
  },
  'properties that are named as keywords': {
    schemas: [{ type: 'object', properties: { default: { type: 'number' }, type: { type: 'string', default: 'x' }, format: { type: 'string' } } }],
    payloads: [[{ default: 1, type: 'a', format: 'wat' }, '{"default":1,"type":"a","format":"wat"}'], [{}, '{}'], [{ default: 'no' }, REFUSED, '/default']]
  }
}

for (const [what, { schemas, payloads }] of Object.entries(CASES)) {
  t.test(`${what}, whoever wrote it`, async t => {
    for (const schema of schemas) {
      const encode = await encoder({ it: schema })
      for (const [data, json, pointer] of payloads) {
        const encodeIt = () => encode({ event: 'it', data })
        if (json !== REFUSED) t.equal(encodeIt(), `event: it\ndata: ${json}\n\n`)
        else t.throws(encodeIt, { code: /^SSE_ERR_(PAYLOAD|SERIALIZE)$/, event: 'it', message: /of event 'it' /, ...(pointer === undefined ? {} : { pointer }) })
      }
    }
  })
}

t.test('one schema with an $id may serve several events, and be shared as well', async t => {
  const plain = { $id: 'price', type: 'object', properties: { a: { type: 'number' } } }
  for (const schema of [plain, Type.Object({ a: Type.Number() }, { $id: 'price' }), Type1.Object({ a: Type1.Number() }, { $id: 'price' })]) {
    for (const shared of [{}, { price: schema }, { price: plain }]) {
      const encode = await encoder({ a: schema, b: schema }, {}, shared)
      t.equal(encode({ event: 'b', data: { a: 1, c: 2 } }), 'event: b\ndata: {"a":1}\n\n')
    }
  }
})

const USER = { $id: 'User', type: 'object', required: ['mail'], properties: { mail: { type: 'string', format: 'email' }, boss: { $ref: 'User' } } }
const User = Type.Object({ mail: Type.String({ format: 'email' }) }, { $id: 'User' })
const User1 = Type1.Object({ mail: Type1.String({ format: 'email' }) }, { $id: 'User' })
const mail = 'a@b.cd'

/** Payloads in which a schema with an `$id` stands twice, and what becomes of one. */
const TWICE: Record<string, { schema: object, user?: object, payload: unknown, json: string, bad: unknown }> = {
  'in an object': { schema: Type.Object({ a: User, b: User }), payload: { a: { mail, x: 1 }, b: { mail, x: 1 } }, json: `{"a":{"mail":"${mail}"},"b":{"mail":"${mail}"}}`, bad: { a: { mail }, b: { mail: 'no' } } },
  'in an array': { schema: Type.Object({ a: User, b: Type.Array(User) }), payload: { a: { mail }, b: [{ mail, x: 1 }] }, json: `{"a":{"mail":"${mail}"},"b":[{"mail":"${mail}"}]}`, bad: { a: { mail }, b: [{ mail: 'no' }] } },
  'in a union': { schema: Type.Union([User, Type.Array(User)]), payload: [{ mail, x: 1 }], json: `[{"mail":"${mail}"}]`, bad: [{ mail: 'no' }] },
  'in a union of typebox 1': { user: User1, schema: Type1.Union([User1, Type1.Array(User1)]), payload: [{ mail, x: 1 }], json: `[{"mail":"${mail}"}]`, bad: [{ mail: 'no' }] },
  'as plain JSON Schema': { user: USER, schema: { type: 'object', properties: { a: USER, b: structuredClone(USER) } }, payload: { b: { mail, boss: { mail, x: 1 } } }, json: `{"b":{"mail":"${mail}","boss":{"mail":"${mail}"}}}`, bad: { b: { mail, boss: { mail: 'no' } } } }
}

for (const [where, { schema, user = User, payload, json, bad }] of Object.entries(TWICE)) {
  t.test(`a schema with an $id may stand twice ${where}, and be shared as well`, async t => {
    for (const shared of [{}, { User: user }]) {
      const encode = await encoder(schema, {}, shared)
      t.equal(encode(payload), `data: ${json}\n\n`)
      t.throws(() => encode(bad), { code: 'SSE_ERR_PAYLOAD' })
    }
  })
}

t.test('an $id leads nowhere but within its schema', async t => {
  const compiler = new SchemaCompiler({})
  const accepts = async (schema: object, value: unknown) => (await compiler.compile(schema as Record<string, unknown>)).check.accepts(value)
  t.ok(await accepts({ type: 'object', properties: { a: USER } }, { a: { mail } }))
  t.ok(await accepts({ type: 'object', properties: { a: { $id: 'User', type: 'string' } } }, { a: 'text' }), 'another of the same $id')
  await t.rejects(accepts({ type: 'object', properties: { a: { type: 'string' }, b: { $ref: 'User' } } }, {}), { message: /the \$ref 'User' leads nowhere/ })
})

t.test('different schemas of one $id in a payload are refused', async t => {
  const schema = { type: 'object', properties: { a: USER, b: { $id: 'User', type: 'string' } } }
  await t.rejects(encoder(schema), { code: 'SSE_ERR_SCHEMA', message: /two different schemas have the \$id 'User'/ })
})

t.test('recursive schemas stand beside each other', async t => {
  const node = (type: string) => ({ type: 'object', required: ['v'], properties: { v: { type }, next: { $ref: '#' } } })
  const node1 = (format: string) => Type1.Cyclic({ Node: Type1.Object({ v: Type1.String({ format }), next: Type1.Optional(Type1.Ref('Node')) }) }, 'Node')
  const encode = await encoder({ a: node('number'), b: node('string'), c: node1('date'), d: node1('email') })
  const nested = (v: unknown) => ({ v, next: { v, next: { v } } })
  for (const [event, good, bad] of [['a', 1, 'x'], ['b', 'x', 1], ['c', '2026-01-02', 'a@b.example'], ['d', 'a@b.example', '2026-01-02']]) {
    t.match(encode({ event, data: nested(good) }), `data: ${JSON.stringify(nested(good))}`)
    t.throws(() => encode({ event, data: { v: good, next: { v: bad } } }), { code: 'SSE_ERR_PAYLOAD', pointer: '/next/v' })
  }
})

t.test('a Date is the string that JSON makes of it', async t => {
  const at = new Date(0)
  const schema = { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } }
  for (const one of [schema, Type.Object({ at: Type.String({ format: 'date-time' }) }), Type1.Object({ at: Type1.String() }), Type.Object({ at: Type.String() })]) {
    const encode = await encoder(one)
    t.equal(encode({ at }), 'data: {"at":"1970-01-01T00:00:00.000Z"}\n\n')
  }
  const date = await encoder(Type.String({ format: 'date' }))
  t.throws(() => date(at), { code: 'SSE_ERR_PAYLOAD', pointer: '', message: /\(got a Date, which JSON makes a string\)$/ })
  const object = await encoder(Type.Object({ at: Type.Object({}) }))
  t.throws(() => object({ at }), { code: 'SSE_ERR_PAYLOAD', pointer: '/at', message: /got a Date/ })
})

t.test('circular payloads fail with a code, whatever the schema', async t => {
  const circular: Record<string, unknown> = { v: 1 }
  circular.next = circular
  const schemas = [{}, ...CASES['a recursive schema']!.schemas]
  for (const schema of schemas) {
    const encode = await encoder(schema)
    t.throws(() => encode(circular), { code: 'SSE_ERR_SERIALIZE', message: /circular/, event: 'message', cause: Error })
  }
})

t.test('a payload that fails while it is read ends in a code', async t => {
  const encode = await encoder(Type.Object({ n: Type.Number() }))
  const reason = new Error('reason')
  t.throws(() => encode({ get n () { throw reason } }), { code: 'SSE_ERR_SERIALIZE', cause: reason, message: /: reason$/ })
  t.throws(() => encode({ n: 1, toJSON () { throw reason } }), { code: 'SSE_ERR_SERIALIZE', cause: reason })
  // eslint-disable-next-line no-throw-literal
  t.throws(() => encode({ n: 1, toJSON () { throw 'reason' } }), { code: 'SSE_ERR_SERIALIZE', message: /a toJSON\(\) or a getter threw$/ })
  t.throws(() => encode({ n: 1, toJSON: () => ({ n: 'secret' }) }), { code: 'SSE_ERR_PAYLOAD', pointer: '/n' })
})
