import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { EventStream, event } from '../../lib/index.ts'
import { ask, eventually, unhandledErrors, serve, standstill, summaries } from '../helpers/serve.ts'

// As an object, whose payloads have no type: some are to be wrong.
const Numbers = { schema: { response: { 200: EventStream({ type: 'number' } as object) } } }

class Teapot extends Error {
  statusCode = 418
  code = 'TEAPOT'
}

t.test('an invalid payload after the headers: fail, skip, or a function that decides', async t => {
  const asked: unknown[] = []
  const served = await serve(t, app => {
    const items = [1, 'two', 3]
    app.get('/fail', Numbers, (_request, reply) => { reply.sse(items) })
    app.get('/skip', Numbers, (_request, reply) => { reply.sse(items, { onInvalid: 'skip' }) })
    app.get('/first', Numbers, (_request, reply) => { reply.sse(['zero', ...items], { onInvalid: 'skip' }) })
    app.get('/function', Numbers, (_request, reply) => {
      reply.sse(items, { onInvalid (error, item) { asked.push((error as Error & { code: string }).code, item); return 'skip' } })
    })
    app.get('/throws', Numbers, (_request, reply) => { reply.sse(items, { onInvalid () { throw new Teapot('mine') } }) })
  })
  const fail = await ask(served, '/fail')
  t.equal(await fail.ended, 'broken')
  t.match(fail.events, [{ data: '1' }, { event: 'error', data: /SSE_ERR_PAYLOAD/ }])
  for (const path of ['/skip', '/first', '/function']) t.equal(await (await ask(served, path)).whole(), 'data: 1\n\ndata: 3\n\n', path)
  t.strictSame(asked, ['SSE_ERR_PAYLOAD', 'two'])
  const throws = await ask(served, '/throws')
  t.equal(await throws.ended, 'broken')
  t.match(throws.events[1], { event: 'error', data: /TEAPOT/ })
  await eventually(() => summaries(served).length === 5)
  t.strictSame(summaries(served).map(({ reason, events }) => [reason, events]), [
    ['invalid', 1], ['complete', 2], ['complete', 2], ['complete', 2], ['error', 1]
  ])
  t.equal(served.lines.filter(line => line.msg === 'invalid event dropped').length, 4)
})

t.test('of hundreds of requests in one turn of the event loop each stream is opened, 128 in a turn, in the context of its request', async t => {
  const turns: number[] = []
  const contexts = new AsyncLocalStorage<string>()
  let now = 0
  let timer = setImmediate(function count () {
    now++
    timer = setImmediate(count)
  })
  t.teardown(() => clearImmediate(timer))
  const served = await serve(t, app => {
    app.addHook('onRequest', (request, _reply, done) => contexts.run(request.url, done))
    app.get('/:n', Numbers, (request, reply) => {
      reply.sse(() => {
        turns.push(now)
        return contexts.getStore() === request.url ? [Number((request.params as { n: string }).n)] : []
      })
    })
  }, { fastify: { logger: false } })
  const answers = await Promise.all(Array.from({ length: 400 }, (_, n) => served.app.inject(`/${n}`)))
  t.strictSame(answers.map(({ payload }) => payload), answers.map((_, n) => `data: ${n}\n\n`))
  t.equal(Math.max(...turns.map(turn => turns.filter(other => other === turn).length)), 128)
})

t.test('a source is released when its client leaves before it is opened', async t => {
  const sources: Readable[] = []
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => {
      const source = new Readable({ objectMode: true, read () {} })
      sources.push(source)
      reply.sse(source)
      reply.raw.destroy()
    })
  }, { fastify: { logger: false } })
  await Promise.allSettled(Array.from({ length: 150 }, () => served.app.inject('/')))
  await eventually(() => sources.length === 150 && sources.every(({ destroyed }) => destroyed))
})

t.test('onInvalid that answers no policy ends the stream with what is wrong; an async one is not waited for', async t => {
  const seen = unhandledErrors(t)
  const answers: Record<string, () => unknown> = { text: () => 'drop', nothing: () => {}, promise: async () => 'skip', rejection: async () => { throw new Error('late') } }
  const served = await serve(t, app => {
    for (const [name, onInvalid] of Object.entries(answers)) {
      app.get(`/${name}`, Numbers, (_request, reply) => { reply.sse([1, 'two'], { onInvalid: onInvalid as never }) })
    }
  })
  for (const name of Object.keys(answers)) {
    const answer = await ask(served, `/${name}`)
    t.equal(await answer.ended, 'broken')
    t.match(answer.events, [{ data: '1' }, { event: 'error', data: /SSE_ERR_OPTION/ }], name)
  }
  t.strictSame(seen, [])
})

