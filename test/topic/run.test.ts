import { once } from 'node:events'
import { connect } from 'node:net'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { type FastifyInstance } from 'fastify'
import t from 'tap'
import { comment, EventStream } from '../../lib/index.ts'
import { MemoryStore } from '../../lib/store/memory.ts'
import { type RunEvent } from '../../lib/plugin/app-logs.ts'
import { count, Count, counts, numbersOf, outlineOf, route, SharedStore } from '../helpers/logs.ts'
import { ask, errorLines, eventually, type LogLine, serve, turns } from '../helpers/serve.ts'

type Test = Parameters<typeof serve>[0]
type Numbers = ReturnType<typeof declare>

const declare = (app: FastifyInstance, options: object) => app.sse.run('numbers', Count, options)

/** An app with runs at `/run/:key`. */
async function serveRuns (t: Test, options: object = {}, { config = {}, sse = {}, read = {}, http2 = false, fastify = {} }: { config?: object, sse?: object, read?: object, http2?: boolean, fastify?: object } = {}) {
  let runs: Numbers
  const served = await serve(t, app => {
    runs = declare(app, options)
    app.get<{ Params: { key: string } }>('/run/:key', { schema: { response: { 200: Count } }, config: { sse: config } }, (request, reply) =>
      reply.sse(runs.of(request.params.key), read))
  }, { sse, http2, fastify })
  return { ...served, runs: runs! }
}

/** A source that gives numbers when it is told to. */
function stepwise () {
  let wake = () => {}
  let last = 0
  let isOver = false
  let signal: AbortSignal | undefined
  return {
    get signal () { return signal },
    give (n = 1) { last += n; wake() },
    finish () { isOver = true; wake() },
    async * source (context: { signal: AbortSignal }) {
      signal = context.signal
      for (let n = 0; ;) {
        while (n < last) yield count(++n)
        if (isOver) return
        await new Promise<void>((resolve, reject) => {
          wake = resolve
          context.signal.addEventListener('abort', () => { reject(new Error('stopped', { cause: context.signal.reason })) }, { once: true })
        })
      }
    }
  }
}

/** Two apps on one store. */
async function twoInstances (t: Test) {
  const store = new SharedStore(new MemoryStore())
  return { one: await serveRuns(t, {}, { sse: { store } }), other: await serveRuns(t, {}, { sse: { store } }) }
}

/** The same, and the first has produced an event of a run. */
async function produceOnOne (t: Test) {
  const { one, other } = await twoInstances(t)
  const source = stepwise()
  await one.runs.of('a').start(source.source)
  source.give()
  return { one, other, source }
}

async function * upTo (n: number) {
  for (let i = 1; i <= n; i++) yield count(i)
}

for (const http2 of [false, true]) {
  t.test(`HTTP/${http2 ? 2 : '1.1'}: a run goes on when its client leaves; a page that was cut resumes, one that was reloaded starts over`, async t => {
    const served = await serveRuns(t, {}, { http2 })
    const source = stepwise()
    t.equal(await served.runs.of('a').start(source.source), 'started')
    source.give(2)
    const { numbers, lastId } = await counts(served, '/run/a', 2)
    t.strictSame(numbers, [1, 2])
    source.give(2)
    source.finish()
    const cut = await ask(served, '/run/a', { headers: { 'last-event-id': lastId } })
    t.equal(await cut.ended, 'end')
    t.strictSame(outlineOf(cut), ['count 3', 'count 4', 'message'])
    t.equal(cut.events.at(-1)!.data, '[DONE]')
    const reloaded = await ask(served, '/run/a')
    await reloaded.whole()
    t.strictSame(numbersOf(reloaded), [1, 2, 3, 4])
  })
}

t.test('of any number of callers on two instances, one produces', async t => {
  const { one, other } = await twoInstances(t)
  for (let round = 0; round < 50; round++) {
    let produced = 0
    const source = async function * () { produced++; yield count(1) }
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : other).runs.of(round).start(source)))
    t.equal(outcomes.filter(outcome => outcome === 'started').length, 1)
    for await (const { data } of other.runs.of(round).messages()) t.strictSame(data, { n: 1 })
    t.equal(produced, 1)
    t.equal(await one.runs.of(round).start(source), 'ended')
  }
})

