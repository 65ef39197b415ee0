// How a failure after the headers looks to clients: it must never look like a regular end.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import typedSse, { EventStream } from '../../lib/index.ts'
import { ask, errorLines, eventually, unhandledErrors, serve, summaries } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }

async function * fails (): AsyncGenerator<number> { yield 1; throw Object.assign(new Error('short'), { statusCode: 418 }) }

/** Getters and conversions that throw, in every field that is read. */
const VICIOUS: Record<string, () => unknown> = {
  'a getter': () => throwing('get'),
  'a symbol': () => Object.fromEntries(['message', 'statusCode', 'status', 'code'].map(name => [name, Symbol(name)])),
  'an object without a prototype': () => Object.fromEntries(['message', 'statusCode', 'status', 'code'].map(name => [name, Object.create(null)]))
}

function throwing (how: 'get'): object {
  const descriptor = { [how] () { throw new Error('vicious') }, enumerable: true }
  return Object.defineProperties({}, Object.fromEntries(['message', 'statusCode', 'status', 'code', 'name', 'stack'].map(name => [name, descriptor])))
}

const ERRORS: Record<string, () => unknown> = {
  'a revoked proxy': () => { const { proxy, revoke } = Proxy.revocable(new Error('x'), {}); revoke(); return proxy },
  'an object without a prototype': () => Object.create(null),
  'an object whose fields throw': () => throwing('get'),
  'a symbol': () => Symbol('x')
}
for (const [what, fields] of Object.entries(VICIOUS)) {
  for (const name of ['message', 'statusCode', 'status', 'code', 'name', 'stack', 'cause']) {
    ERRORS[`an Error whose ${name} is ${what}`] = () => Object.defineProperty(new Error('x'), name, Object.getOwnPropertyDescriptor(fields(), name) ?? { value: throwing('get') })
  }
}

t.test('an error whose fields throw when they are read fails the stream like any other', async t => {
  const seen = unhandledErrors(t)
  const served = await serve(t, app => {
    app.get('/late/:name', Numbers, (request, reply) => {
      reply.sse((async function * () { yield 1; throw ERRORS[(request.params as { name: string }).name]!() })())
    })
    app.get('/early/:name', Numbers, (request, reply) => {
      reply.sse((async function * (): AsyncGenerator<number> { throw ERRORS[(request.params as { name: string }).name]!() })())
    })
    app.get('/return/:name', Numbers, (request, reply) => {
      const { name } = request.params as { name: string }
      let n = 0
      reply.sse({ [Symbol.asyncIterator]: () => ({ next: async () => { if (n++ > 0) await new Promise(() => {}); return { done: false, value: 1 } }, return () { throw ERRORS[name]!() } }) })
    })
  })
  for (const name of Object.keys(ERRORS)) {
    const late = await ask(served, `/late/${encodeURIComponent(name)}`)
    t.equal(await late.ended, 'broken', `${name}, late`)
    t.match(late.events, [{ data: '1' }, { event: 'error', data: /"statusCode":\d{3}/ }], `${name}, late`)
    const early = await ask(served, `/early/${encodeURIComponent(name)}`)
    t.ok(early.status >= 400, `${name}, early`)
    t.ok(JSON.parse(await early.whole()).statusCode >= 400, `${name}, early`)
    const leaving = await ask(served, `/return/${encodeURIComponent(name)}`)
    await leaving.until('data: 1')
    leaving.leave()
  }
  await eventually(() => served.app.sse.open === 0)
  t.equal(served.lines.filter(line => line.msg === 'stream failed').length, Object.keys(ERRORS).length)
  t.strictSame(seen, [])
})

t.test('of an error of the server a client gets the code only if it is one of this library', async t => {
  const served = await serve(t, app => {
    app.get('/:status/:code', Numbers, (request, reply) => {
      const { status, code } = request.params as Record<string, string>
      reply.sse((async function * () { yield 1; throw Object.assign(new Error('x'), { statusCode: Number(status), code }) })())
    })
    app.get('/invalid', Numbers, (_request, reply) => { reply.sse([1, 'two'] as never) })
  })
  const codeOf = async (path: string) => {
    const answer = await ask(served, path)
    await answer.ended
    return JSON.parse(answer.events[1]!.data).code
  }
  t.equal(await codeOf('/500/ECONNREFUSED'), undefined)
  t.equal(await codeOf('/404/NO_SUCH_CHAT'), 'NO_SUCH_CHAT')
  t.equal(await codeOf('/invalid'), 'SSE_ERR_PAYLOAD')
})