t.test('commitAfter 0 sends the headers at once, with retry in a frame of its own', async t => {
  let go = () => {}
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => {
      reply.sse((async function * () {
        await new Promise<void>(resolve => { go = resolve })
        yield 1
      })(), { commitAfter: 0, retry: 1500 })
    })
  })
  const answer = await ask(served, '/')
  t.equal(answer.status, 200)
  await answer.until('retry: 1500\n\n')
  go()
  t.equal(await answer.whole(), 'retry: 1500\n\ndata: 1\n\n')
})

t.test('retry as a range: each stream draws its own', async t => {
  const served = await serve(t, app => { app.get('/', Numbers, (_request, reply) => { reply.sse([1], { retry: { min: 5, max: 7 } }) }) })
  const drawn = new Set<string>()
  for (let i = 0; i < 100; i++) drawn.add((await served.app.inject('/')).body)
  t.strictSame([...drawn].sort(), [5, 6, 7].map(retry => `retry: ${retry}\n\ndata: 1\n\n`))
})

t.test('commitAfter Infinity waits for the first item', async t => {
  let go = (_error?: Error) => {}
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => {
      reply.sse((async function * () {
        const error = await new Promise<Error | undefined>(resolve => { go = resolve })
        if (error) throw error
        yield 1
      })(), { commitAfter: Infinity, heartbeat: 10, retry: 3 })
    })
    app.get('/beats', Numbers, (_request, reply) => { reply.sse(new ReadableStream(), { commitAfter: 0, heartbeat: 10 }) })
  })
  for (const error of [undefined, new Teapot('short')]) {
    let isAnswered = false
    const asking = ask(served, '/').then(answer => { isAnswered = true; return answer })
    // Its beats are the clock: those of the first stream would have come meanwhile.
    const beating = await ask(served, '/beats')
    await beating.until(':\n\n:\n\n')
    beating.leave()
    t.equal(isAnswered, false)
    go(error)
    const answer = await asking
    t.equal(answer.status, error ? 418 : 200)
    if (!error) t.equal(await answer.whole(), 'retry: 3\n\ndata: 1\n\n')
  }
})

t.test('commitAfter in between: the headers go out then, and a later failure breaks the stream', async t => {
  let go = () => {}
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => {
      reply.sse((async function * () {
        await new Promise<void>(resolve => { go = resolve })
        throw new Teapot('short')
      })(), { commitAfter: 20 })
    })
  })
  const answer = await ask(served, '/')
  t.equal(answer.status, 200)
  go()
  t.equal(await answer.ended, 'broken')
  t.match(answer.events, [{ event: 'error', data: /TEAPOT/ }])
})

t.test('maxDuration ends the stream well, and tells the source why', async t => {
  const reasons: unknown[] = []
  const served = await serve(t, app => {
    app.get('/', { schema: { response: { 200: EventStream({ type: 'number' }, { sentinel: '[DONE]' }) } } }, (request, reply) => {
      request.signal.addEventListener('abort', () => reasons.push(request.signal.reason.code))
      reply.sse((async function * () {
        for (let i = 0; ; i++) { yield i; await turn() }
      })(), { maxDuration: 60 })
    })
  })
  const answer = await ask(served, '/')
  await answer.whole()
  t.notMatch(answer.text, 'DONE')
  await eventually(() => summaries(served).length === 1)
  t.match(summaries(served), [{ reason: 'maxDuration' }])
  t.strictSame(reasons, ['SSE_ERR_MAX_DURATION'])
})

t.test('maxDuration is shortened by up to 10 % at random, so that clients do not come back all at once', async t => {
  const { setTimeout: original } = globalThis
  const { random } = Math
  t.teardown(() => Object.assign(globalThis, { setTimeout: original }) && Object.assign(Math, { random }))
  const delays: number[] = []
  const served = await serve(t, app => {
    app.get('/:drawn', Numbers, (request, reply) => {
      Math.random = () => Number((request.params as { drawn: string }).drawn)
      reply.sse(new ReadableStream(), { commitAfter: 0, maxDuration: 12_345_000 })
    })
  })
  globalThis.setTimeout = Object.assign((callback: () => void, delay: number, ...rest: []) => {
    if (delay > 1_000_000) delays.push(delay)
    return original(callback, delay, ...rest)
  }, original) as typeof original
  for (const drawn of [0, 0.5, 1]) (await ask(served, `/${drawn}`)).leave()
  t.strictSame(delays.map(Math.round), [12_345_000, 11_727_750, 11_110_500])
})