t.test('readers of one run at different places get the same', async t => {
  const served = await serveRuns(t)
  await served.runs.of('a').start(() => upTo(2000))
  const all = await ask(served, '/run/a')
  await all.whole()
  const ids = all.events.map(({ id }) => id!)
  for (const at of [0, 1, 999, 1998, 1999]) {
    const rest = await ask(served, '/run/a', { headers: { 'last-event-id': ids[at]! } })
    await rest.whole()
    t.strictSame(rest.events.map(({ id }) => id), ids.slice(at + 1))
  }
})

const FAILURE = Object.assign(new Error('not that prompt'), { statusCode: 422, code: 'BAD_PROMPT' })

/** How each end looks: by the route's errorEvent, what the reader gets, and how the response ends. */
const ENDS: Array<{ state: string, errorEvent: unknown, last: string[], how: string, again: number }> = [
  { state: 'complete', errorEvent: 'error', last: ['message: [DONE]'], how: 'end', again: 204 },
  { state: 'stopped', errorEvent: 'error', last: [], how: 'end', again: 204 },
  { state: 'failed', errorEvent: 'error', last: ['error: {"statusCode":422,"code":"BAD_PROMPT","error":"Unprocessable Entity","message":"not that prompt"}'], how: 'broken', again: 204 },
  { state: 'failed', errorEvent: 'oops', last: ['oops: {"statusCode":422,"code":"BAD_PROMPT","error":"Unprocessable Entity","message":"not that prompt"}'], how: 'broken', again: 204 },
  { state: 'failed', errorEvent: false, last: ['message: '], how: 'broken', again: 204 },
  { state: 'failed', errorEvent: (error: Error) => ({ event: 'note', data: { text: error.message } }), last: ['note: {"text":"not that prompt"}'], how: 'broken', again: 204 },
  { state: 'failed', errorEvent: () => ({ event: 'count', data: {} }), last: ['error: {"statusCode":422,"code":"BAD_PROMPT","error":"Unprocessable Entity","message":"not that prompt"}'], how: 'broken', again: 204 }
]

t.test('a failed run of unnamed events: the item of errorEvent is an unnamed event too', async t => {
  const Text = EventStream({ type: 'string' })
  const served = await serve(t, app => {
    const runs = app.sse.run('texts', Text)
    const errorEvent = (error: Error) => `failed: ${error.message}`
    app.get('/', { schema: { response: { 200: Text } }, config: { sse: { errorEvent } } }, async (_request, reply) => {
      await runs.of('a').start(async function * () { yield 'one'; throw FAILURE })
      return reply.sse(runs.of('a'))
    })
  })
  const answer = await ask(served, '/')
  t.equal(await answer.ended, 'broken')
  t.match(answer.text, /^data: "one"\nid: .+\n\ndata: "failed: not that prompt"\nid: .+\n\n$/)
})

for (const { state, errorEvent, last, how, again } of ENDS) {
  t.test(`a run that is ${state}, errorEvent ${String(errorEvent)}`, async t => {
    const served = await serveRuns(t, {}, { config: { errorEvent } })
    const run = served.runs.of('a')
    const source = stepwise()
    await run.start(async function * (context) {
      yield * source.source(context)
      if (state === 'failed') throw FAILURE
    })
    source.give()
    const live = await ask(served, '/run/a')
    await live.until('"n":1')
    if (state === 'stopped') t.equal(await run.stop(), true)
    else source.finish()
    t.equal(await live.ended, how)
    const { lastEventId, ...status } = await run.status()
    t.match(status, state === 'failed' ? { state, error: { statusCode: 422, code: 'BAD_PROMPT', message: 'not that prompt' } } : { state })
    const late = await ask(served, '/run/a')
    t.equal(await late.ended, how)
    const frames = (answer: typeof live) => answer.events.slice(1).map(({ event = 'message', data }) => `${event}: ${data}`)
    t.strictSame(frames(live), last)
    t.strictSame(frames(late), last)
    if (last.length > 0) t.equal(late.events.at(-1)!.id, lastEventId, 'the last frame has the id of the end')

    const atEnd = await ask(served, '/run/a', { headers: { 'last-event-id': lastEventId! } })
    t.equal(atEnd.status, again, 'whoever has the end is told to stop')
    const beforeEnd = await ask(served, '/run/a', { headers: { 'last-event-id': live.events[0]!.id! } })
    t.equal(beforeEnd.status, last.length === 0 ? 204 : 200, 'whoever has all but the end gets its frame once')
    if (last.length > 0) {
      await beforeEnd.ended
      t.strictSame(beforeEnd.events.map(({ event = 'message', data }) => `${event}: ${data}`), last)
    }
  })
}

