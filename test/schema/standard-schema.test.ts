import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import t from 'tap'
import * as v from 'valibot'
import { z } from 'zod'
import { declarationOf } from '../../lib/contract/declaration.ts'
import { EventStream, RawText } from '../../lib/contract/event-stream.ts'
import { isStandardSchema, standardSchemaOf } from '../../lib/schema/standard-schema.ts'
import { encoder } from '../helpers/encoder.ts'

const JSON_SCHEMA = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a'] }

const SCHEMAS: Record<string, object> = {
  zod: z.object({ a: z.string(), b: z.number().optional() }),
  ArkType: type({ a: 'string', 'b?': 'number' }),
  Valibot: toStandardJsonSchema(v.object({ a: v.string(), b: v.optional(v.number()) }))
}

for (const [vendor, schema] of Object.entries(SCHEMAS)) {
  t.test(`${vendor}: the contract has the JSON Schema of the input, and leads back to the schema`, async t => {
    const jsonSchema = declarationOf(EventStream(schema))!.events.get('')!
    t.strictSame({ ...jsonSchema }, JSON_SCHEMA)
    t.equal(standardSchemaOf(jsonSchema), schema)
    t.equal(declarationOf(EventStream({ a: schema }))!.events.get('a'), jsonSchema, 'the same object each time')
    t.equal(declarationOf({ content: { 'text/event-stream': { schema } } })!.events.get(''), jsonSchema, 'also in a content written by hand')
  })

  t.test(`${vendor}: payloads are checked and written by it, undeclared properties do not leave`, async t => {
    const encode = await encoder(schema)
    t.equal(encode({ a: 'x', c: 1 }), 'data: {"a":"x"}\n\n')
    t.throws(() => encode({ a: 1 }), { code: 'SSE_ERR_PAYLOAD', pointer: '/a' })
    t.throws(() => encode({}), { code: 'SSE_ERR_PAYLOAD' })
  })
}

t.test('a map with a Standard Schema in it is a map, whatever its names are', async t => {
  for (const item of Object.values(SCHEMAS)) {
    const { events } = declarationOf(EventStream({ items: item, type: { type: 'string' }, not: RawText() }))!
    t.strictSame(Array.from(events.keys()), ['items', 'type', 'not'])
  }
  t.throws(() => EventStream({ items: SCHEMAS.zod, type: 'object' }), { code: 'SSE_ERR_CONTRACT', message: /the value of 'type' is a string/ })
})

t.test('the input side is the contract: transforms, defaults and codecs', async t => {
  const length = await encoder(z.string().transform(text => text.length))
  t.equal(length('abc'), 'data: "abc"\n\n')
  const codec = await encoder(z.codec(z.iso.datetime(), z.date(), { decode: text => new Date(text), encode: date => date.toISOString() }))
  t.equal(codec('2026-01-01T00:00:00.000Z'), 'data: "2026-01-01T00:00:00.000Z"\n\n')
  t.equal(codec(new Date(0)), 'data: "1970-01-01T00:00:00.000Z"\n\n', 'what JSON says of a Date')
  const withDefault = await encoder(z.object({ a: z.number().default(1) }))
  t.equal(withDefault({}), 'data: {}\n\n')
})

t.test('what only code can say is checked too, on what the client will read', async t => {
  const seen: unknown[] = []
  const even = z.object({ list: z.array(z.object({ n: z.number().refine(n => { seen.push(n); return n % 2 === 0 }) })) })
  const encode = await encoder({ even })
  t.equal(encode({ event: 'even', data: { list: [{ n: { toJSON: () => 2 } }] } }), 'event: even\ndata: {"list":[{"n":2}]}\n\n')
  t.strictSame(seen, [2])
  const { message, ...fields } = t.throws(() => encode({ event: 'even', data: { list: [{ n: 2 }, { n: 4711 }] } })) as unknown as Error
  t.match(fields, { code: 'SSE_ERR_PAYLOAD', event: 'even', pointer: '/list/1/n' })
  t.match(message, /must pass the validation of its zod schema/)
  t.notMatch(message, /4711/)
  const narrowed = await encoder(type({ n: 'number' }).narrow(({ n }) => n > 0))
  t.throws(() => narrowed({ n: -1 }), { code: 'SSE_ERR_PAYLOAD', pointer: '', message: /arktype schema/ })
  const checked = await encoder(toStandardJsonSchema(v.object({ n: v.pipe(v.number(), v.check(n => n > 0)) })))
  t.throws(() => checked({ n: -1 }), { code: 'SSE_ERR_PAYLOAD', pointer: '/n' })
})

