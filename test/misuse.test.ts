// Wrong values for the functions and options of the package: each is refused by a coded error where it is given. What
// tests of their own cover (the options of streams, topics, runs, stores and the client) is not repeated here.
import { setImmediate as turn } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import t from 'tap'
import { parse, connect } from '../lib/client/index.ts'
import typedSse, { EventStream, eventsOf, memoryStore, RawText, type Store, sseTransform, sseTransformObject } from '../lib/index.ts'
import { injectStream, storeCases } from '../lib/testing/index.ts'
import { ask, errorLines, eventually, serve, unhandledErrors } from './helpers/serve.ts'

const NUMBER = { type: 'number' }
const Named = EventStream({ a: NUMBER })

/** A missing `await`: a promise has no fields, so it would be taken for no options at all. */
const missingAwait = (): never => Promise.resolve({}) as never

async function appWith (options: object = {}): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(typedSse, options)
  return app
}

const CALLS: Array<[call: string, run: () => unknown, code: string, message: RegExp]> = [
  ['EventStream(promise)', () => EventStream(missingAwait()), 'SSE_ERR_CONTRACT', /a map of event names to schemas, got a promise \(await it\)/],
  ['EventStream({ name: promise })', () => EventStream({ a: missingAwait() }), 'SSE_ERR_CONTRACT', /the value of 'a' is a promise \(await it\), which is no schema/],
  ['EventStream(schema, promise)', () => EventStream(NUMBER, missingAwait()), 'SSE_ERR_CONTRACT', /options of EventStream must be an object, got a promise \(await it\)/],
  ['EventStream(schema, null)', () => EventStream(NUMBER, null!), 'SSE_ERR_CONTRACT', /options of EventStream must be an object, got null/],
  ['EventStream(schema, { sentinel: {} })', () => EventStream(NUMBER, { sentinel: {} as string }), 'SSE_ERR_CONTRACT', /'sentinel' of EventStream must be a string, got an object/],
  ['RawText(promise)', () => RawText(missingAwait()), 'SSE_ERR_CONTRACT', /RawText takes a schema of strings/],
  ['eventsOf(promise)', () => eventsOf(missingAwait()), 'SSE_ERR_CONTRACT', /eventsOf takes what EventStream returned/],
  ['memoryStore(promise)', () => memoryStore(missingAwait()), 'SSE_ERR_OPTION', /must be an object, got Promise/],
  ['sseTransform()', () => sseTransform(undefined!), 'SSE_ERR_OPTION', /`transform` must be a function, as @fastify\/swagger takes it, got undefined/],
  ['sseTransformObject()', () => sseTransformObject(undefined!), 'SSE_ERR_OPTION', /`transformObject` must be `sseTransformObject` itself, not its result, got a call with undefined/],
  ['connect()', () => connect(undefined!), 'SSE_ERR_OPTION', /`url` must be a string, got undefined/],
  ['connect(request)', () => connect(new Request('http://a') as never), 'SSE_ERR_OPTION', /`url` must be a string, got object/],
  ['parse()', () => parse(undefined!), 'SSE_ERR_OPTION', /`source` must be an object or a string, got undefined/],
  ['parse(200)', () => parse(200 as never), 'SSE_ERR_OPTION', /`source` must be an object or a string, got 200/]
]

for (const [call, run, code, message] of CALLS) {
  t.test(`${call} is refused`, async t => { t.throws(run, { code, message }) })
}

t.test('options of the plugin that are none are refused', async t => {
  // Fastify takes a function of the parent for options, and whatever it returns.
  for (const [found, options] of [['undefined', () => {}], ['Promise', () => missingAwait()], ['5', () => 5], ["'x'", () => 'x'], ['[]', () => []]] as const) {
    await t.rejects(appWith(options), { code: 'SSE_ERR_OPTION', message: new RegExp(`^Option \`options\` must be an object, got ${found.replace('[]', '\\[\\]')}`) }, found)
  }
  await appWith(() => ({ heartbeat: 5 }))
})