t.test('a run that was stopped before its first event has nothing for a reader: 204, or an EventSource would reconnect for ever', async t => {
  const { one, other } = await twoInstances(t)
  for (const [key, stopping] of [['here', one], ['elsewhere', other]] as const) {
    await one.runs.of(key).open()
    t.equal(await stopping.runs.of(key).stop(), true)
    t.equal((await ask(one, `/run/${key}`)).status, 204, key)
  }
})

t.test('a reader whose filter drops the last events gets the id of an end without a frame, and then a 204', async t => {
  for (const [wanted, outline] of [[1, [['count', false], ['$ready', true]]], [2, [['count', false]]]] as const) {
    const served = await serveRuns(t, {}, { read: { filter: ({ data }: { data: { n: number } }) => data.n === wanted } })
    const run = served.runs.of('a')
    const writer = await run.open()
    for (const n of [1, 2]) await writer.append(count(n))
    await run.stop()
    const answer = await ask(served, '/run/a')
    t.equal(await answer.ended, 'end')
    const { lastEventId } = await run.status()
    t.strictSame(answer.events.map(({ event, id }) => [event, id === lastEventId]), outline)
    t.equal((await ask(served, '/run/a', { headers: { 'last-event-id': answer.events.at(-1)!.id! } })).status, 204)
  }
})

t.test('a run that nobody started is a 404', async t => {
  const served = await serveRuns(t)
  const answer = await ask(served, '/run/a')
  t.equal(answer.status, 404)
  await answer.until('SSE_ERR_RUN_NOT_FOUND')
  t.strictSame(await served.runs.of('a').status(), { state: 'none', lastEventId: null })
  t.equal(await served.runs.of('a').stop(), false)
})

t.test('stopped from another instance: the signal of the source fires', async t => {
  const { one, other, source } = await produceOnOne(t)
  const reader = await ask(other, '/run/a')
  await reader.until('"n":1')
  t.equal(await other.runs.of('a').stop(), true)
  t.equal(await reader.ended, 'end')
  await eventually(() => source.signal!.aborted)
  t.match(source.signal!.reason, { code: 'SSE_ERR_STOPPED', name: 'AbortError' })
  t.equal(await other.runs.of('a').stop(), false)
  t.strictSame(errorLines(one), [])
})

for (const first of ['deleted', 'stopped, then deleted']) {
  t.test(`${first} from another instance: the signal of the source fires, and the run does not come back`, async t => {
    const { one, other, source } = await produceOnOne(t)
    await other.runs.of('a').messages().next()
    if (first !== 'deleted') await other.runs.of('a').stop()
    await other.runs.of('a').delete()
    await eventually(() => source.signal!.aborted)
    t.match(source.signal!.reason, { code: 'SSE_ERR_STOPPED' })
    t.match(await other.runs.of('a').status(), { state: 'none' })
    t.equal(await other.runs.of('a').start(() => upTo(1)), 'started')
    t.strictSame(errorLines(one), [])
  })
}

