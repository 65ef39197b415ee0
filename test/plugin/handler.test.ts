import { once } from 'node:events'
import http from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { event, EventStream } from '../../lib/index.ts'
import { ask, errorLines, eventually, unhandledErrors, serve } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }
const BODY = 'data: 1\n\ndata: 2\n\n'

t.test('every way to write a handler', async t => {
  const numbers = async function * () { yield 1; yield 2 }
  const served = await serve(t, app => {
    app.get('/generator', Numbers, function * () { yield 1; yield 2 })
    app.get('/async-generator', Numbers, async function * () { yield 1; yield 2 })
    app.get('/iterable', Numbers, () => [1, 2])
    app.get('/async-iterable', Numbers, async () => { await turn(); return numbers() })
    app.get('/returns', Numbers, (_request, reply) => reply.sse(numbers()))
    app.get('/async', Numbers, async (_request, reply) => { reply.sse(numbers()) })
    app.get('/async-slow', Numbers, async (_request, reply) => {
      reply.sse((async function * () { await turn(); yield * numbers() })())
    })
    app.get('/async-later', Numbers, async (_request, reply) => { await turn(); reply.sse(numbers()) })
    app.get('/async-returns', Numbers, async (_request, reply) => reply.sse(numbers()))
    app.get('/async-awaits', Numbers, async (_request, reply) => { await reply.sse(numbers()) })
    app.get('/async-at-once', Numbers, async (_request, reply) => { reply.sse(numbers(), { commitAfter: 0 }) })
    app.get('/callback', Numbers, (_request, reply) => { setImmediate(() => reply.sse(numbers())) })
    app.get('/plain-generator', async function * () { yield 1; yield 2 })
    app.get('/plain', (_request, reply) => { reply.sse(numbers()) })
  })
  for (const path of ['generator', 'async-generator', 'iterable', 'async-iterable', 'returns', 'async', 'async-slow', 'async-later',
    'async-returns', 'async-awaits', 'async-at-once', 'callback', 'plain-generator', 'plain']) {
    const answer = await ask(served, `/${path}`)
    t.equal(answer.status, 200, path)
    t.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8', path)
    t.equal(await answer.whole(), BODY, path)
  }
  t.strictSame(errorLines(served), [])
  t.strictSame(served.lines.filter(line => line.level === 40), [])
})

t.test('a handler that returns what is no source fails, where nothing but a stream is declared', async t => {
  const values: Record<string, unknown> = { text: 'text', object: { secret: 1 }, number: 7, bytes: Buffer.from('data: 1\n\n'), false: false }
  const served = await serve(t, app => {
    app.get('/:kind', Numbers, async request => values[(request.params as { kind: string }).kind] as never)
    app.get('/sync/:kind', Numbers, request => values[(request.params as { kind: string }).kind] as never)
    app.get('/error', Numbers, async () => Object.assign(new Error('mine'), { statusCode: 418 }) as never)
    app.get('/other', Numbers, async (_request, reply) => { reply.code(404 as 200); return 'gone' as never })
    app.get('/function', Numbers, async () => (() => [1, 2]) as never)
  })
  for (const kind of Object.keys(values)) {
    for (const path of [`/${kind}`, `/sync/${kind}`]) t.match(JSON.parse(await (await ask(served, path)).whole()), { statusCode: 500, code: 'SSE_ERR_SOURCE' }, path)
  }
  t.equal((await ask(served, '/error')).status, 418)
  t.equal(await (await ask(served, '/other')).whole(), 'gone', 'another status is none of its business')
  t.equal(await (await ask(served, '/function')).whole(), BODY, 'a function is a source')
})

t.test('what a handler returns beside reply.sse is not sent, and warned of', async t => {
  const late = async function * () { await turn(); yield 1; yield 2 }
  const served = await serve(t, app => {
    for (const [i, value] of [[3], { a: 3 }, null].entries()) {
      app.get(`/async/${i}`, Numbers, async (_request, reply) => { reply.sse(late); return value as never })
      app.get(`/sync/${i}`, Numbers, (_request, reply) => { reply.sse(late); return value as never })
    }
  })
  for (const path of ['/async/0', '/async/1', '/async/2', '/sync/0', '/sync/1', '/sync/2']) {
    const answer = await ask(served, path)
    t.equal(await answer.whole(), BODY, path)
    const [warning, ...others] = served.lines.splice(0).filter(line => line.level >= 40)
    t.match(warning, { level: 40, err: { code: 'SSE_ERR_ALREADY_SENT' } }, path)
    t.strictSame(others, [], path)
  }
})