t.test('a promise in the place of options is refused, and its rejection handled', async t => {
  const errors = unhandledErrors(t)
  const failing = (): never => Promise.reject(new Error('not awaited')) as never
  const app = await appWith()
  t.teardown(() => app.close())
  const topic = app.sse.topic('t', Named)
  app.get('/', { schema: { response: { 200: Named } } }, (_request, reply) => reply.sse([], failing()))
  const option = { code: 'SSE_ERR_OPTION', message: /must be an object, got Promise/ }
  t.throws(() => app.sse.topic('u', Named, failing()), option)
  t.throws(() => app.sse.run('u', Named, failing()), option)
  t.throws(() => topic.messages(failing()), option)
  t.throws(() => memoryStore(failing()), option)
  t.throws(() => app.get('/config', { config: { sse: failing() } }, () => {}), option)
  await t.rejects(topic.publish({ event: 'a', data: 1 }, failing()), option)
  t.match((await app.inject('/')).json(), option)
  await turn()
  t.strictSame(errors, [])
})

t.test('a contract of a topic that is written by hand, with an event stream in it, is refused', async t => {
  const app = await appWith()
  for (const mediaType of [Named, { schema: Named }]) {
    t.throws(() => app.sse.topic('t', { content: { 'text/event-stream': mediaType } }), { code: 'SSE_ERR_SCHEMA', message: /write it as the response, `200: EventStream\(schema\)`$/ })
  }
})

t.test('keys of publish that UTF-8 would make equal are refused: one of two events would be taken for the other', async t => {
  const app = await appWith()
  t.teardown(() => app.close())
  const topic = app.sse.topic('t', Named)
  for (const idempotencyKey of ['\ud800', 'a\udfff', '']) {
    await t.rejects(topic.publish({ event: 'a', data: 1 }, { idempotencyKey }), { code: 'SSE_ERR_OPTION', message: /a string that is not empty and has no lone surrogates/ })
  }
  await topic.publish({ event: 'a', data: 1 }, { idempotencyKey: '\u{1f600}' })
})

t.test('the test kit refuses what it would ignore', async t => {
  const app = await appWith()
  t.teardown(() => app.close())
  app.get('/', { schema: { response: { 200: Named } } }, (_request, reply) => reply.sse([{ event: 'a', data: 1 }]))
  await t.rejects(injectStream(app, { url: '/', query: { a: 1 } } as never), { code: 'SSE_ERR_OPTION', message: /`query` must be one of url, method, headers, payload, socket, contract, .*, got an unknown name/ })
  await t.rejects(injectStream(app, { url: '/', body: {} } as never), { code: 'SSE_ERR_OPTION' })
  await t.rejects(injectStream(app, undefined!), { code: 'SSE_ERR_OPTION', message: /`request` must be a URL or an object, got undefined/ })
  const stream = await injectStream(app, '/')
  for (const n of [NaN, -1, 1.5, Infinity, '2']) await t.rejects(stream.next(n as number), { code: 'SSE_ERR_OPTION', message: /`n` must be an integer >= 0/ }, String(n))
  t.strictSame(await stream.next(0), [])
  t.equal((await stream.next(2)).length, 1)
  t.throws(() => storeCases(memoryStore() as never), { name: 'TypeError', message: /^Expected a function that opens a store, got object/ })
})

t.test('a second key is refused: it would replace the first', async t => {
  const app = await appWith()
  t.teardown(() => app.close())
  const message = (log: string): string => `A key of the ${log} must be a string without lone surrogates, or an integer, got a second one: make one key of the two`
  t.throws(() => app.sse.topic('t', Named).of('a').of('b'), { code: 'SSE_ERR_KEY', message: message("topic 't' of 'a'") })
  t.throws(() => app.sse.run('r', Named).of(1).of(2), { code: 'SSE_ERR_KEY', message: message("run 'r' of '1'") })
})

/** A handler that answers twice, in some order; what the client gets of it, and what is logged. */
const ORDERS: Array<[name: string, handler: (reply: FastifyReply) => unknown, status: number, text: string | RegExp, logged: string]> = [
  ['a second stream', reply => { reply.sse(two()); reply.sse(two()) }, 500, /SSE_ERR_ALREADY_SENT/, 'SSE_ERR_ALREADY_SENT'],
  ['an answer before the stream', reply => { reply.send('mine'); reply.sse(two()) }, 200, 'mine', 'FST_ERR_REP_ALREADY_SENT'],
  ['an answer after the stream, before its first item', reply => { reply.sse(slow()); reply.send('mine') }, 200, 'mine', 'SSE_ERR_ALREADY_SENT'],
  ['a redirect after the stream, before its first item', reply => { reply.sse(slow()); reply.redirect('/') }, 302, '', 'SSE_ERR_ALREADY_SENT'],
  ['the end of the raw response after the stream', reply => { reply.sse(slow()); reply.raw.end('mine') }, 200, 'mine', 'SSE_ERR_ALREADY_SENT'],
  ['an answer after the first item', reply => { reply.sse([{ event: 'a', data: 1 }]); reply.send('mine') }, 200, 'event: a\ndata: 1\n\n', 'FST_ERR_REP_ALREADY_SENT']
]