t.test('a producer that is gone: the run ends as lost', async t => {
  const store = new MemoryStore()
  const away = new SharedStore(store)
  const one = await serveRuns(t, { lease: 150, shutdownGrace: 0 }, { sse: { store: away } })
  const other = await serveRuns(t, { lease: 150 }, { sse: { store: new SharedStore(store) } })
  const source = stepwise()
  await one.runs.of('a').start(source.source)
  source.give()
  const reader = await ask(other, '/run/a')
  await reader.until('"n":1')
  away.isDown = true
  t.equal(await reader.ended, 'broken')
  t.match(reader.events.at(-1), { event: 'error', data: /SSE_ERR_LOST/ })
  t.match(await other.runs.of('a').status(), { state: 'lost', error: { statusCode: 500, code: 'SSE_ERR_LOST' } })
  await t.rejects(all(other.runs.of('a').messages()), { code: 'SSE_ERR_LOST' })
  away.isDown = false
  await eventually(() => source.signal!.aborted, 'the producer learns of it')
  t.match(source.signal!.reason, { code: 'SSE_ERR_LOST' })
})

t.test('a run written by hand', async t => {
  const served = await serveRuns(t)
  const writer = await served.runs.of('a').open()
  await t.rejects(served.runs.of('a').open(), { code: 'SSE_ERR_RUN_EXISTS' })
  t.equal(await served.runs.of('a').start(() => upTo(1)), 'running')
  const id = await writer.append(count(1))
  await t.rejects(writer.append({ event: 'count', data: { n: 'x' } } as never), { code: 'SSE_ERR_PAYLOAD' })
  t.strictSame(await served.runs.of('a').status(), { state: 'running', lastEventId: id })
  await writer.end()
  await writer.end()
  await t.rejects(writer.append(count(2)), { code: 'SSE_ERR_RUN_ENDED', message: "The run 'numbers' of 'a' has ended: nothing can be appended to it any more" })
  t.strictSame(await all(served.runs.of('a').messages()), [1])

  const failing = await served.runs.of('b').open()
  await failing.fail(FAILURE)
  await t.rejects(all(served.runs.of('b').messages()), { statusCode: 422, message: 'not that prompt' })
  t.ok(failing.signal.aborted)
})

t.test('the writer of a run that was stopped or deleted learns it from its signal, and from append', async t => {
  const served = await serveRuns(t)
  for (const end of ['stop', 'delete'] as const) {
    const writer = await served.runs.of(end).open()
    await served.runs.of(end)[end]()
    t.match(writer.signal.reason, { code: 'SSE_ERR_STOPPED' }, end)
    await t.rejects(writer.append(count(1)), { code: 'SSE_ERR_RUN_ENDED', cause: writer.signal.reason }, end)
  }
  t.strictSame(errorLines(served), [])
})

t.test('once the app is closed, a run is not waited for', async t => {
  const { app, runs } = await serveRuns(t)
  await app.close()
  const run = runs.of('a')
  const calls: Array<() => Promise<unknown>> = [() => run.start(() => upTo(1)), () => run.open(), () => run.status(), () => run.stop(), () => run.delete()]
  for (const call of calls) {
    await t.rejects(call, { code: 'SSE_ERR_STORE', message: /it was closed/ }, String(call))
  }
})

t.test('messages of a run that is produced elsewhere fail when their app closes: they would look complete', async t => {
  const { one, other } = await twoInstances(t)
  const writer = await other.runs.of('a').open()
  await writer.append(count(1))
  const messages = one.runs.of('a').messages()
  t.match((await messages.next()).value, count(1))
  const next = messages.next()
  next.catch(() => {})
  await one.app.close()
  await t.rejects(next, { code: 'SSE_ERR_STORE', message: /it was closed/ })
  await writer.end()
})

t.test('start takes a function, and anything else begins no run', async t => {
  const { runs } = await serveRuns(t)
  for (const source of [upTo(1), [count(1)], null, undefined, 'text']) await t.rejects(runs.of('a').start(source as never), { code: 'SSE_ERR_SOURCE', message: /write start/ })
  t.match(await runs.of('a').status(), { state: 'none' })
})

t.test('items that the contract refuses: the run fails, or drops them, as onInvalid says; comments are left out', async t => {
  const source = async function * () {
    yield comment('thinking')
    yield count(1)
    yield { event: 'count', data: { n: 'secret' } } as never
    yield count(2)
  }
  const failing = await serveRuns(t)
  await failing.runs.of('a').start(source)
  await t.rejects(all(failing.runs.of('a').messages()), { code: 'SSE_ERR_PAYLOAD', statusCode: 500 })
  const dropping = await serveRuns(t, {}, { sse: { onInvalid: 'skip' } })
  await dropping.runs.of('a').start(source)
  t.strictSame(await all(dropping.runs.of('a').messages()), [1, 2])
  t.equal(dropping.lines.filter(({ msg }) => msg === 'invalid event dropped').length, 1)
  t.notMatch(JSON.stringify([...failing.lines, ...dropping.lines]), 'secret')
})

