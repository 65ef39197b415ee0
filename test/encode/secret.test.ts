import { Type } from '@sinclair/typebox'
import fc from 'fast-check'
import { inspect } from 'node:util'
import t from 'tap'
import { Type as Type1 } from 'typebox'
import { EventStream } from '../../lib/index.ts'
import { encoder } from '../helpers/encoder.ts'
import { ask, serve } from '../helpers/serve.ts'

const date = { type: 'string', format: 'date-time' }

const SCHEMAS: object[] = [
  Type.Object({ a: Type.Number(), b: Type.Array(Type.Object({ c: Type.String({ format: 'email' }) })) }, { additionalProperties: false }),
  Type.Object({ a: Type.Literal('x'), b: Type.Union([Type.Null(), Type.Boolean()]) }),
  Type.Object({ a: Type.String({ pattern: '^x$' }), b: Type.String({ maxLength: 1 }) }),
  Type1.Object({ a: Type1.Number(), b: Type1.Array(Type1.String({ maxLength: 1 })) }, { additionalProperties: false }),
  Type1.Object({ a: Type1.Union([Type1.Literal('x'), Type1.Integer()]), b: Type1.Null() }),
  Type1.Object({ a: Type1.String({ format: 'uuid' }), b: Type1.Integer() }),
  { type: 'object', required: ['a', 'b'], properties: { a: date, b: { enum: ['x', 'y'] } }, additionalProperties: false },
  { type: 'object', properties: { a: { const: 'x' }, b: { oneOf: [{ type: 'number' }, date] } } },
  { type: 'object', required: ['a'], properties: { a: { not: {} }, b: { if: date, then: { type: 'number' }, else: { maxLength: 1 } } } },
  { type: 'number' },
  { type: 'array', items: date }
]

const encoders = await Promise.all(SCHEMAS.map(schema => encoder({ it: schema })))

/** Words that no message would have by itself. */
const secret = fc.string({ minLength: 12, maxLength: 24, unit: fc.constantFrom(...'QXZJWKV0123456789') }).map(word => `§${word}§`)

const payload = secret.chain(word => fc.record({
  word: fc.constant(word),
  data: fc.letrec(tie => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(word, `${word}@b.example`, [word], { c: word }, { constructor: { name: word } }, { toJSON: () => ({ a: word, b: word }) }, { valueOf: () => word }),
      fc.record({ a: tie('any'), b: tie('any') }, { requiredKeys: [] }),
      fc.array(tie('any'), { maxLength: 2 })
    )
  })).any
}))

t.test('an error names the event and where, never what', async t => {
  let refused = 0
  fc.assert(fc.property(payload, fc.constantFrom(...encoders), ({ word, data }, encode) => {
    try {
      encode({ event: 'it', data })
    } catch (error) {
      refused++
      const { code, event, message } = error as Error & { code: string, event: string }
      const shown = inspect(error, { depth: 5, showHidden: true })
      return /^SSE_ERR_(PAYLOAD|SERIALIZE)$/.test(code) && event === 'it' && message.includes("event 'it'") && !shown.includes(word)
    }
    return true
  }), { numRuns: 10_000 })
  t.ok(refused > 5000, `${refused} of 10000 were refused`)
})

t.test('nor does the log, the answer or the error event', async t => {
  const word = '§QXZJWKV0123456789§'
  const route = { schema: { response: { 200: EventStream({ type: 'object', properties: { a: { type: 'number' } } } as object) } } }
  for (const onInvalid of ['fail', 'skip'] as const) {
    const served = await serve(t, app => {
      app.get('/', route, (_request, reply) => { reply.sse([{ a: 1 }, { a: word }, { a: 2 }], { onInvalid }) })
      app.get('/first', route, (_request, reply) => { reply.sse([{ a: word }], { onInvalid }) })
    })
    for (const path of ['/', '/first']) {
      const answer = await ask(served, path)
      await answer.ended
      t.notMatch(answer.text, word)
    }
    t.match(served.lines.map(({ err }) => err?.code), /SSE_ERR_PAYLOAD/)
    t.notOk(JSON.stringify(served.lines).includes(word))
  }
})
