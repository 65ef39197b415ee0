import { once } from 'node:events'
import http from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import compress from '@fastify/compress'
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import underPressure from '@fastify/under-pressure'
import t from 'tap'
import { EventStream } from '../../lib/index.ts'
import { ask, errorLines, eventually, unhandledErrors, parse, serve, type Served, standstill, summaries } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }
const BODY = 'data: 1\n\ndata: 2\n\n'

for (const http2 of [false, true]) {
  t.test(`headers of cors, helmet, cookie and rate-limit arrive with the stream${http2 ? ', over HTTP/2' : ''}`, async t => {
    const served = await serve(t, async app => {
      await app.register(cors, { origin: 'https://example.org', credentials: true })
      await app.register(helmet)
      await app.register(cookie)
      await app.register(rateLimit, { max: 2 })
      await app.register(underPressure, { maxEventLoopDelay: 1e9 })
      app.get('/', Numbers, (_request, reply) => { reply.setCookie('a', 'b').sse([1, 2]) })
    }, { http2 })
    const headers = { origin: 'https://example.org' }
    const answer = await ask(served, '/', { headers })
    t.equal(answer.headers['access-control-allow-origin'], 'https://example.org')
    t.equal(answer.headers['access-control-allow-credentials'], 'true')
    t.equal(answer.headers['x-content-type-options'], 'nosniff')
    t.match(answer.headers['set-cookie'], ['a=b'])
    t.equal(answer.headers['x-ratelimit-remaining'], '1')
    t.equal(await answer.whole(), BODY)
    const preflight = await ask(served, '/', { method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'GET' } })
    t.equal(preflight.status, 204)
    t.match(preflight.headers['access-control-allow-methods'], 'GET')
    await preflight.whole()
    await ask(served, '/')
    const limited = await ask(served, '/')
    t.equal(limited.status, 429)
    t.match(limited.headers['content-type'], 'application/json')
  })
}

t.test('under pressure a stream is refused', async t => {
  const served = await serve(t, async app => {
    await app.register(underPressure, { healthCheck: async () => false, healthCheckInterval: 1000 })
    app.get('/', Numbers, (_request, reply) => { reply.sse([1]) })
  })
  t.equal((await ask(served, '/')).status, 503)
})

t.test('compress leaves event streams alone', async t => {
  const served = await serve(t, async app => {
    await app.register(compress, { global: true, threshold: 0 })
    app.get('/', Numbers, (_request, reply) => { reply.sse([1, 2]) })
  })
  const answer = await ask(served, '/', { headers: { 'accept-encoding': 'gzip, br' } })
  t.equal(answer.headers['content-encoding'], undefined)
  t.equal(await answer.whole(), BODY)
})

/** Streams through a compressor, which reads the body in the place of the response. */
async function compressed (t: Parameters<typeof serve>[0], routes: (app: Served['app']) => unknown, sse = {}) {
  return await serve(t, async app => {
    await app.register(compress, { global: true, threshold: 0, customTypes: /event-stream/, encodings: ['gzip'], zlibOptions: { flush: 2 } })
    await routes(app)
  }, { sse })
}

async function askGzip ({ port }: Served, path: string) {
  const request = http.get({ host: '127.0.0.1', port, path, headers: { 'accept-encoding': 'gzip' }, agent: false })
  request.on('error', () => {})
  const [response] = await once(request, 'response') as [http.IncomingMessage]
  return { request, response }
}

t.test('a compressor told to take event streams gets all of them', async t => {
  let returned = 0
  const served = await compressed(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse([1, 2]) })
    app.get('/late', Numbers, (_request, reply) => {
      reply.sse((async function * () { await turn(); yield 1; yield 2 })(), { commitAfter: 0 })
    })
    app.get('/many', Numbers, (_request, reply) => {
      reply.sse((function * () { for (let i = 0; i < 50_000; i++) yield i })())
    })
    app.get('/ticks', Numbers, (_request, reply) => {
      reply.sse((async function * () { try { for (;;) { yield 1; await turn() } } finally { returned++ } })())
    })
  })
  for (const path of ['/', '/late']) {
    const { response } = await askGzip(served, path)
    t.equal(response.headers['content-encoding'], 'gzip')
    t.equal((await response.pipe(createGunzip()).setEncoding('utf8').toArray()).join(''), BODY, path)
  }
  const many = await askGzip(served, '/many')
  const text = (await many.response.pipe(createGunzip()).setEncoding('utf8').toArray()).join('')
  t.equal(parse(text).length, 50_000)
  const ticks = await askGzip(served, '/ticks')
  await once(ticks.response.pipe(createGunzip()), 'data')
  ticks.request.destroy()
  await eventually(() => returned === 1)
  await eventually(() => summaries(served).length === 4)
  t.strictSame(summaries(served).map(({ reason }) => reason), ['complete', 'complete', 'complete', 'client'])
  t.equal(served.app.sse.open, 0)
})

