import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import t, { type Test } from 'tap'
import * as v from 'valibot'
import { z } from 'zod'
import { EventStream, event } from '../../lib/index.ts'
import { ask, type LogLine, serve } from '../helpers/serve.ts'

const SECRET = 'hunter2-QXZJWKV'

interface Refused { schema: object, data: unknown, code?: string, pointer?: string, reason: RegExp }

const object = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more })

const REFUSED: Record<string, Refused> = {
  'a wrong type': { schema: object({ card: { type: 'number' } }), data: { card: SECRET }, pointer: '/card', reason: /number/ },
  'a wrong type, deep down': { schema: { type: 'array', items: object({ 'a/b': { type: 'integer' } }) }, data: [{ 'a/b': 1 }, { 'a/b': SECRET }], pointer: '/1/a~1b', reason: /integer/ },
  'a pattern': { schema: { type: 'string', pattern: '^x$' }, data: SECRET, pointer: '', reason: /pattern/ },
  'a format': { schema: object({ at: { type: 'string', format: 'date-time' } }), data: { at: SECRET }, pointer: '/at', reason: /date-time/ },
  'an enum': { schema: { enum: ['a', 'b'] }, data: SECRET, pointer: '', reason: /equal to one of/ },
  'a union': { schema: { anyOf: [object({ a: { type: 'number' } }, { required: ['a'] }), { type: 'null' }] }, data: { a: SECRET }, reason: /./ },
  'a missing property': { schema: object({ a: {} }, { required: ['a'] }), data: { b: SECRET }, pointer: '', reason: /required/ },
  'toJSON that gives something else': { schema: object({ a: { type: 'number' } }), data: { a: { toJSON: () => SECRET } }, pointer: '/a', reason: /number/ },
  'a getter that throws': { schema: object({ a: {}, b: {} }), data: { b: SECRET, get a () { throw new Error('from the getter') } }, code: 'SSE_ERR_SERIALIZE', reason: /./ },
  // Their own messages show the value.
  'a refinement of zod': { schema: z.object({ a: z.string().refine(() => false, { error: ({ input }) => `not ${String(input)}` }) }), data: { a: SECRET }, pointer: '/a', reason: /zod schema/ },
  'a refinement of zod that throws': { schema: z.string().refine(text => { throw new Error(`not ${text}`) }), data: SECRET, pointer: '', reason: /asynchronously, or throws/ },
  'an asynchronous refinement of zod': { schema: z.string().refine(async () => false, { error: ({ input }) => `not ${String(input)}` }), data: SECRET, pointer: '', reason: /asynchronously/ },
  'a literal of zod': { schema: z.object({ a: z.literal('x') }), data: { a: SECRET }, pointer: '/a', reason: /./ },
  'a narrowing of ArkType': { schema: type({ a: 'string' }).narrow(({ a }, context) => context.reject({ path: ['a'], expected: `other than ${a}` })), data: { a: SECRET }, pointer: '/a', reason: /arktype schema/ },
  'a narrowing of ArkType that throws': { schema: type({ a: 'string' }).narrow(({ a }) => { throw new Error(`not ${a}`) }), data: { a: SECRET }, pointer: '', reason: /its arktype schema threw/ },
  'a check of Valibot': { schema: toStandardJsonSchema(v.object({ a: v.pipe(v.string(), v.check(() => false, ({ input }) => `not ${input}`)) })), data: { a: SECRET }, pointer: '/a', reason: /valibot schema/ },
  bytes: { schema: object({ a: {} }), data: { a: Buffer.from(SECRET) }, pointer: '/a', reason: /bytes/ }
}

/** Streams the payload after a good event, or as the first. */
async function stream (t: Test, { schema, data }: Refused, onInvalid: 'fail' | 'skip', isFirst: boolean): Promise<{ lines: LogLine[], output: string }> {
  const served = await serve(t, app => {
    app.get('/', { schema: { response: { 200: EventStream({ good: { type: 'null' }, it: schema } as { good: object, it: object }) } } }, (_request, reply) => {
      const good = event(null, { event: 'good' })
      const bad = event(data, { event: 'it' })
      reply.sse(() => (isFirst ? [bad] : [good, bad]), { onInvalid })
    })
  })
  const answer = await ask(served, '/')
  await answer.ended
  return { lines: served.lines.filter(({ level }) => level >= 40), output: JSON.stringify(served.lines) + answer.text }
}

for (const [name, refused] of Object.entries(REFUSED)) {
  const { code = 'SSE_ERR_PAYLOAD', pointer, reason } = refused
  for (const [how, onInvalid, isFirst] of [['after the headers', 'fail', false], ['before the headers', 'fail', true], ['and dropped', 'skip', false]] as const) {
    t.test(`${name}, refused ${how}: the log names event, pointer and reason, and nothing shows the value`, async t => {
      const { lines, output } = await stream(t, refused, onInvalid, isFirst)
      t.equal(lines.length, 1)
      t.match(lines[0], { level: onInvalid === 'skip' ? 40 : 50, err: { code, event: 'it', reason } })
      if (code === 'SSE_ERR_PAYLOAD') t.type((lines[0]!.err as { pointer?: string }).pointer, 'string')
      if (pointer !== undefined) t.equal((lines[0]!.err as { pointer?: string }).pointer, pointer)
      t.notMatch(output, SECRET)
    })
  }
}