async function * two () {
  yield { event: 'a', data: 1 }
  await turn()
  yield { event: 'a', data: 2 }
}

async function * slow () {
  await turn()
  yield { event: 'a', data: 1 }
}

for (const [name, handler, status, text, logged] of ORDERS) {
  t.test(`${name}: the first answer counts, and the other is logged`, async t => {
    const errors = unhandledErrors(t)
    const served = await serve(t, app => {
      app.get('/', { schema: { response: { 200: Named } } }, (_request, reply) => { handler(reply as FastifyReply) })
    })
    const answer = await ask(served, '/')
    t.equal(answer.status, status)
    t.match(await answer.whole(), text)
    await eventually(() => served.lines.some(({ err }) => err?.code === logged))
    t.equal(served.app.sse.open, 0)
    t.equal(errorLines(served).length, status >= 500 ? 1 : 0)
    t.strictSame(errors, [])
  })
}

/** A store of the user's own, some of whose members are others. */
function faulty (mistakes: Partial<Record<keyof Store, unknown>>, store = memoryStore()): Store {
  return new Proxy(store, {
    get (_, name) {
      if (name in mistakes) return mistakes[name as keyof Store]
      const value: unknown = store[name as keyof Store]
      return typeof value === 'function' ? value.bind(store) : value
    }
  })
}

t.test('limits of a store that are out of range are refused where the plugin is registered', async t => {
  const limits: Array<[unknown, RegExp]> = [
    [{ appendTimeout: NaN, maxEventBytes: 5 }, /`appendTimeout` must be an integer of ms from 1 to 50000, got NaN/],
    [{ appendTimeout: 5, maxEventBytes: -1 }, /`maxEventBytes` must be an integer of bytes from 1, got -1/]
  ]
  for (const [given, message] of limits) await t.rejects(appWith({ store: faulty({ limits: given }) }), { code: 'SSE_ERR_OPTION', message })
})

for (const [found, append] of [['undefined', async () => {}], ['x', async () => 'x'], ['1', async () => 1]] as const) {
  t.test(`a store whose append resolves to ${found} fails what is published and read, and nothing else`, async t => {
    const errors = unhandledErrors(t)
    const app = await appWith({ store: faulty({ append }) })
    const topic = app.sse.topic('t', Named)
    const fault = { code: 'SSE_ERR_STORE', message: `The store failed: its append resolved to ${found}, which is no cursor` }
    await t.rejects(topic.publish({ event: 'a', data: 1 }), fault)
    await t.rejects(topic.messages({ from: 'start' }).next(), fault)
    await t.rejects(topic.messages().next(), fault)
    await app.close()
    t.strictSame(errors, [])
  })
}

t.test('a store that loses a log whenever it was opened does not keep the process busy', async t => {
  let reads = 0
  const read = async () => {
    reads++
    return { entries: [], tail: null }
  }
  const app = await appWith({ store: faulty({ read }) })
  const next = app.sse.topic('t', Named).messages({ from: 'start' }).next()
  await eventually(() => reads > 2)
  await app.close()
  t.equal((await next).done, true)
})

t.test('a loop over a run that waits for a cursor ahead of its tail ends where the app closes', async t => {
  let reads = 0
  const store = memoryStore()
  const read: Store['read'] = (...call) => {
    reads++
    return store.read(...call)
  }
  const app = await appWith({ store: faulty({ read }, store) })
  const run = app.sse.run('r', Named, { shutdownGrace: 0 }).of(1)
  await run.open()
  const { lastEventId } = await run.status()
  const before = reads
  const next = run.messages({ from: lastEventId!.replace(/-\d+$/, '-99') }).next()
  await eventually(() => reads > before)
  const [ended] = await Promise.allSettled([next, app.close()])
  t.match(ended, { status: 'rejected', reason: { code: 'SSE_ERR_STORE' } })
})
