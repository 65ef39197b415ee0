import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { EventStream, event } from '../../lib/index.ts'
import { ask, errorLines, eventually, mishaps, serve, summaries } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }

class Teapot extends Error {
  statusCode = 418
  code = 'TEAPOT'
}

const FAILS_FIRST: Record<string, () => unknown> = {
  'throws at once': async function * () { throw new Teapot('short') },
  'throws at once, without promises': function * () { throw new Teapot('short') },
  'rejects within commitAfter': async function * () { await sleep(10); throw new Teapot('short') },
  'is a function that throws': () => () => { throw new Teapot('short') },
  'is a function that rejects': () => async () => { throw new Teapot('short') },
  'has a next() that throws': () => ({ [Symbol.asyncIterator]: () => ({ next () { throw new Teapot('short') } }) }),
  'has a rejected promise for its first item': () => [Promise.reject(new Teapot('short'))]
}

for (const http2 of [false, true]) {
  for (const [name, source] of Object.entries(FAILS_FIRST)) {
    t.test(`a source that ${name} is an HTTP error${http2 ? ' over HTTP/2' : ''}`, async t => {
      const seen = mishaps(t)
      const calls: string[] = []
      const served = await serve(t, app => {
        app.setErrorHandler((error: Teapot, _request, reply) => {
          calls.push('setErrorHandler')
          reply.code(error.statusCode).send({ custom: error.message })
        })
        app.addHook('onError', async () => { calls.push('onError') })
        app.get('/', Numbers, (_request, reply) => { reply.sse(source() as never, { retry: 7 }) })
      }, { http2 })
      const answer = await ask(served, '/')
      t.equal(answer.status, 418)
      t.match(answer.headers['content-type'], 'application/json')
      t.equal(answer.headers['x-accel-buffering'], undefined)
      t.equal(answer.headers['cache-control'], undefined)
      t.strictSame(JSON.parse(await answer.whole()), { custom: 'short' })
      t.strictSame(calls, ['onError', 'setErrorHandler'])
      t.strictSame(summaries(served), [])
      t.strictSame(seen, [])
    })
  }
}

t.test('an invalid first payload is an HTTP error with the code', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse(['one']) })
  })
  const answer = await ask(served, '/')
  t.equal(answer.status, 500)
  t.match(JSON.parse(await answer.whole()), { code: 'SSE_ERR_PAYLOAD' })
})

t.test('a source that fails with no Error gets one', async t => {
  const served = await serve(t, app => {
    // eslint-disable-next-line no-throw-literal
    app.get('/', Numbers, (_request, reply) => { reply.sse((function * () { throw 'text' })()) })
  })
  const answer = await ask(served, '/')
  t.match(JSON.parse(await answer.whole()), { statusCode: 500, code: 'SSE_ERR_SOURCE_FAILED' })
})

const FAILS_LATER: Record<string, () => unknown> = {
  'an async generator that throws': async function * () { yield 1; throw new Teapot('short') },
  'a sync generator that throws': function * () { yield 1; throw new Teapot('short') },
  'an async generator that rejects later': async function * () { yield 1; await sleep(5); throw new Teapot('short') },
  'a rejected promise among the items': () => [1, Promise.reject(new Teapot('short')), 3],
  'an async iterator that gives a rejected promise': () => ({
    [Symbol.asyncIterator]: () => {
      let n = 0
      return { next: () => ({ done: false, value: ++n === 1 ? 1 : rejected() }) }
    }
  })
}

/** Within a result written by hand no generator awaits it. */
function rejected () {
  return Promise.reject(new Teapot('short'))
}

for (const http2 of [false, true]) {
  for (const [name, source] of Object.entries(FAILS_LATER)) {
    t.test(`${name} after the headers is told, then the response is broken${http2 ? ' over HTTP/2' : ''}`, async t => {
      const seen = mishaps(t)
      const served = await serve(t, app => {
        app.get('/', Numbers, (_request, reply) => { reply.sse(source() as never) })
      }, { http2 })
      const answer = await ask(served, '/')
      t.equal(answer.status, 200)
      t.equal(await answer.ended, 'broken')
      t.strictSame(answer.events.map(({ event, data }) => [event, JSON.parse(data)]), [
        [undefined, 1],
        ['error', { statusCode: 418, code: 'TEAPOT', error: "I'm a Teapot", message: 'short' }]
      ])
      await eventually(() => summaries(served).length === 1)
      t.match(summaries(served), [{ reason: 'error', events: 1 }])
      t.match(errorLines(served), [{ msg: 'stream failed', err: { message: 'short' } }])
      t.equal(errorLines(served).length, 1)
      t.strictSame(seen, [])
    })
  }
}

t.test('the message of a 5xx error is not exposed, nor a status code that is none', async t => {
  const errors: Record<string, unknown> = {
    plain: new Error('secret'),
    status: Object.assign(new Error('told'), { status: 404 }),
    odd: Object.assign(new Error('secret'), { statusCode: 200 }),
    unnamed: Object.assign(new Error('told'), { statusCode: 499, code: 7 }),
    text: 'secret'
  }
  const served = await serve(t, app => {
    app.get('/:name', Numbers, (request, reply) => {
      reply.sse((async function * () {
        yield 1
        throw errors[(request.params as { name: string }).name]
      })())
    })
  })
  const told = async (name: string) => {
    const answer = await ask(served, `/${name}`)
    await answer.ended
    return JSON.parse(answer.events[1]!.data)
  }
  const secret = { statusCode: 500, error: 'Internal Server Error', message: 'Internal Server Error' }
  t.strictSame(await told('plain'), secret)
  t.strictSame(await told('odd'), secret)
  t.strictSame(await told('text'), { ...secret, code: 'SSE_ERR_SOURCE_FAILED' })
  t.strictSame(await told('status'), { statusCode: 404, error: 'Not Found', message: 'told' })
  t.strictSame(await told('unnamed'), { statusCode: 499, error: 'Error', message: 'told' })
})

t.test('errorEvent renames the event, or leaves it out', async t => {
  const served = await serve(t, app => {
    const fail = async function * () { yield 1; throw new Error('x') }
    app.get('/renamed', Numbers, (_request, reply) => { reply.sse(fail(), { errorEvent: 'oops' }) })
    app.get('/none', Numbers, (_request, reply) => { reply.sse(fail(), { errorEvent: false }) })
    app.get('/late', Numbers, (_request, reply) => {
      reply.sse((async function * () { yield 1; await sleep(5); throw new Error('x') })(), { errorEvent: false })
    })
  })
  const renamed = await ask(served, '/renamed')
  t.equal(await renamed.ended, 'broken')
  t.match(renamed.events, [{ data: '1' }, { event: 'oops' }])
  for (const path of ['/none', '/late']) {
    const none = await ask(served, path)
    t.equal(await none.ended, 'broken')
    t.equal(none.text, 'data: 1\n\n')
  }
})

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
  })
  for (const error of [undefined, new Teapot('short')]) {
    let isAnswered = false
    const asking = ask(served, '/').then(answer => { isAnswered = true; return answer })
    await sleep(150)
    t.equal(isAnswered, false)
    go(error)
    const answer = await asking
    t.equal(answer.status, error ? 418 : 200)
    if (!error) t.equal(await answer.whole(), 'retry: 3\ndata: 1\n\n')
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
        for (let i = 0; ; i++) { yield i; await sleep(5) }
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
  const seen = mishaps(t)
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