t.test('an asynchronous validation refuses the event, and its failure is caught', async t => {
  const slow = await encoder(z.string().refine(async () => true))
  t.throws(() => slow('a'), { code: 'SSE_ERR_PAYLOAD', message: /zod schema validates asynchronously/ })
  const failing = await encoder({ '~standard': { vendor: 'mine', validate: () => Promise.reject(new Error('late')), jsonSchema: { input: () => ({}) } } })
  t.throws(() => failing('a'), { code: 'SSE_ERR_PAYLOAD', message: /validates asynchronously/ })
  await new Promise(resolve => setImmediate(resolve))
})

t.test('recursive schemas keep their local references', async t => {
  const Tree = z.object({ id: z.string(), get nodes () { return z.array(Tree) } })
  const encode = await encoder({ tree: Tree, pair: z.object({ left: Tree, right: Tree }) })
  const leaf = { id: 'b', nodes: [] }
  t.equal(encode({ event: 'tree', data: { id: 'a', nodes: [leaf] } }), 'event: tree\ndata: {"id":"a","nodes":[{"id":"b","nodes":[]}]}\n\n')
  t.throws(() => encode({ event: 'pair', data: { left: leaf, right: { id: 1, nodes: [] } } }), { code: 'SSE_ERR_PAYLOAD', pointer: '/right/id' })
})

t.test('raw text may be a Standard Schema of strings', async t => {
  const encode = await encoder({ line: RawText(z.string().refine(text => text !== 'no')) })
  t.equal(encode({ event: 'line', data: 'a\nb' }), 'event: line\ndata: a\ndata: b\n\n')
  t.throws(() => encode({ event: 'line', data: 'no' }), { code: 'SSE_ERR_PAYLOAD' })
  t.throws(() => RawText(z.number()), { code: 'SSE_ERR_CONTRACT', message: /RawText takes a schema of strings/ })
})

const REFUSED: Record<string, object> = {
  'a Date of zod': z.object({ at: z.date() }),
  'a bigint of zod': z.bigint(),
  'a map of zod': z.map(z.string(), z.string()),
  'a Date of ArkType': type({ at: 'Date' }),
  'a bigint of ArkType': type({ n: 'bigint' }),
  'a Map of ArkType': type('Map'),
  'a Date of Valibot': toStandardJsonSchema(v.object({ at: v.date() }))
}

t.test('what JSON cannot carry is refused where it is declared, with the fix', async t => {
  for (const [what, schema] of Object.entries(REFUSED)) {
    t.throws(() => EventStream({ tick: schema }), { code: 'SSE_ERR_SCHEMA', message: /event 'tick'.*JSON has no Date, bigint, Map and Set: declare the string, number, array or object that is sent/, cause: Error }, what)
  }
})

t.test('a schema without a JSON Schema is refused, with the way to one', async t => {
  t.throws(() => EventStream(v.object({ a: v.string() })), { code: 'SSE_ERR_SCHEMA', message: /its valibot schema does not provide a JSON Schema: use .* toStandardJsonSchema\(\) of @valibot\/to-json-schema/ })
})

t.test('an older draft is taken where a schema does not know 2020-12', async t => {
  const asked: string[] = []
  const jsonSchema = { input ({ target }: { target: string }) { asked.push(target); if (target !== 'draft-07') throw new Error('unknown target'); return { $schema: 'x', type: 'string' } } }
  const schema = { '~standard': { version: 1, vendor: 'mine', jsonSchema, validate: (value: unknown) => ({ issues: value === 'a' ? [{ message: '' }] : undefined }) } }
  const encode = await encoder(schema)
  t.equal(encode('b'), 'data: "b"\n\n')
  t.throws(() => encode('a'), { code: 'SSE_ERR_PAYLOAD', pointer: '' })
  t.strictSame(asked, ['draft-2020-12', 'draft-07'])
})

t.test('the path of an issue may have objects for its keys', async t => {
  const validate = () => ({ issues: [{ message: '', path: [{ key: 'a' }, 0] }] })
  const encode = await encoder({ '~standard': { vendor: 'mine', validate, jsonSchema: { input: () => ({}) } } })
  t.throws(() => encode({ a: [1] }), { code: 'SSE_ERR_PAYLOAD', pointer: '/a/0' })
})

t.test('only what validates is a Standard Schema', async t => {
  for (const other of [undefined, null, 1, {}, { '~standard': null }, { '~standard': {} }, { '~standard': { validate: true } }, () => {}]) t.notOk(isStandardSchema(other))
})