t.test('a run over its maxEvents or maxBytes fails, also where onInvalid drops events', async t => {
  for (const options of [{ maxEvents: 3 }, { maxBytes: 25 }]) {
    for (const onInvalid of ['fail', 'skip']) {
      const { runs } = await serveRuns(t, options, { sse: { onInvalid } })
      await runs.of('a').start(() => upTo(10))
      await t.rejects(all(runs.of('a').messages()), { code: 'SSE_ERR_RUN_SIZE' }, onInvalid)
    }
  }
  const { app, runs } = await serveRuns(t, { maxEvents: 1 })
  const writer = await runs.of('by hand').open()
  await writer.append(count(1))
  await t.rejects(writer.append(count(2)), { code: 'SSE_ERR_RUN_SIZE' })
  t.match(await runs.of('by hand').status(), { state: 'failed', error: { code: 'SSE_ERR_RUN_SIZE' } })
  for (const options of [{ lease: 5 }, { maxEvents: -1 }, { shutdownGrace: '1' }, { snapshot: () => [] }]) {
    t.throws(() => app.sse.run('x', Count, options as never), { code: 'SSE_ERR_OPTION' }, JSON.stringify(options))
  }
})

t.test('an unready source: one that throws at once, one that cannot be iterated, one that is no generator', async t => {
  const { runs } = await serveRuns(t)
  await runs.of('a').start(() => { throw FAILURE })
  await t.rejects(all(runs.of('a').messages()), { message: 'not that prompt' })
  await runs.of('b').start(() => 'text' as never)
  await t.rejects(all(runs.of('b').messages()), { code: 'SSE_ERR_SOURCE' })
  await runs.of('c').start(async () => [count(1), count(2)])
  t.strictSame(await all(runs.of('c').messages()), [1, 2])
})

t.test('a source that comes after its run was stopped is released', async t => {
  const { runs } = await serveRuns(t)
  const late = new Readable({ objectMode: true, read () {} })
  let give = () => {}
  await runs.of('a').start(async () => { await new Promise<void>(resolve => { give = resolve }); return late })
  await runs.of('a').stop()
  give()
  await eventually(() => late.destroyed)
})

t.test('a source that never waits leaves others their turn', async t => {
  const { runs } = await serveRuns(t, { maxEvents: 20_000 })
  let turns = 0
  const tick = () => { turns++; if (!isOver) setImmediate(tick) }
  let isOver = false
  setImmediate(tick)
  await runs.of('a').start(() => upTo(20_000))
  t.equal((await all(runs.of('a').messages())).length, 20_000)
  isOver = true
  t.ok(turns > 3, `${turns} turns`)
})

t.test('close() waits for a source, which ends well within its grace', async t => {
  const store = new MemoryStore()
  const served = await serveRuns(t, {}, { sse: { store: new SharedStore(store) } })
  const source = stepwise()
  await served.runs.of('a').start(source.source)
  source.give()
  const reader = await ask(served, '/run/a')
  await reader.until('"n":1')
  const closed = served.app.close()
  t.equal(await reader.ended, 'end', 'its readers resume elsewhere')
  t.notOk(source.signal!.aborted)
  source.give()
  source.finish()
  await closed
  const other = await serveRuns(t, {}, { sse: { store: new SharedStore(store) } })
  t.match(await other.runs.of('a').status(), { state: 'complete' })
  t.strictSame(await all(other.runs.of('a').messages()), [1, 2])
})