// This compressor lets the headers go with the second chunk: what fails sooner is an HTTP error still.
t.test('a failure through a compressor breaks the response, after the error event', async t => {
  const seen = unhandledErrors(t)
  const client = { isSeen: false }
  const failing = async function * (error: Error) {
    client.isSeen = false
    while (!client.isSeen) { yield 1; await turn() }
    throw error
  }
  const served = await compressed(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse(failing(Object.assign(new Error('short'), { statusCode: 418 }))) })
    app.get('/silent', Numbers, (_request, reply) => { reply.sse(failing(new Error('short')), { errorEvent: false }) })
  })
  for (const path of ['/', '/silent']) {
    const { response } = await askGzip(served, path)
    response.on('error', () => {})
    let text = ''
    const gunzip = createGunzip().on('error', () => {}).setEncoding('utf8')
    response.pipe(gunzip).on('data', chunk => { text += chunk; client.isSeen = true })
    await new Promise(resolve => response.once('close', resolve))
    // What it still holds would be seen by the next source.
    gunzip.destroy()
    t.equal(response.complete, false, path)
    t.match(parse(text)[0], { data: '1' }, path)
  }
  await eventually(() => summaries(served).length === 2)
  t.strictSame(summaries(served).map(({ reason }) => reason), ['error', 'error'])
  t.equal(errorLines(served).filter(line => line.msg === 'stream failed').length, 2)
  t.strictSame(seen, [])
})

t.test('a client of a compressed stream that never reads pins the source', async t => {
  let pulled = 0
  const served = await compressed(t, app => {
    app.get('/', { schema: { response: { 200: EventStream({ type: 'string' }) } } }, (_request, reply) => {
      const noise = () => Array.from({ length: 4096 }, () => Math.random().toString(36).slice(2, 18)).join('')
      reply.sse((async function * () { for (;;) { pulled++; yield noise() } })())
    })
  })
  const { request } = await askGzip(served, '/')
  // zlib works in other threads.
  await standstill(() => pulled, 10_000)
  t.ok(pulled < 400, `${pulled} events pulled`)
  request.destroy()
  await eventually(() => served.app.sse.open === 0)
})

for (const name of ['end', 'close'] as const) {
  t.test(`an onSend hook that listens for \`${name}\` of the body gets it`, async t => {
    let isOver = false
    const served = await serve(t, app => {
      app.addHook('onSend', async (_request, _reply, payload) => { (payload as NodeJS.ReadableStream).once(name, () => { isOver = true }) })
      app.get('/', Numbers, (_request, reply) => { reply.sse([1, 2]) })
    })
    t.equal(await (await ask(served, '/')).whole(), BODY)
    await eventually(() => isOver)
  })
}

t.test('trailers and onSend hooks of the user see the stream', async t => {
  const served = await serve(t, app => {
    app.addHook('onSend', async (_request, reply, payload) => { reply.header('x-hook', typeof (payload as { pipe?: unknown })?.pipe) })
    app.get('/', Numbers, (_request, reply) => {
      reply.trailer('x-after', async () => 'done')
      reply.sse([1, 2])
    })
    app.get('/replaced', { ...Numbers, onSend: async () => 'instead' }, (_request, reply) => { reply.sse([1, 2]) })
    app.get('/fails', {
      ...Numbers,
      onSend: async (_request, _reply, payload) => {
        if (typeof payload === 'string') return payload
        throw Object.assign(new Error('hook'), { statusCode: 418 })
      }
    }, (_request, reply) => { reply.sse([1, 2]) })
  })
  const answer = await ask(served, '/')
  t.equal(answer.headers['x-hook'], 'function')
  t.equal(answer.headers.trailer, 'x-after')
  t.equal(await answer.whole(), BODY)
  t.equal(await (await ask(served, '/replaced')).whole(), 'instead')
  const fails = await ask(served, '/fails')
  t.equal(fails.status, 418)
  t.match(fails.headers['content-type'], 'application/json')
  t.match(JSON.parse(await fails.whole()), { message: 'hook' })
  await eventually(() => summaries(served).length === 1)
  t.equal(served.app.sse.open, 0)
})