for (const isAsync of [false, true]) {
  t.test(`${isAsync ? 'an async' : 'a'} handler that fails after reply.sse fails the stream`, async t => {
    const seen = unhandledErrors(t)
    let returned = 0
    const endless = async function * () { try { for (;;) { yield 1; await turn() } } finally { returned++ } }
    const late = async function * () { await new Promise(() => {}) }
    const fail = isAsync
      ? async () => { await turn(); throw Object.assign(new Error('mine'), { statusCode: 418 }) }
      : () => { throw Object.assign(new Error('mine'), { statusCode: 418 }) }
    const served = await serve(t, app => {
      app.get('/before', Numbers, (_request, reply) => { reply.sse(late, { commitAfter: 50 }); return (fail as () => never)() })
      app.get('/clock', Numbers, (_request, reply) => { reply.sse(late, { commitAfter: 50 }) })
      app.get('/after', Numbers, (_request, reply) => { reply.sse(endless(), { commitAfter: 0 }); return (fail as () => never)() })
    })
    const before = await ask(served, '/before')
    t.equal(before.status, 418)
    t.match(JSON.parse(await before.whole()), { message: 'mine' })
    const after = await ask(served, '/after')
    t.equal(after.status, 200)
    t.equal(await after.ended, 'broken')
    t.match(after.events.at(-1), { event: 'error', data: /mine/ })
    await eventually(() => returned >= 1)
    // Its headers come after the time that those of /before would have taken.
    const clock = await ask(served, '/clock')
    clock.leave()
    t.equal(errorLines(served).length, 1)
    t.strictSame(served.lines.filter(line => line.level === 40), [])
    t.strictSame(seen, [])
  })
}

t.test('a handler that fails when its stream is over is warned of', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, async (_request, reply) => {
      reply.sse([1, 2])
      throw new Error('mine')
    })
  })
  t.equal(await (await ask(served, '/')).whole(), BODY)
  t.match(served.lines.filter(line => line.level >= 40), [{ level: 40, err: { message: 'mine' } }])
})

t.test('an async handler that fails before reply.sse is a failure as any', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, async () => { throw Object.assign(new Error('mine'), { statusCode: 418 }) })
  })
  t.equal((await ask(served, '/')).status, 418)
})

t.test('a handler that fails after its HEAD request was answered changes nothing, and is warned of', async t => {
  const seen = unhandledErrors(t)
  const served = await serve(t, app => {
    app.get('/sync', Numbers, (_request, reply) => { reply.sse([1]); throw new Error('mine') })
    app.get('/async', Numbers, async (_request, reply) => { reply.sse([1]); throw new Error('mine') })
  })
  for (const path of ['/sync', '/async']) {
    const answer = await ask(served, path, { method: 'HEAD' })
    t.equal(answer.status, 200, path)
    t.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8', path)
    t.equal(await answer.whole(), '', path)
  }
  t.strictSame(errorLines(served), [])
  t.match(served.lines.filter(line => line.level === 40).map(line => line.err?.message), ['mine', 'mine'])
  t.strictSame(seen, [])
})

t.test('a handler that fails when its client has left is no failure of a stream, and is warned of', async t => {
  const seen = unhandledErrors(t)
  let cancelled = 0
  const served = await serve(t, app => {
    app.get('/', Numbers, async (_request, reply) => {
      await closed(reply.raw, () => reply.raw.destroy())
      reply.sse(new ReadableStream({ cancel () { cancelled++ } }))
      throw new Error('mine')
    })
  })
  await t.rejects(once(http.get({ port: served.port, host: '127.0.0.1', agent: false }), 'response'), { code: 'ECONNRESET' })
  await eventually(() => cancelled === 1)
  await served.app.close()
  t.equal(served.app.sse.open, 0)
  t.strictSame(errorLines(served), [])
  t.match(served.lines.filter(line => line.level >= 40).map(line => line.err?.message), ['mine'])
  t.strictSame(seen, [])
})

async function closed (raw: http.ServerResponse, destroy: () => void): Promise<void> {
  const closing = once(raw, 'close')
  destroy()
  await closing
}

t.test('a handler that fails by the signal of its stream is nothing to tell of', async t => {
  const seen = unhandledErrors(t)
  const left: string[] = []
  const served = await serve(t, app => {
    app.get('/:kind', Numbers, async (request, reply) => {
      const { kind } = request.params as { kind: string }
      if (kind === 'gone') await closed(reply.raw, () => reply.raw.destroy())
      reply.sse((async function * () {
        yield event(1, { id: 1 })
        await once(request.signal, 'abort')
        await turn()
        yield event(2, { id: 2 })
      })(), kind === 'maxDuration' ? { maxDuration: 20 } : {})
      try {
        await once(request.signal, 'never', { signal: request.signal })
      } finally {
        left.push(kind)
      }
    })
  }, { sse: { shutdownGrace: 10_000 } })
  const client = await ask(served, '/client')
  client.leave()
  t.equal(await (await ask(served, '/maxDuration')).whole(), 'data: 1\nid: 1\n\n')
  await t.rejects(once(http.get({ port: served.port, host: '127.0.0.1', path: '/gone', agent: false }), 'response'), { code: 'ECONNRESET' })
  await eventually(() => left.length === 3)
  const shutdown = await ask(served, '/shutdown')
  await served.app.close()
  t.equal(await shutdown.whole(), 'data: 1\nid: 1\n\ndata: 2\nid: 2\n\n', 'its source has its grace')
  t.strictSame(left.sort(), ['client', 'gone', 'maxDuration', 'shutdown'])
  t.strictSame(served.lines.filter(line => line.level >= 40), [])
  t.strictSame(seen, [])
})