t.test('close() waits for a run that a request starts while the server closes', async t => {
  const store = new MemoryStore()
  let isAsked = false
  let isClosing = false
  const served = await serve(t, app => {
    const runs = declare(app, {})
    app.get('/late', async () => {
      isAsked = true
      await eventually(() => isClosing)
      await turns()
      return await runs.of('a').start(async function * () {
        await turns(200)
        yield count(1)
      })
    })
    app.addHook('preClose', async () => { isClosing = true })
  }, { sse: { store: new SharedStore(store) } })
  const late = ask(served, '/late')
  await eventually(() => isAsked)
  await served.app.close()
  t.equal(await (await late).whole(), 'started')
  const other = await serveRuns(t, {}, { sse: { store: new SharedStore(store) } })
  t.match(await other.runs.of('a').status(), { state: 'complete' })
})

t.test('close() fails a run whose source goes on beyond its grace', async t => {
  const store = new MemoryStore()
  const served = await serveRuns(t, { shutdownGrace: 20 }, { sse: { store: new SharedStore(store) } })
  await served.runs.of('a').start(async function * () {
    yield count(1)
    await new Promise(() => {})
  })
  await served.app.close()
  const other = await serveRuns(t, {}, { sse: { store: new SharedStore(store) } })
  t.match(await other.runs.of('a').status(), { state: 'failed', error: { statusCode: 503, code: 'SSE_ERR_SHUTDOWN' } })
})

t.test('the grace of a run may be longer than the pluginTimeout of Fastify, which bounds its hooks', async t => {
  const store = new MemoryStore()
  const served = await serveRuns(t, { shutdownGrace: 300 }, { sse: { store: new SharedStore(store) }, fastify: { pluginTimeout: 100 } })
  await served.runs.of('a').start(async function * () {
    yield count(1)
    await new Promise(() => {})
  })
  await t.resolves(served.app.close())
  const other = await serveRuns(t, {}, { sse: { store: new SharedStore(store) } })
  t.match(await other.runs.of('a').status(), { state: 'failed', error: { code: 'SSE_ERR_SHUTDOWN' } })
})

t.test('a run has the context of its caller, a logger with its name and id, and channels of its own', async t => {
  const context = new AsyncLocalStorage<string>()
  const served = await serveRuns(t)
  const seen: unknown[] = []
  const onEvent = (message: unknown, name: string | symbol) => { seen.push([name, { ...message as RunEvent }]) }
  for (const name of ['start', 'end']) subscribe(`tracing:fastify-typed-sse:run:${name}`, onEvent)
  t.teardown(() => { for (const name of ['start', 'end']) unsubscribe(`tracing:fastify-typed-sse:run:${name}`, onEvent) })
  let found: string | undefined
  await context.run('mine', () => served.runs.of(7).start(async function * ({ log }) {
    found = context.getStore()
    log.info('from the source')
    yield count(1)
    throw new Error('boom')
  }))
  await t.rejects(all(served.runs.of(7).messages()))
  await eventually(() => seen.length === 2)
  t.equal(found, 'mine')
  t.match(seen, [
    ['tracing:fastify-typed-sse:run:start', { name: 'numbers', id: 7 }],
    ['tracing:fastify-typed-sse:run:end', { name: 'numbers', id: 7, summary: { state: 'failed', events: 1, error: { message: 'boom' } } }]
  ])
  const lines = served.lines as Array<LogLine & { run?: object }>
  t.strictSame(lines.filter(({ run }) => run !== undefined).map(({ msg }) => msg), ['from the source', 'run failed', 'run ended'])
  t.strictSame(lines.find(({ msg }) => msg === 'run ended')!.run, { name: 'numbers', id: 7 })
})

t.test('a handler starts a run and streams it; others read it', async t => {
  const served = await serve(t, app => {
    const runs = declare(app, {})
    route(app, '/begin/:key', async ({ params: { key } }, reply) => {
      await runs.of(key).start(() => upTo(3))
      return reply.sse(runs.of(key))
    })
    route(app, '/filtered/:key', ({ params: { key } }, reply) => reply.sse(runs.of(key), { filter: ({ data }: { data: { n: number } }) => data.n > 2 }))
    route(app, '/function/:key', ({ params: { key } }, reply) => reply.sse(async () => runs.of(key), { from: { last: 1 } }))
    route(app, '/migrated/:key', ({ params: { key } }, reply) => reply.sse(runs.of(key), { from: () => ({ last: 1 }) }))
  })
  for (const [path, numbers] of [['/begin/a', [1, 2, 3]], ['/filtered/a', [3]], ['/function/a', [3]], ['/migrated/a', [1, 2, 3]]] as const) {
    const answer = await ask(served, path)
    await answer.whole()
    t.strictSame(numbersOf(answer), numbers, path)
    t.match(answer.text, '[DONE]')
  }
  const injected = await served.app.inject('/begin/b')
  t.match(injected.body, /"n":3[^]*DONE/)
})