t.test('the sentinel is the last data of a stream that ended well, and only of one', async t => {
  const Done = { schema: { response: { 200: EventStream({ type: 'number' }, { sentinel: '[DONE]' }) } } }
  const served = await serve(t, app => {
    app.get('/array', Done, (_request, reply) => { reply.sse([1, 2]) })
    app.get('/one', Done, (_request, reply) => { reply.sse([1]) })
    app.get('/async', Done, (_request, reply) => { reply.sse((async function * () { yield 1; yield 2 })()) })
    app.get('/empty', Done, (_request, reply) => { reply.sse([]) })
    app.get('/fails', Done, (_request, reply) => { reply.sse((async function * () { yield 1; throw new Error('x') })()) })
  })
  t.equal(await (await ask(served, '/array')).whole(), 'data: 1\n\ndata: 2\n\ndata: [DONE]\n\n')
  t.equal(await (await ask(served, '/one')).whole(), 'data: 1\n\ndata: [DONE]\n\n')
  t.equal(await (await ask(served, '/async')).whole(), 'data: 1\n\ndata: 2\n\ndata: [DONE]\n\n')
  t.equal(await (await ask(served, '/empty')).whole(), 'data: [DONE]\n\n')
  const fails = await ask(served, '/fails')
  t.equal(await fails.ended, 'broken')
  t.notMatch(fails.text, 'DONE')
  await eventually(() => summaries(served).length === 5)
  t.strictSame(summaries(served).map(({ bytes }) => bytes).slice(0, 4), [32, 23, 32, 14])
})

t.test('the time to the first event is known, and none where there was none', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse([event(1, { comment: 'c' })]) })
    app.get('/empty', Numbers, (_request, reply) => { reply.sse([]) })
  })
  await (await ask(served, '/')).whole()
  await (await ask(served, '/empty')).whole()
  await eventually(() => summaries(served).length === 2)
  const [full, empty] = summaries(served)
  t.ok(full!.firstEvent! >= 0 && full!.firstEvent! <= full!.duration)
  t.equal(empty!.firstEvent, undefined)
})

t.test('what comes while an onSend hook is at work is sent after it', async t => {
  const seen = unhandledErrors(t)
  let isHookAtWork = false
  let release = () => {}
  const served = await serve(t, app => {
    app.addHook('onSend', async (_request, _reply, payload) => {
      isHookAtWork = true
      await new Promise<void>(resolve => { release = resolve })
      return payload
    })
    const held = (act: () => Generator<number>) => (async function * () {
      await eventually(() => isHookAtWork)
      try { yield * act() } finally { setImmediate(release) }
    })()
    app.get('/event', Numbers, (_request, reply) => {
      reply.sse(held(function * () { setImmediate(release); yield 1; yield 2 }), { commitAfter: 0 })
    })
    app.get('/failure', Numbers, (_request, reply) => {
      reply.sse(held(function * () { throw new Teapot('short') }), { commitAfter: 0 })
    })
  })
  t.equal(await (await ask(served, '/event')).whole(), 'data: 1\n\ndata: 2\n\n')
  isHookAtWork = false
  const failure = await ask(served, '/failure')
  t.equal(failure.status, 200)
  t.equal(await failure.ended, 'broken')
  t.match(failure.events, [{ event: 'error', data: /TEAPOT/ }])
  await eventually(() => summaries(served).length === 2)
  t.strictSame(summaries(served).map(({ reason, events }) => [reason, events]), [['complete', 2], ['error', 0]])
  t.strictSame(seen, [])
})

for (const http2 of [false, true]) {
  t.test(`a source runs in the async context of its request, also when its client had been slow${http2 ? ', over HTTP/2' : ''}`, async t => {
    const storage = new AsyncLocalStorage<string>()
    const contexts: Record<string, number> = {}
    const text = 'x'.repeat(64 * 1024)
    const note = () => {
      const context = String(storage.getStore())
      contexts[context] = (contexts[context] ?? 0) + 1
      return text
    }
    const served = await serve(t, app => {
      app.addHook('onRequest', (request, _reply, done) => { storage.run(request.url, done) })
      app.get('/async', (_request, reply) => { reply.sse((async function * () { for (let i = 0; i < 200; i++) yield note() })()) })
      app.get('/sync', (_request, reply) => { reply.sse((function * () { for (let i = 0; i < 200; i++) yield note() })()) })
    }, { http2 })
    for (const path of ['/async', '/sync']) {
      const answer = await ask(served, path, { isReading: false })
      await standstill(() => contexts[path] ?? 0)
      answer.read()
      await answer.whole()
    }
    t.strictSame(contexts, { '/async': 200, '/sync': 200 })
  })
}
