import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import typedSse, { EventStream } from '../../lib/index.ts'
import { ask, serve } from '../helpers/serve.ts'

const Tick = EventStream({ tick: { type: 'number' } })
const Word = EventStream({ type: 'string' })
const Json = { type: 'object', properties: { a: { type: 'number' } } }

t.test('the contract is that of the status code, of its class, or of default', async t => {
  const response = { 200: Word, 201: Tick, '4XX': Word, default: Tick }
  const served = await serve(t, app => {
    app.get('/:status/:source', { schema: { response } }, (request, reply) => {
      const { status, source } = request.params as { status: string, source: string }
      if (status !== 'none') reply.code(Number(status))
      reply.sse((source === 'word' ? ['w'] : [{ event: 'tick', data: 1 }]))
    })
  })
  const text = async (path: string) => await (await ask(served, path)).whole()
  const word = 'data: "w"\n\n'
  const tick = 'event: tick\ndata: 1\n\n'
  t.equal(await text('/none/word'), word)
  t.equal(await text('/200/word'), word)
  t.equal(await text('/201/tick'), tick)
  t.equal(await text('/404/word'), word)
  t.equal(await text('/503/tick'), tick)
  t.equal((await ask(served, '/201/tick')).status, 201)
  t.match(JSON.parse(await text('/201/word')), { code: 'SSE_ERR_MESSAGE' })
})

t.test("a contract under '2xx' serves 200 and 202", async t => {
  const served = await serve(t, app => {
    app.get('/:status', { schema: { response: { '2xx': Word } } }, (request, reply) => {
      reply.code(Number((request.params as { status: string }).status)).sse(['w'])
    })
  })
  t.equal(await (await ask(served, '/200')).whole(), 'data: "w"\n\n')
  t.equal((await ask(served, '/202')).status, 202)
  t.match(JSON.parse(await (await ask(served, '/404')).whole()), { code: 'SSE_ERR_NO_CONTRACT', message: /status 404/ })
})

t.test('a refusal for want of a contract says what to write', async t => {
  const cases: Array<[response: object, message: string]> = [
    [{ 200: Json }, 'for status 200: write EventStream(schema) in place of the plain schema of its response'],
    [{ '2xx': Json, 201: Word }, 'for status 200: write EventStream(schema) in place of the plain schema of its response'],
    [{ 201: Word, '4xx': Tick }, 'for status 200: call reply.code() with a status that has one (201, 4xx), or declare one for 200'],
    [{ 404: Json }, 'for status 200: declare EventStream(schema) as its response for 200']
  ]
  const served = await serve(t, app => {
    for (const [i, [response]] of cases.entries()) app.get(`/${i}`, { schema: { response } }, (_request, reply) => { reply.sse(['w'] as never) })
  })
  for (const [i, [, message]] of cases.entries()) {
    t.match(JSON.parse(await (await ask(served, `/${i}`)).whole()), { code: 'SSE_ERR_NO_CONTRACT', message: `Route '/${i}' declares no event stream ${message}` })
  }
})

t.test('a nearer response that is no stream is not passed over', async t => {
  const served = await serve(t, app => {
    app.get('/', { schema: { response: { 200: Json, default: Word } } }, (_request, reply) => { reply.sse(['w']) })
    app.get('/json', { schema: { response: { 200: Json, default: Word } } }, async () => [{ a: 1 }])
    app.get('/none', { schema: { response: { 200: Json } } }, (_request, reply) => { reply.sse(['w'] as never) })
  })
  for (const path of ['/', '/none']) {
    t.match(JSON.parse(await (await ask(served, path)).whole()), { statusCode: 500, code: 'SSE_ERR_NO_CONTRACT' }, path)
  }
  t.equal((await ask(served, '/json', { headers: { accept: 'application/json' } })).status, 200, 'nor does it make the client accept streams')
})

t.test('a hand-written content schema is a contract, whatever its parameters and case', async t => {
  const served = await serve(t, app => {
    app.get('/', { schema: { response: { 200: { content: { 'Text/Event-Stream; charset=utf-8': { schema: { type: 'string' } } } } } } },
      (_request, reply) => { reply.sse(['w'] as never) })
  })
  t.equal(await (await ask(served, '/')).whole(), 'data: "w"\n\n')
})

t.test('options: the nearest of call, route and plugin wins', async t => {
  const served = await serve(t, app => {
    const retry = (path: string, config: object, options?: object) =>
      app.get(path, { config, schema: { response: { 200: Word } } }, (_request, reply) => { reply.sse(['w'], options) })
    retry('/plugin', {})
    retry('/route', { sse: { retry: 2 } })
    retry('/call', { sse: { retry: 2 } }, { retry: 3 })
    retry('/undefined', { sse: { retry: undefined } }, { retry: undefined })
  }, { sse: { retry: 1 } })
  t.match(await (await ask(served, '/plugin')).whole(), 'retry: 1\n')
  t.match(await (await ask(served, '/route')).whole(), 'retry: 2\n')
  t.match(await (await ask(served, '/call')).whole(), 'retry: 3\n')
  t.match(await (await ask(served, '/undefined')).whole(), 'retry: 1\n')
})

