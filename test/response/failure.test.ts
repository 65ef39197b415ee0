import { setImmediate as turn } from 'node:timers/promises'
import { type FastifyRequest } from 'fastify'
import t from 'tap'
import { EventStream } from '../../lib/index.ts'
import { ask, errorLines, eventually, unhandledErrors, serve, summaries } from '../helpers/serve.ts'

// As an object, whose payloads have no type: some are to be wrong.
const Numbers = { schema: { response: { 200: EventStream({ type: 'number' } as object) } } }

class Teapot extends Error {
  statusCode = 418
  code = 'TEAPOT'
}

const FAILS_FIRST: Record<string, () => unknown> = {
  'throws at once': async function * () { throw new Teapot('short') },
  'throws at once, without promises': function * () { throw new Teapot('short') },
  'rejects within commitAfter': async function * () { await turn(); throw new Teapot('short') },
  'is a function that throws': () => () => { throw new Teapot('short') },
  'is a function that rejects': () => async () => { throw new Teapot('short') },
  'has a next() that throws': () => ({ [Symbol.asyncIterator]: () => ({ next () { throw new Teapot('short') } }) }),
  'has a rejected promise for its first item': () => [Promise.reject(new Teapot('short'))]
}

for (const http2 of [false, true]) {
  for (const [name, source] of Object.entries(FAILS_FIRST)) {
    t.test(`a source that ${name} is an HTTP error${http2 ? ' over HTTP/2' : ''}`, async t => {
      const seen = unhandledErrors(t)
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

t.test('an invalid first payload is an HTTP error with the code, told once', async t => {
  const calls: string[] = []
  const served = await serve(t, app => {
    app.setErrorHandler((error: Error & { code: string }, _request, reply) => {
      calls.push('setErrorHandler')
      reply.code(502).send({ custom: error.code })
    })
    app.addHook('onError', async () => { calls.push('onError') })
    app.get('/sync', Numbers, (_request, reply) => { reply.sse(['one']) })
    app.get('/async', Numbers, (_request, reply) => { reply.sse((async function * () { await turn(); yield 'one' })()) })
  })
  for (const path of ['/sync', '/async']) {
    const answer = await ask(served, path)
    t.equal(answer.status, 502)
    t.strictSame(JSON.parse(await answer.whole()), { custom: 'SSE_ERR_PAYLOAD' })
    t.strictSame(calls.splice(0), ['onError', 'setErrorHandler'])
  }
  t.strictSame(summaries(served), [])
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
  'an async generator that rejects later': async function * () { yield 1; await turn(); throw new Teapot('short') },
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
      const seen = unhandledErrors(t)
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
      reply.sse((async function * () { yield 1; await turn(); throw new Error('x') })(), { errorEvent: false })
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

const ERROR_EVENTS: Record<string, { makeItem: (error: Error, request: FastifyRequest) => unknown, event: object, warned?: object }> = {
  'gives an item': { makeItem: (error, { url }) => ({ event: 'failed', data: `${error.message} in ${url}` }), event: { event: 'failed', data: '"short in /"' } },
  'gives no item of the contract': { makeItem: () => ({ event: 'failed', data: 1 }), event: { event: 'error' }, warned: { code: 'SSE_ERR_PAYLOAD' } },
  throws: { makeItem: () => { throw new Error('mine') }, event: { event: 'error' }, warned: { message: 'mine' } },
  'is async, and gives an item too late': { makeItem: async () => ({ event: 'failed', data: 'late' }), event: { event: 'error' }, warned: { code: /SSE_ERR_/ } },
  'is async, and fails': { makeItem: async () => { throw new Error('late') }, event: { event: 'error' }, warned: { code: /SSE_ERR_/ } }
}

for (const [name, { makeItem, event, warned }] of Object.entries(ERROR_EVENTS)) {
  t.test(`errorEvent as a function that ${name}`, async t => {
    const seen = unhandledErrors(t)
    const Named = { schema: { response: { 200: EventStream({ tick: { type: 'integer' }, failed: { type: 'string' } } as object) } } }
    const served = await serve(t, app => {
      app.get('/', Named, (_request, reply) => {
        reply.sse((async function * () { yield { event: 'tick', data: 1 }; throw new Teapot('short') })(), { errorEvent: makeItem })
      })
    })
    const answer = await ask(served, '/')
    t.equal(await answer.ended, 'broken')
    t.match(answer.events, [{ event: 'tick' }, event])
    t.equal(answer.events.length, 2)
    await eventually(() => summaries(served).length === 1)
    t.match(summaries(served), [{ reason: 'error', events: 1 }], 'the report of the failure does not count')
    t.match(served.lines.filter(({ level }) => level === 40), warned === undefined ? [] : [{ err: warned, msg: /^errorEvent gave no item/ }])
    t.strictSame(seen, [])
  })
}

t.test('an error of an odd form is told, and ends the stream all the same', async t => {
  const seen = unhandledErrors(t)
  const errors: Record<string, object> = {
    frozen: Object.freeze(new Error('secret')),
    text: Object.assign(new Error('told'), { statusCode: '404' }),
    bigint: Object.assign(new Error('told'), { statusCode: 404n }),
    fraction: Object.assign(new Error('secret'), { statusCode: 404.5 }),
    message: Object.assign(new Error(), { statusCode: 404, message: 7n })
  }
  const served = await serve(t, app => {
    app.get('/:name', Numbers, (request, reply) => {
      reply.sse((async function * () {
        yield 1
        throw errors[(request.params as { name: string }).name]
      })())
    })
  })
  const told: Record<string, unknown> = {}
  for (const name of Object.keys(errors)) {
    const answer = await ask(served, `/${name}`)
    t.equal(await answer.ended, 'broken', name)
    told[name] = JSON.parse(answer.events[1]!.data)
  }
  const notFound = { statusCode: 404, error: 'Not Found', message: 'told' }
  const secret = { statusCode: 500, error: 'Internal Server Error', message: 'Internal Server Error' }
  t.strictSame(told, { frozen: secret, text: notFound, bigint: notFound, fraction: secret, message: { ...notFound, message: '7' } })
  await eventually(() => summaries(served).length === 5)
  t.equal(errorLines(served).length, 5)
  t.match(errorLines(served)[0], { msg: 'stream failed', err: { message: 'secret' } })
  t.strictSame(seen, [])
})

for (const [name, source] of Object.entries<() => unknown>({
  'is over at once': () => [1, 2],
  'gives its first item': async function * () { yield 1; await new Promise(() => {}) },
  'waits for longer than commitAfter': () => new ReadableStream(),
  'is null': () => null
})) {
  t.test(`a header that cannot be written is an HTTP error where the source ${name}`, async t => {
    const seen = unhandledErrors(t)
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => { reply.header('x-name', '\u4f60').sse(source() as never, { commitAfter: 10 }) })
    })
    const answer = await ask(served, '/')
    t.equal(answer.status, 500)
    // Node sends no body once it was told of a 204.
    t.match(await answer.whole(), source() === null ? '' : 'ERR_INVALID_CHAR')
    t.equal(served.app.sse.open, 0)
    t.strictSame(summaries(served), [])
    t.equal(errorLines(served).length, 1)
    t.strictSame(seen, [])
  })
}

t.test('a source that fails while an onSend hook puts another body in the place of the stream is warned of', async t => {
  const seen = unhandledErrors(t)
  let fail = () => {}
  const served = await serve(t, app => {
    app.get('/', { ...Numbers, onSend: async () => { fail(); await turn(); return 'instead' } }, (_request, reply) => {
      reply.sse((async function * () {
        await new Promise<void>(resolve => { fail = resolve })
        throw new Error('mine')
      })(), { commitAfter: 5 })
    })
  })
  t.equal(await (await ask(served, '/')).whole(), 'instead')
  await eventually(() => served.lines.some(line => line.level >= 40))
  t.match(served.lines.filter(line => line.level >= 40), [{ level: 40, err: { message: 'mine' } }])
  t.strictSame(summaries(served), [])
  t.strictSame(seen, [])
})
