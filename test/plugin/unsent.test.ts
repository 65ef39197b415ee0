import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import typedSse, { EventStream } from '../../lib/index.ts'

const Word = EventStream({ type: 'string' })
const Json = { type: 'object', properties: { a: { type: 'number' } } }
const words = async function * () { yield 'w' }

const SOURCES: Record<string, () => unknown> = {
  'an async generator': words,
  'a generator': function * () { yield 'w' },
  'an async iterable': () => ({ [Symbol.asyncIterator]: words }),
  'an iterator': () => ['w'].values()
}

type Define = (app: FastifyInstance, handler: () => unknown) => void

const MISPLACED: Record<string, { early?: boolean, define: Define, advice: RegExp }> = {
  'where the contract is under another status': {
    define: (app, handler) => app.get('/', { schema: { response: { 201: Word, 202: Word, 404: Json } } }, async () => handler()),
    advice: /Route '\/' .+ it declares a stream for status 201, 202, not for 200: call `reply\.code\(\)` first/
  },
  'where no stream is declared': {
    define: (app, handler) => app.get('/', { schema: { response: { 200: Json } } }, async () => handler()),
    advice: /declare the response with `EventStream`/
  },
  'given to reply.send where a stream is declared': {
    define: (app, handler) => app.get('/', { schema: { response: { 200: Word } } }, (_request, reply) => { reply.send(handler() as never) }),
    advice: /call `reply\.sse\(source\)` in place of `reply\.send\(source\)`/
  },
  'given to reply.send on a route without a schema': {
    define: (app, handler) => app.get('/', (_request, reply) => { reply.send(handler()) }),
    advice: /call `reply\.sse\(source\)`/
  },
  'on a route without a schema, defined before the plugin was loaded': {
    early: true,
    define: (app, handler) => app.get('/', async () => handler()),
    advice: /define the route after `await app\.register\(typedSse\)`/
  },
  'on a route with a contract written by hand, defined before the plugin was loaded': {
    early: true,
    define: (app, handler) => app.get('/', { schema: { response: { 200: { content: { 'text/event-stream': { schema: { type: 'string' } } } } } } }, async () => handler()),
    advice: /define the route after `await app\.register\(typedSse\)`/
  },
  'for a route that does not exist': {
    define: (app, handler) => app.setNotFoundHandler(async () => handler()),
    advice: /Route '\/' /
  }
}

for (const [name, { early = false, define, advice }] of Object.entries(MISPLACED)) {
  for (const [kind, source] of Object.entries(SOURCES)) {
    t.test(`${kind} ${name} is refused, with what to change`, async t => {
      const app = Fastify()
      t.teardown(() => app.close())
      if (early) define(app, source)
      await app.register(typedSse)
      if (!early) define(app, source)
      const answer = await app.inject('/')
      t.match(answer.json(), { statusCode: 500, code: 'SSE_ERR_NOT_STREAMED', message: advice })
    })
  }
}

t.test('what JSON has something for is left alone', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  const bodies: unknown[] = [[1], { a: 1 }, new Map(), null, 5, Object.assign(words(), { toJSON: () => 'own' }), { next: 1 }, new Date(0)]
  app.get('/:index', async (request, reply) => reply.type('application/json').send(bodies[Number((request.params as { index: string }).index)]))
  for (const [index, body] of bodies.entries()) t.equal((await app.inject(`/${index}`)).body, JSON.stringify(body))
})

t.test('a generator that was given to a stream before is refused', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  const schema = { response: { 200: Word } }
  const once = words()
  const array = ['a']
  app.get('/returned', { schema }, () => once)
  app.get('/given', { schema }, (_request, reply) => reply.sse(() => once))
  app.get('/array', { schema }, () => array)
  t.equal((await app.inject('/returned')).body, 'data: "w"\n\n')
  for (const path of ['/returned', '/given']) {
    t.match((await app.inject(path)).json(), { statusCode: 500, code: 'SSE_ERR_SOURCE_USED', message: /call the generator function for each request/ }, path)
  }
  for (let i = 0; i < 2; i++) t.equal((await app.inject('/array')).body, 'data: "a"\n\n', 'an array can be streamed again')
})
