import t from 'tap'
import { EventStream, event, type SseOptions } from '../../lib/index.ts'
import { ask, errorLines, serve } from '../helpers/serve.ts'

const Number_ = { type: 'number' } as const
const contract = EventStream(Number_)
const Numbers = { schema: { response: { 200: contract } } }
const BODY = 'data: 1\n\ndata: 2\n\n'

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
      if (request.headers.accept === 'text/event-stream') return reply.sse([1, 2])
      return reply.type('application/json').send([1, 2])
    })
    app.get('/returned', { schema: { response: { 200: both } } }, async (_request: unknown, reply: { type (type: string): void }) => {
      reply.type('application/json')
      return [1, 2]
    })
    app.get('/generator', { schema: { response: { 200: both } } }, async function * () { yield 1; yield 2 })
    app.get('/other', { schema: { response: { 200: contract, 404: { type: 'object', properties: { gone: { type: 'boolean' } } } } } },
      async (_request, reply) => reply.code(404).send({ gone: true, secret: 1 }))
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
      reply.code(200).send('text')
      try { reply.sse([3]) } catch (error) { codes.push((error as { code: string }).code) }
    })
  })
  t.equal(await (await ask(served, '/twice')).whole(), BODY)
  t.equal(await (await ask(served, '/sent')).whole(), 'text')
  t.strictSame(codes, ['SSE_ERR_ALREADY_SENT', 'SSE_ERR_ALREADY_SENT'])
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

for (const http2 of [false, true]) {
  t.test(`HEAD answers with the headers of the stream and never starts the source${http2 ? ', over HTTP/2' : ''}`, async t => {
    let started = 0
    let destroyed = 0
    const { Readable } = await import('node:stream')
    const served = await serve(t, app => {
      app.get('/sync', Numbers, (_request, reply) => { reply.header('x-mine', '1').sse((function * () { started++; yield 1 })()) })
      app.get('/async', Numbers, async (_request, reply) => { reply.header('x-mine', '1').sse(() => { started++; return [1] }) })
      app.get('/generator', Numbers, async function * () { started++; yield 1 })
      app.get('/readable', Numbers, (_request, reply) => {
        reply.sse(new Readable({ objectMode: true, read () { started++ }, destroy (_error, callback) { destroyed++; callback(null) } }))
      })
    }, { http2 })
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
}

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

t.test('a content-length, copied from another response say, is not sent: it would cut the stream short, as if it had ended well', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.header('content-length', 3).sse([1, 2]) })
  })
  for (const method of ['GET', 'HEAD']) {
    const answer = await ask(served, '/', { method })
    t.notOk('content-length' in answer.headers)
    t.equal(await answer.whole(), method === 'GET' ? BODY : '')
  }
})

const REFUSING = ['application/json', 'text/event-stream;q=0', 'text/html, image/*', '*/*;q=0', 'text/*;q=0, */*']

t.test('Accept is ignored', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse([1, 2]) })
  })
  for (const accept of REFUSING) t.equal(await (await ask(served, '/', { headers: { accept } })).whole(), BODY, accept)
})

t.test('strictAccept: 406 for a client that excludes text/event-stream', async t => {
  let handled = 0
  const both = { ...contract, content: { ...contract.content, 'application/json': { schema: {} } } }
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { handled++; reply.sse([1]) })
    app.get('/default', { schema: { response: { default: contract } } }, (_request, reply) => { reply.sse([1]) })
    app.get('/both', { schema: { response: { 200: both } } }, async (_request, reply) => reply.type('application/json').send({}))
    app.get('/both/stream', { schema: { response: { 200: both } } }, (_request, reply) => reply.sse([1]))
    app.get('/undeclared', (_request, reply) => { reply.sse([1]) })
    app.get('/loose', { ...Numbers, config: { sse: { strictAccept: false } } }, (_request, reply) => { reply.sse([1]) })
    app.get('/call', { ...Numbers, config: { sse: { strictAccept: false } } }, (_request, reply) => { reply.sse([1], { strictAccept: true }) })
  }, { sse: { strictAccept: true } })
  const status = async (path: string, accept?: string) =>
    (await ask(served, path, accept === undefined ? {} : { headers: { accept } })).status
  for (const accept of REFUSING) {
    for (const path of ['/', '/default', '/both/stream', '/undeclared', '/call']) t.equal(await status(path, accept), 406, `${path} ${accept}`)
    for (const path of ['/both', '/loose']) t.equal(await status(path, accept), 200, `${path} ${accept}`)
  }
  t.equal(handled, 0)
  for (const accept of [undefined, '*/*', 'text/*', 'text/event-stream', 'application/json, text/event-stream;q=0.1', 'TEXT/Event-Stream', 'text/event-stream; charset=utf-8', '']) {
    t.equal(await status('/', accept), 200, `${accept}`)
  }
  t.equal(await status('/', 'application/json,'.repeat(900)), 200, 'one of 15 KB is not read')
  const refused = await ask(served, '/', { headers: { accept: 'application/json' } })
  t.match(refused.headers['content-type'], 'application/json')
  t.match(JSON.parse(await refused.whole()), { code: 'SSE_ERR_NOT_ACCEPTABLE' })
})