t.test('a range of `retry` is drawn from for each stream', async t => {
  const served = await serve(t, app => {
    app.get('/', { config: { sse: { retry: { min: 5, max: 7 } } }, schema: { response: { 200: Word } } }, (_request, reply) => { reply.sse(['w']) })
  })
  const drawn = new Set<string>()
  while (drawn.size < 3) drawn.add((await (await ask(served, '/')).whole()).split('\n')[0]!)
  t.strictSame([...drawn].sort(), ['retry: 5', 'retry: 6', 'retry: 7'])
})

t.test('what is wrong with a route throws where it is defined, or before the app is ready', async t => {
  const define = async (route: object, options = {}) => {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(typedSse, options)
    app.route({ method: 'GET', url: '/', handler: () => {}, ...route })
    await app.ready()
  }
  const named = { schema: { response: { 200: EventStream({ error: { type: 'string' } }) } } }
  await t.rejects(define({ config: { sse: { retry: 1.5 } } }), { code: 'SSE_ERR_OPTION' })
  await t.rejects(define({ config: { sse: { nope: 1 } } }), { code: 'SSE_ERR_OPTION' })
  await t.rejects(define({}, { heartbeat: '1' }), { code: 'SSE_ERR_OPTION' })
  await t.rejects(define(named), { code: 'SSE_ERR_ERROR_EVENT' })
  await t.resolves(define({ ...named, config: { sse: { errorEvent: false } } }))
  await t.resolves(define({ ...named, config: { sse: { errorEvent: 'failure' } } }))
  await t.rejects(define({ schema: { response: { 200: EventStream({ type: 'string', format: 'nope' }) } } }), { code: 'SSE_ERR_SCHEMA' })
  await t.rejects(define({ schema: { response: { 200: { content: { 'text/event-stream': {} } } } } }), { code: 'SSE_ERR_SCHEMA' })
})

t.test('an event stream where it would declare nothing is refused, with the place for it', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  const define = (schema: object) => app.route({ method: 'POST', url: '/', schema, handler: () => ['w'] })
  const advice = 'of route \'/\' is an event stream, which only a response can be: write `schema: { response: { 200: EventStream(schema) } }`'
  t.throws(() => define(Word), { code: 'SSE_ERR_CONTRACT', message: `The \`schema\` ${advice}` })
  for (const place of ['response', 'body', 'querystring', 'query', 'params', 'headers']) {
    t.throws(() => define({ [place]: Word }), { code: 'SSE_ERR_CONTRACT', message: `The \`schema.${place}\` ${advice}` })
  }
  for (const name of ['text/event-stream', 'application/json']) {
    for (const [place, mediaType] of [['', Word], ['.schema', { schema: Word }]] as const) {
      t.throws(() => define({ response: { 200: { content: { [name]: mediaType } } } }), { code: 'SSE_ERR_CONTRACT', message: `The \`schema.response.200.content['${name}']${place}\` ${advice}` })
    }
  }
  define({ body: Json, response: { 200: Word } })
})

t.test('a route defined before the plugin was loaded: a contract is refused, no schema is fine', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const handwritten = { content: { 'text/event-stream': { schema: { type: 'string' } } } }
  app.get('/contract', { schema: { response: { 200: handwritten } } }, (_request, reply) => { reply.sse(['w']) })
  app.get('/json', { schema: { response: { 200: Json } } }, (_request, reply) => { reply.sse(['w'] as never) })
  app.get('/plain', { config: { sse: { retry: 5 } } }, (_request, reply) => { reply.sse(['w']) })
  await app.register(typedSse)
  t.match((await app.inject('/contract')).json(), { code: 'SSE_ERR_NOT_COMPILED' })
  t.match((await app.inject('/json')).json(), { code: 'SSE_ERR_NO_CONTRACT' })
  t.equal((await app.inject('/plain')).body, 'retry: 5\n\ndata: "w"\n\n')
})

for (const [name, define] of Object.entries<(app: FastifyInstance) => Promise<void>>({
  'that was never registered': async () => {},
  'that is registered without await': async app => { app.register(typedSse) },
  'that is registered in a scope beside it': async app => { await app.register(async scope => { await scope.register(typedSse) }) }
})) {
  t.test(`a contract with the plugin ${name}: the app does not start, and says why`, async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    const defining = define(app)
    app.get('/', { schema: { response: { 200: Word } } }, () => ['w'])
    await defining
    await t.rejects(async () => { await app.ready() }, { message: /GET: \/, due to error .*fastify-typed-sse-is-not-registered:await-app\.register\(typedSse\)-before-this-route/ })
  })
}

t.test('shared schemas resolve in the scope of the route', async t => {
  const served = await serve(t, async app => {
    app.addSchema({ $id: 'point', type: 'object', properties: { x: { type: 'number' } }, required: ['x'] })
    await app.register(async scope => {
      scope.addSchema({ $id: 'inner', type: 'number' })
      scope.get('/', { schema: { response: { 200: EventStream({ a: { $ref: 'point#' }, b: { $ref: 'inner#' } }) } } }, (_request, reply) => {
        reply.sse([{ event: 'a', data: { x: 1, secret: 2 } }, { event: 'b', data: 3 }, { event: 'a', data: { x: 'no' } }])
      })
    }, { prefix: '/v1' })
  })
  const answer = await ask(served, '/v1')
  t.equal(await answer.ended, 'broken')
  t.match(answer.events, [
    { event: 'a', data: /^\{"x":1[,}]/ }, { event: 'b', data: '3' }, { event: 'error', data: /SSE_ERR_PAYLOAD/ }
  ])
})
