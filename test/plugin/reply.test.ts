import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { EventStream, event, type SseOptions } from '../../lib/index.ts'
import { ask, errorLines, eventually, mishaps, serve } from '../helpers/serve.ts'

const Number_ = { type: 'number' } as const
const contract = EventStream(Number_)
const Numbers = { schema: { response: { 200: contract } } }
const BODY = 'data: 1\n\ndata: 2\n\n'

t.test('every way to write a handler', async t => {
  const numbers = async function * () { yield 1; yield 2 }
  const served = await serve(t, app => {
    app.get('/generator', Numbers, function * () { yield 1; yield 2 } as never)
    app.get('/async-generator', Numbers, async function * () { yield 1; yield 2 } as never)
    app.get('/iterable', Numbers, (() => [1, 2]) as never)
    app.get('/async-iterable', Numbers, (async () => { await sleep(1); return numbers() }) as never)
    app.get('/returns', Numbers, (_request, reply) => reply.sse(numbers()))
    app.get('/async', Numbers, async (_request, reply) => { reply.sse(numbers()) })
    app.get('/async-slow', Numbers, async (_request, reply) => {
      reply.sse((async function * () { await sleep(30); yield * numbers() })())
    })
    app.get('/async-later', Numbers, async (_request, reply) => { await sleep(1); reply.sse(numbers()) })
    app.get('/async-returns', Numbers, async (_request, reply) => reply.sse(numbers()))
    app.get('/async-awaits', Numbers, async (_request, reply) => { await reply.sse(numbers()) })
    app.get('/async-at-once', Numbers, async (_request, reply) => { reply.sse(numbers(), { commitAfter: 0 }) })
    app.get('/callback', Numbers, (_request, reply) => { setTimeout(() => reply.sse(numbers()), 1) })
    app.get('/plain-generator', async function * () { yield 1; yield 2 } as never)
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

t.test('a route without a schema sends any JSON under any name', async t => {
  const served = await serve(t, app => {
    app.get('/', (_request, reply) => { reply.sse([{ a: [1] }, event('text', { event: 'any', id: 'x', retry: 0 })]) })
    app.get('/array', async () => [1, 2])
  })
  t.equal(await (await ask(served, '/')).whole(), 'data: {"a":[1]}\n\nevent: any\ndata: "text"\nretry: 0\nid: x\n\n')
  t.equal(await (await ask(served, '/array')).whole(), '[1,2]', 'an array is JSON there')
})

t.test('JSON stands beside a stream, in one response and in others', async t => {
  const both = { ...contract, content: { ...contract.content, 'application/json': { schema: { type: 'array', items: Number_ } } } }
  const served = await serve(t, app => {
    app.get('/both', { schema: { response: { 200: both } } }, (request, reply) => {
      if (request.headers.accept === 'text/event-stream') return reply.sse([1, 2] as never)
      return reply.type('application/json').send([1, 2] as never)
    })
    app.get('/returned', { schema: { response: { 200: both } } }, (async (_request: unknown, reply: { type (type: string): void }) => {
      reply.type('application/json')
      return [1, 2]
    }) as never)
    app.get('/generator', { schema: { response: { 200: both } } }, async function * () { yield 1; yield 2 } as never)
    app.get('/other', { schema: { response: { 200: contract, 404: { type: 'object', properties: { gone: { type: 'boolean' } } } } } },
      async (_request, reply) => reply.code(404).send({ gone: true, secret: 1 } as never))
  })
  t.equal(await (await ask(served, '/both', { headers: { accept: 'text/event-stream' } })).whole(), BODY)
  t.equal(await (await ask(served, '/both', { headers: { accept: 'application/json' } })).whole(), '[1,2]')
  t.equal(await (await ask(served, '/returned')).whole(), '[1,2]')
  t.equal(await (await ask(served, '/generator')).whole(), BODY)
  const other = await ask(served, '/other')
  t.equal(other.status, 404)
  t.equal(await other.whole(), '{"gone":true}')
})

t.test('a reply is sent once', async t => {
  const codes: string[] = []
  const served = await serve(t, app => {
    app.get('/twice', Numbers, (_request, reply) => {
      reply.sse([1, 2])
      try { reply.sse([3]) } catch (error) { codes.push((error as { code: string }).code) }
    })
    app.get('/sent', Numbers, (_request, reply) => {
      reply.code(200).send('text' as never)
      try { reply.sse([3]) } catch (error) { codes.push((error as { code: string }).code) }
    })
    app.get('/returned', Numbers, (async (_request: unknown, reply: { sse (source: unknown): void }) => {
      reply.sse([1, 2])
      return [3]
    }) as never)
  })
  t.equal(await (await ask(served, '/twice')).whole(), BODY)
  t.equal(await (await ask(served, '/sent')).whole(), 'text')
  t.strictSame(codes, ['SSE_ERR_ALREADY_SENT', 'SSE_ERR_ALREADY_SENT'])
})

for (const isAsync of [false, true]) {
  t.test(`${isAsync ? 'an async' : 'a'} handler that fails after reply.sse fails the stream`, async t => {
    const seen = mishaps(t)
    let returned = 0
    const endless = async function * () { try { for (;;) { yield 1; await sleep(1) } } finally { returned++ } }
    const late = async function * () { try { await sleep(60_000, undefined, { ref: false }) } finally { returned++ } }
    const fail = isAsync
      ? (async () => { await sleep(0); throw Object.assign(new Error('mine'), { statusCode: 418 }) }) as never
      : () => { throw Object.assign(new Error('mine'), { statusCode: 418 }) }
    const served = await serve(t, app => {
      app.get('/before', Numbers, (_request, reply) => { reply.sse(late, { commitAfter: 50 }); return (fail as () => never)() })
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
    await sleep(80)
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

t.test('wrong options throw at the call', async t => {
  const served = await serve(t, app => {
    const wrong: Record<string, unknown> = {
      unknown: { hartbeat: 1 }, retry: { retry: -1 }, heartbeat: { heartbeat: 0 }, error: { errorEvent: 'a\nb' }, text: 'x'
    }
    app.get('/:name', Numbers, (request, reply) => {
      reply.sse([1], wrong[(request.params as { name: string }).name] as SseOptions)
    })
    app.get('/declared', { schema: { response: { 200: EventStream({ tick: Number_ }) } } }, (_request, reply) => {
      reply.sse([], { errorEvent: 'tick' })
    })
  })
  for (const name of ['unknown', 'retry', 'heartbeat', 'error', 'text']) {
    t.match(JSON.parse(await (await ask(served, `/${name}`)).whole()), { statusCode: 500, code: 'SSE_ERR_OPTION' }, name)
  }
  t.match(JSON.parse(await (await ask(served, '/declared')).whole()), { code: 'SSE_ERR_ERROR_EVENT' })
})

t.test('HEAD answers with the headers of the stream and never starts the source', async t => {
  let started = 0
  let destroyed = 0
  const { Readable } = await import('node:stream')
  const served = await serve(t, app => {
    app.get('/sync', Numbers, (_request, reply) => { reply.header('x-mine', '1').sse((function * () { started++; yield 1 })()) })
    app.get('/async', Numbers, async (_request, reply) => { reply.header('x-mine', '1').sse(() => { started++; return [1] }) })
    app.get('/generator', Numbers, async function * () { started++; yield 1 } as never)
    app.get('/readable', Numbers, (_request, reply) => {
      reply.sse(new Readable({ objectMode: true, read () { started++ }, destroy (_error, callback) { destroyed++; callback(null) } }))
    })
  })
  for (const path of ['/sync', '/async', '/generator', '/readable']) {
    const answer = await ask(served, path, { method: 'HEAD' })
    t.equal(answer.status, 200, path)
    t.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8', path)
    t.equal(answer.headers['cache-control'], 'no-cache, no-transform', path)
    t.equal(answer.headers['x-accel-buffering'], 'no', path)
    if (path.includes('sync')) t.equal(answer.headers['x-mine'], '1', path)
    t.equal(await answer.whole(), '', path)
  }
  t.equal(started, 0)
  t.equal(destroyed, 1)
  t.equal(served.app.sse.open, 0)
  t.strictSame(errorLines(served), [])
})

t.test('no header that the user has set is touched', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => {
      reply.header('cache-control', 'private').header('X-Accel-Buffering', 'yes').type('text/event-stream').sse([1])
    })
  })
  const { headers } = await ask(served, '/')
  t.equal(headers['cache-control'], 'private')
  t.equal(headers['x-accel-buffering'], 'yes')
  t.match(headers['content-type'], /^text\/event-stream/)
})

t.test('Accept: 406 for a client that refuses the only media type', async t => {
  let handled = 0
  const both = { ...contract, content: { ...contract.content, 'application/json': { schema: {} } } }
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { handled++; reply.sse([1]) })
    app.get('/default', { schema: { response: { default: contract } } }, (_request, reply) => { reply.sse([1]) })
    app.get('/both', { schema: { response: { 200: both } } }, async (_request, reply) => reply.type('application/json').send({} as never))
    app.get('/undeclared', (_request, reply) => { reply.sse([1]) })
  })
  const status = async (path: string, accept?: string) =>
    (await ask(served, path, accept === undefined ? {} : { headers: { accept } })).status
  for (const accept of ['application/json', 'text/event-stream;q=0', 'text/html, image/*', '*/*;q=0']) {
    t.equal(await status('/', accept), 406, accept)
    t.equal(await status('/default', accept), 406, accept)
    t.equal(await status('/both', accept), 200, accept)
    t.equal(await status('/undeclared', accept), 200, accept)
  }
  t.equal(handled, 0)
  for (const accept of [undefined, '*/*', 'text/*', 'text/event-stream', 'application/json, text/event-stream;q=0.1', 'TEXT/Event-Stream']) {
    t.equal(await status('/', accept), 200, `${accept}`)
  }
  const refused = await ask(served, '/', { headers: { accept: 'application/json' } })
  t.match(refused.headers['content-type'], 'application/json')
  t.match(JSON.parse(await refused.whole()), { code: 'SSE_ERR_NOT_ACCEPTABLE' })
})

t.test('a handler that fails after its HEAD request was answered changes nothing', async t => {
  const seen = mishaps(t)
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
  t.strictSame(seen, [])
})

t.test('a handler that fails when its client has left is no failure of a stream', async t => {
  const seen = mishaps(t)
  let cancelled = 0
  const served = await serve(t, app => {
    app.get('/', Numbers, async (_request, reply) => {
      await closed(reply.raw, () => reply.raw.destroy())
      reply.sse(new ReadableStream({ cancel () { cancelled++ } }) as never)
      throw new Error('mine')
    })
  })
  await t.rejects(once(http.get({ port: served.port, host: '127.0.0.1', agent: false }), 'response'), { code: 'ECONNRESET' })
  await eventually(() => cancelled === 1)
  await served.app.close()
  t.equal(served.app.sse.open, 0)
  t.strictSame(errorLines(served), [])
  t.strictSame(seen, [])
})

async function closed (raw: http.ServerResponse, destroy: () => void): Promise<void> {
  const closing = once(raw, 'close')
  destroy()
  await closing
}