t.test('a store that does not answer: the stream of a run opens after a while, and goes on', async t => {
  const store = new SharedStore(new MemoryStore())
  const served = await serveRuns(t, {}, { sse: { store } })
  await served.runs.of('a').start(() => upTo(2))
  await all(served.runs.of('a').messages())
  store.isDown = true
  const answer = await ask(served, '/run/a')
  t.equal(answer.status, 200)
  store.isDown = false
  await answer.whole()
  t.strictSame(numbersOf(answer), [1, 2])
})

t.test('delete() forgets a run; its readers are told', async t => {
  const served = await serveRuns(t)
  await served.runs.of('a').start(() => upTo(1))
  await all(served.runs.of('a').messages())
  await served.runs.of('a').delete()
  t.match(await served.runs.of('a').status(), { state: 'none' })
  t.equal((await ask(served, '/run/a')).status, 404)
  t.equal(await served.runs.of('a').start(() => upTo(1)), 'started')
})

async function all (messages: AsyncIterable<{ data: unknown }>): Promise<number[]> {
  const numbers: number[] = []
  for await (const { data } of messages) numbers.push((data as { n: number }).n)
  return numbers
}

/** All of a run, once it has ended. */
async function numbersIn (run: ReturnType<Numbers['of']>): Promise<unknown[]> {
  const numbers: unknown[] = []
  for await (const { data } of run.messages()) numbers.push((data as { n: number }).n)
  return numbers
}

t.test('inject of a run waits for its end', async t => {
  const { app, runs } = await serveRuns(t)
  const steps = stepwise()
  await runs.of('a').start(steps.source)
  const answer = app.inject('/run/a')
  steps.give(3)
  await eventually(() => steps.signal !== undefined)
  steps.finish()
  t.strictSame((await answer).body.match(/"n":\d+/g), ['"n":1', '"n":2', '"n":3'])
})

t.test('a reader that is slower than the producer gets everything, after the run has ended', async t => {
  const served = await serveRuns(t)
  const { host, hostname, port } = new URL(`http://127.0.0.1:${served.port}`)
  const steps = stepwise()
  await served.runs.of('a').start(steps.source)
  const slow = connect(Number(port), hostname)
  t.teardown(() => slow.destroy())
  slow.pause()
  slow.write(`GET /run/a HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
  await eventually(() => served.app.sse.open === 1)
  steps.give(20_000)
  steps.finish()
  t.equal((await numbersIn(served.runs.of('a'))).length, 20_000)
  t.match(await served.runs.of('a').status(), { state: 'complete' }, 'before the reader has read anything')
  let text = ''
  slow.on('data', data => { text += data.toString() })
  slow.resume()
  await once(slow, 'close')
  const numbers = Array.from(text.matchAll(/"n":(\d+)/g), match => Number(match[1]))
  t.strictSame(numbers, Array.from({ length: 20_000 }, (_, i) => i + 1))
})

t.test('a reader that is a day late gets the whole run; once its ttl has passed, there is none', async t => {
  const DAY = 86_400_000
  let now = 1_700_000_000_000
  const served = await serveRuns(t, { ttl: 2 * DAY }, { sse: { store: new MemoryStore({}, () => now) } })
  await served.runs.of('a').start(() => upTo(3))
  t.strictSame(await numbersIn(served.runs.of('a')), [1, 2, 3])
  now += DAY
  t.strictSame((await counts(served, '/run/a', 3)).numbers, [1, 2, 3])
  now += DAY
  t.equal((await served.runs.of('a').status()).state, 'none')
  t.equal((await served.app.inject('/run/a')).statusCode, 404)
})