for (const http2 of [false, true]) {
  t.test(`a failure behind an onSend hook that pipes the body breaks the response after the error event${http2 ? ', over HTTP/2' : ''}`, async t => {
    const seen = unhandledErrors(t)
    const served = await serve(t, app => {
      app.addHook('onSend', async (_request, _reply, payload) => (payload as Readable).pipe(new PassThrough()))
      app.get('/', Numbers, (_request, reply) => { reply.sse((async function * () { yield 1; await turn(); yield * fails() })()) })
      app.get('/good', Numbers, (_request, reply) => { reply.sse([1, 2]) })
    }, { http2 })
    const answer = await ask(served, '/')
    t.equal(await answer.ended, 'broken')
    t.match(answer.events, [{ data: '1' }, { data: '1' }, { event: 'error', data: /418/ }])
    t.equal(await (await ask(served, '/good')).whole(), 'data: 1\n\ndata: 2\n\n')
    await eventually(() => summaries(served).length === 2)
    t.strictSame(summaries(served).map(({ reason }) => reason), ['error', 'complete'])
    t.equal(errorLines(served).length, 1)
    t.strictSame(seen, [])
  })
}

t.test('a failure before an onSend hook has let anything out is an HTTP error', async t => {
  const seen = unhandledErrors(t)
  const served = await serve(t, app => {
    app.addHook('onSend', async (_request, reply, payload) => {
      if (typeof payload === 'string') return payload
      const text = (await (payload as Readable).setEncoding('utf8').toArray()).join('')
      reply.header('content-length', String(text.length))
      return text
    })
    app.get('/', Numbers, (_request, reply) => { reply.sse(fails()) })
    app.get('/good', Numbers, (_request, reply) => { reply.sse([1]) })
  })
  const answer = await ask(served, '/')
  t.equal(answer.status, 500)
  await answer.whole()
  t.equal(await (await ask(served, '/good')).whole(), 'data: 1\n\n')
  t.strictSame(seen, [])
})

/** Asks by HTTP/1.0, as nginx does by default. Not by Node, which takes a reset right after data for an end (libuv, POLLHUP). */
async function curlHttp10 (url: string): Promise<{ text: string, code: number }> {
  const child = spawn('curl', ['--silent', '--no-buffer', '--http1.0', '--no-alpn', '--insecure', url], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [chunks, [code]] = await Promise.all([child.stdout.setEncoding('utf8').toArray(), once(child, 'exit')])
  return { text: chunks.join(''), code }
}

const skip = spawnSync('curl', ['--version']).status === 0 || process.env.CI !== undefined ? false : 'no curl: apt-get install curl'
/** What curl exits with when the connection was reset. */
const RESET = 56

for (const kind of ['plain', 'behind a transform']) {
  t.test(`over HTTP/1.0 a failure resets the connection, after the error event (${kind})`, { skip }, async t => {
    const { port } = await serve(t, app => {
      if (kind !== 'plain') app.addHook('onSend', async (_request, _reply, payload) => (payload as Readable).pipe(new PassThrough()))
      app.get('/', Numbers, (_request, reply) => { reply.sse(fails()) })
    })
    for (let i = 0; i < 20; i++) {
      const { text, code } = await curlHttp10(`http://127.0.0.1:${port}/`)
      t.equal(code, RESET)
      t.match(text, /^data: 1\n\nevent: error\ndata: .*418.*\n\n$/)
    }
  })
}

t.test('over HTTP/1.0 and TLS, where Node cannot reset, it closes the connection', { skip }, async t => {
  const seen = unhandledErrors(t)
  const pem = readFileSync(new URL('../helpers/localhost.pem', import.meta.url))
  const app = Fastify({ https: { key: pem, cert: pem } })
  t.teardown(() => app.close())
  await app.register(typedSse)
  app.get('/', Numbers, (_request, reply) => { reply.sse(fails()) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const { text } = await curlHttp10(`https://127.0.0.1:${port}/`)
  t.match(text, /^data: 1\n\nevent: error\ndata: .*418.*\n\n$/)
  t.strictSame(seen, [])
})
