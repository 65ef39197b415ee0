import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import t from 'tap'
import typedSse, { EventStream } from '../../lib/index.ts'

async function bodies (schema: object, items: unknown[], shared: object[] = []): Promise<string> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse, { onInvalid: 'skip' })
  for (const other of shared) app.addSchema(other)
  app.get('/', { schema: { response: { 200: EventStream(schema) } } }, (_request, reply) => { reply.sse(items) })
  return (await app.inject('/')).body
}

t.test('tuples are checked in the words of each draft', async t => {
  const items = [['a', 2], ['a', 'b'], [1]]
  t.equal(await bodies({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }] }, items), 'data: ["a",2]\n\n')
  t.equal(await bodies({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'array', items: [{ type: 'string' }, { type: 'integer' }] }, items), 'data: ["a",2]\n\n')
  t.equal(await bodies({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'string', format: 'uuid' }, ['no']), '')
})

t.test('a shared schema of another draft is in nobody\'s way', async t => {
  const shared = { $id: 'Pair', $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'array', prefixItems: [{ type: 'string' }] }
  t.equal(await bodies({ type: 'string', format: 'email' }, ['a@b.org', 'no'], [shared]), 'data: "a@b.org"\n\n')
})

t.test('a schema written by hand that JSON cannot carry is refused where the route is defined', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  for (const schema of [Type.Date(), { type: 'object', properties: { a: { type: 'string', format: 'unsafe' } } }]) {
    t.throws(() => app.get('/', { schema: { response: { 200: { content: { 'text/event-stream': { schema } } } } } }, () => null), { code: 'SSE_ERR_SCHEMA' })
    t.throws(() => EventStream(schema), { code: 'SSE_ERR_SCHEMA' })
  }
})
