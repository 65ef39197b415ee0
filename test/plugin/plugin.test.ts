import { readFileSync } from 'node:fs'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import named, * as all from '../../lib/index.ts'
import typedSse, { EventStream } from '../../lib/index.ts'
import { ask, serve, eventually } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }

t.test('the default and the named export are one function', async t => {
  t.equal(all.typedSse, typedSse)
  t.equal(all.default, named)
})

t.test('it says its name and the Fastify it needs, as package.json does', async t => {
  const { peerDependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const meta = Reflect.get(typedSse, Symbol.for('plugin-meta'))
  t.match(meta, { fastify: peerDependencies.fastify, name: 'fastify-typed-sse' })
})

t.test('encapsulated: only the scope that registered it, and scopes below, have it', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async scope => {
    await scope.register(typedSse)
    await scope.register(async inner => {
      inner.get('/inner', Text, (_request, reply) => { reply.sse(['a']) })
    }, { prefix: '/deep' })
  }, { prefix: '/v1' })
  app.get('/outside', async (_request, reply) => typeof (reply as { sse?: unknown }).sse)
  t.equal((await app.inject('/v1/deep/inner')).body, 'data: "a"\n\n')
  t.equal((await app.inject('/outside')).body, 'undefined')
  t.equal(app.hasDecorator('sse'), false)
})

for (const [name, register] of Object.entries<(app: FastifyInstance) => Promise<void>>({
  'in one scope: the later one rules the routes after it': async app => {
    await app.register(typedSse, { retry: 1, commitAfter: 0 })
    app.get('/first', Text, (_request, reply) => { reply.sse(['a']) })
    await app.register(typedSse, { retry: 2 })
    app.get('/second', Text, (_request, reply) => { reply.sse(['a']) })
  },
  'nested: the inner one rules its scope and inherits the rest': async app => {
    await app.register(typedSse, { retry: 1, commitAfter: 0 })
    await app.register(async scope => {
      await scope.register(typedSse, { retry: 2 })
      scope.get('/second', Text, (_request, reply) => { reply.sse(['a']) })
    })
    app.get('/first', Text, (_request, reply) => { reply.sse(['a']) })
  },
  'siblings: each rules its own': async app => {
    await app.register(async scope => {
      await scope.register(typedSse, { retry: 1 })
      scope.get('/first', Text, (_request, reply) => { reply.sse(['a']) })
    })
    await app.register(async scope => {
      await scope.register(typedSse, { retry: 2 })
      scope.get('/second', Text, (_request, reply) => { reply.sse(['a']) })
    })
  },
  'an inner one before that of its parent': async app => {
    await app.register(async scope => {
      await scope.register(typedSse, { retry: 2 })
      scope.get('/second', Text, (_request, reply) => { reply.sse(['a']) })
    })
    await app.register(typedSse, { retry: 1 })
    app.get('/first', Text, (_request, reply) => { reply.sse(['a']) })
  }
})) {
  t.test(`registered twice ${name}`, async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    await register(app)
    t.equal((await app.inject('/first')).body, 'retry: 1\n\ndata: "a"\n\n')
    t.equal((await app.inject('/second')).body, 'retry: 2\n\ndata: "a"\n\n')
  })
}

t.test('a second registration with wrong options is refused as well', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  await t.rejects(async () => { await app.register(typedSse, { retry: -1 }) }, { code: 'SSE_ERR_OPTION' })
})

t.test('routes that stream nothing are left alone', async t => {
  const served = await serve(t, app => {
    const handler = async () => ({ a: 1 })
    app.get('/', { schema: { response: { 200: { type: 'object', properties: { a: { type: 'number' } } } } } }, handler)
    app.get('/open', handler)
    app.addHook('onRoute', () => {})
  })
  t.equal(await (await ask(served, '/')).whole(), '{"a":1}')
  t.equal(await (await ask(served, '/open')).whole(), '{"a":1}')
})

t.test('fastify.sse.open is the number of streams open', async t => {
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => { reply.sse(new ReadableStream(), { commitAfter: 0 }) })
  })
  t.equal(served.app.sse.open, 0)
  const answers = [await ask(served, '/'), await ask(served, '/')]
  t.equal(served.app.sse.open, 2)
  answers[0]!.leave()
  await eventually(() => served.app.sse.open === 1)
  answers[1]!.leave()
  await eventually(() => served.app.sse.open === 0)
})
