import { FormatRegistry, Type } from '@sinclair/typebox'
import { type Ajv, type FuncKeywordDefinition } from 'ajv'
import addFormats from 'ajv-formats'
import t from 'tap'
import { Type as Type1 } from 'typebox'
import { type Extensions, SchemaCompiler } from '../../lib/encode/check.ts'
import { declarationOf } from '../../lib/contract/declaration.ts'
import { compileEncoder } from '../../lib/encode/encoder.ts'
import typedSse, { EventStream } from '../../lib/index.ts'
import { framesOf } from '../helpers/encoder.ts'
import { ask, serve } from '../helpers/serve.ts'

const even: FuncKeywordDefinition = { keyword: 'even', type: 'number', validate: (_schema: boolean, value: number) => value % 2 === 0 }
const upper = /^[A-Z]+$/

/** The same, told in each way that Ajv knows. */
const EXTENSIONS: Record<string, Extensions> = {
  options: { customOptions: { keywords: [even], formats: { upper } } },
  'a plugin': { plugins: [(ajv: Ajv) => ajv.addKeyword(even).addFormat('upper', upper)] },
  'a plugin with options': { plugins: [[(ajv: Ajv, format: string) => ajv.addKeyword(even).addFormat(format, upper), 'upper']] }
}

const encoder = async (schema: object, extensions: Extensions, shared = {}) =>
  framesOf(await compileEncoder(declarationOf(EventStream(schema))!, new SchemaCompiler(shared, extensions)))

for (const [how, extensions] of Object.entries(EXTENSIONS)) {
  t.test(`keywords and formats added by ${how} are checked, whoever wrote the schema`, async t => {
    for (const T of [Type, Type1] as Array<typeof Type>) {
      for (const schema of [
        T.Object({ n: T.Number({ even: true }), s: T.Array(T.String({ format: 'upper' })) }),
        T.Object({ n: T.Number({ even: true }), s: T.Array(T.String()) }),
        { type: 'object', properties: { n: { type: 'number', even: true }, s: { type: 'array', items: { type: 'string', format: 'upper' } } } }
      ]) {
        const encode = await encoder(schema, extensions)
        t.equal(encode({ n: 2, s: ['A'] }), 'data: {"n":2,"s":["A"]}\n\n')
        t.throws(() => encode({ n: 1, s: ['A'] }), { code: 'SSE_ERR_PAYLOAD', pointer: '/n' })
      }
      const word = await encoder(T.String({ format: 'upper' }), extensions)
      t.throws(() => word('a'), { code: 'SSE_ERR_PAYLOAD', pointer: '', message: /upper/ })
    }
    const shared = { word: { $id: 'word', type: 'string', format: 'upper' } }
    const encode = await encoder({ $ref: 'word#' }, extensions, shared)
    t.throws(() => encode('a'), { code: 'SSE_ERR_PAYLOAD' })
    await t.rejects(encoder({ type: 'string', format: 'lower' }, extensions), { code: 'SSE_ERR_SCHEMA', message: /unknown format 'lower'/ })
  })
}

t.test('a format of a plugin goes before one of the same name', async t => {
  const extensions = { plugins: [(ajv: Ajv) => ajv.addFormat('email', /^\d+$/)] }
  FormatRegistry.Set('email', () => true)
  t.teardown(() => { FormatRegistry.Delete('email') })
  for (const schema of [{ type: 'string', format: 'email' }, Type.String({ format: 'email' }), Type1.String({ format: 'email' })]) {
    const encode = await encoder(schema, extensions)
    t.equal(encode('1'), 'data: "1"\n\n')
    t.throws(() => encode('a@b.example'), { code: 'SSE_ERR_PAYLOAD' })
  }
})

t.test('the check stays strict, whatever the options say', async t => {
  const customOptions = { coerceTypes: 'array', useDefaults: true, removeAdditional: 'all', strict: true, strictNumbers: false, logger: false }
  const encode = await encoder({
    type: 'object', required: ['n'], properties: { n: { type: 'number' }, s: { type: 'string', default: 'x' } }, additionalProperties: false, 'x-tag': 1
  }, { customOptions })
  for (const payload of [{ n: '1' }, { n: [1] }, { n: NaN }, { n: 1, other: 2 }]) t.throws(() => encode(payload), { code: 'SSE_ERR_PAYLOAD' })
  t.equal(encode({ n: 1 }), 'data: {"n":1}\n\n')
})

t.test('ajv-formats may be given again', async t => {
  const encode = await encoder({ type: 'string', format: 'date' }, { plugins: [[addFormats.default, { mode: 'fast' }]] })
  t.equal(encode('2026-13-01'), 'data: "2026-13-01"\n\n', 'which takes that')
  t.throws(() => encode('no'), { code: 'SSE_ERR_PAYLOAD' })
})

t.test('an asynchronous check, which could refuse nothing, is refused', async t => {
  await t.rejects(encoder({ $async: true, type: 'number' }, {}), { code: 'SSE_ERR_SCHEMA', message: /must not be asynchronous/ })
})

t.test('the plugin hands its option to the routes of its scope', async t => {
  const ajv = { customOptions: { keywords: [even] } }
  const response = { 200: EventStream({ type: 'number', even: true }) }
  const served = await serve(t, async app => {
    await app.register(async scope => {
      await scope.register(typedSse, { ajv })
      scope.get('/inside', { schema: { response } }, (_request, reply) => { reply.sse([2, 3]) })
    })
    app.get('/outside', { schema: { response } }, (_request, reply) => { reply.sse([2, 3]) })
  }, { fastify: { ajv } })
  const inside = await ask(served, '/inside')
  t.equal(await inside.ended, 'broken')
  t.match(inside.events, [{ data: '2' }, { event: 'error', data: /SSE_ERR_PAYLOAD/ }])
  t.equal(await (await ask(served, '/outside')).whole(), 'data: 2\n\ndata: 3\n\n')
})

t.test('a format of the option ajv is known: the console has nothing to say of it', async t => {
  const said = (['log', 'info', 'warn', 'error'] as const).map(name => t.capture(console, name))
  const ajv = { plugins: [(instance: Ajv) => instance.addFormat('lower', /^[a-z]+$/)] }
  const served = await serve(t, app => {
    const payload = { type: 'object', properties: { word: { type: 'string', format: 'lower' } } }
    app.get('/', { schema: { response: { 200: EventStream(payload), 202: payload } } }, (_request, reply) => { reply.sse([{ word: 'a' }]) })
  }, { fastify: { ajv: ajv as object }, sse: { ajv: ajv as object } })
  t.equal(await (await ask(served, '/')).whole(), 'data: {"word":"a"}\n\n')
  t.strictSame(said.flatMap(({ args }) => args()), [])
})
