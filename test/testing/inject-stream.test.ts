import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import typedSse, { EventStream } from '../../lib/index.ts'
import { injectStream } from '../../lib/testing/index.ts'

const Count = EventStream({ n: Type.Object({ n: Type.Integer(), pad: Type.String() }) })

interface Counter {
  app: FastifyInstance
  /** How many events were pulled. */
  pulled: number
  /** Settles when the source was ended. */
  left: Promise<void>
}

async function counter (t: Test): Promise<Counter> {
  const app = Fastify()
  const left = withResolvers()
  const state: Counter = { app, pulled: 0, left: left.promise }
  t.teardown(() => app.close())
  await app.register(typedSse)
  app.all('/:pad', { schema: { response: { 200: Count } } }, (request, reply) => {
    const { pad } = request.params as { pad: number }
    reply.header('x-method', request.method).header('x-body', JSON.stringify(request.body))
    return reply.sse((async function * () {
      try {
        for (;;) yield { event: 'n' as const, data: { n: state.pulled++, pad: 'x'.repeat(pad) } }
      } finally {
        left.resolve()
      }
    })())
  })
  app.get('/none', (_request, reply) => reply.code(204).send())
  app.get('/json', () => ({ a: 1 }))
  return state
}

function withResolvers (): { promise: Promise<void>, resolve: () => void } {
  let resolve: () => void = () => {}
  const promise = new Promise<void>(_resolve => { resolve = _resolve })
  return { promise, resolve }
}

for (const socket of [false, true]) {
  t.test(socket ? 'over a socket' : 'over inject', async t => {
    t.test('gives status, headers and messages of an endless stream, until it is left', async t => {
      const { app, left } = await counter(t)
      const stream = await injectStream<typeof Count>(app, { url: '/0', socket, payload: { a: 1 } })
      t.equal(stream.status, 200)
      t.match(stream.headers, { 'content-type': 'text/event-stream; charset=utf-8', 'x-method': 'POST', 'x-body': '{"a":1}' })
      t.same(await stream.next(2), [0, 1].map(n => ({ event: 'n', data: { n, pad: '' }, id: '' })))
      t.same(await stream.next(), { done: false, value: { event: 'n', data: { n: 2, pad: '' }, id: '' } })
      for await (const { data } of stream) if (data.n === 1000) break
      await left
    })

    t.test('disconnect ends the source', async t => {
      const { app, left } = await counter(t)
      const stream = await injectStream<typeof Count>(app, { url: '/0', socket })
      await stream.next(1)
      await stream.disconnect()
      await left
      await stream.disconnect()
    })

    t.test('stall holds the messages back until its function is called', async t => {
      const state = await counter(t)
      const stream = await injectStream<typeof Count>(state.app, { url: '/60000', socket })
      await stream.next(1)
      const goOn = stream.stall()
      let pulled
      do {
        pulled = state.pulled
        for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
      } while (pulled !== state.pulled)
      const several = stream.next(pulled + 100)
      goOn()
      const all = await several
      t.ok(state.pulled > pulled, 'the server had stopped')
      t.same(all.map(({ data }) => data.n), all.map((_, i) => i + 1))
      await stream.disconnect()
    })

    t.test('there is nothing after a disconnect: not for who waits, stalled or not, nor for who asks later', async t => {
      const { app, left } = await counter(t)
      const stream = await injectStream<typeof Count>(app, { url: '/0', socket })
      await stream.next(1)
      const goOn = stream.stall()
      t.equal(stream.stall(), goOn, 'stalled is stalled')
      const waiting = stream.next(100_000)
      await stream.disconnect()
      await left
      t.ok((await waiting).length < 100_000)
      t.same(await stream.next(), { done: true, value: undefined })
      t.same(await stream.next(2), [])
    })

    t.test('what is cut by the server throws', async t => {
      const { app } = await counter(t)
      app.get('/cut', (_request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
        reply.raw.write('data: 1\n\ndata: 2', () => setImmediate(() => reply.raw.destroy()))
      })
      const stream = await injectStream(app, { url: '/cut', socket })
      t.match(await stream.next(), { value: { data: 1 } })
      await t.rejects(stream.next(), { code: socket ? 'ECONNRESET' : 'LIGHT_ECONNRESET' })
    })

    t.test('a stream that fails after its headers gives its events, then the failure; plain inject gives neither', async t => {
      const { app } = await counter(t)
      const Numbers = EventStream(Type.Number())
      app.get('/late', { schema: { response: { 200: Numbers } } }, (_request, reply) => reply.sse((async function * () {
        yield 1
        await new Promise(resolve => setImmediate(resolve))
        throw Object.assign(new Error('gone'), { statusCode: 410 })
      })()))
      const stream = await injectStream<typeof Numbers>(app, { url: '/late', socket })
      t.match(await stream.next(), { value: { data: 1 } })
      await t.rejects(stream.next(), { name: 'StreamError', statusCode: 410, message: 'gone' })
      if (!socket) await t.rejects(app.inject('/late'), { code: 'SSE_ERR_BROKEN_OFF', message: /use `injectStream` of 'fastify-typed-sse\/testing'/ })
    })

    t.test('a 204 has no messages, and what is no stream throws', async t => {
      const { app } = await counter(t)
      t.same(await (await injectStream(app, { url: '/none', socket })).next(1), [])
      const json = await injectStream(app, { url: '/json', socket })
      t.equal(json.status, 200)
      const error = await json.next().catch((error: unknown) => error) as { code: string, response: Response }
      t.equal(error.code, 'SSE_ERR_RESPONSE')
      t.same(await error.response.json(), { a: 1 })
    })
  })
}

t.test('a URL is a GET, as for inject', async t => {
  const { app, left } = await counter(t)
  const stream = await injectStream<typeof Count>(app, '/0')
  t.match(stream.headers, { 'x-method': 'GET' })
  t.equal((await stream.next(1)).length, 1)
  await stream.disconnect()
  await left
})

t.test('an app that listens is not made to again', async t => {
  const { app } = await counter(t)
  const listening = once(app.server, 'listening')
  await app.listen({ port: 0, host: '0.0.0.0' })
  await listening
  const stream = await injectStream<typeof Count>(app, { url: '/0', socket: true })
  t.equal((await stream.next(3)).length, 3)
  await stream.disconnect()
})

t.test('an app that listens on all addresses of IPv6 is reached by the loopback one', async t => {
  const { app } = await counter(t)
  await app.listen({ port: 0, host: '::' })
  const stream = await injectStream<typeof Count>(app, { url: '/0', socket: true })
  t.equal((await stream.next(3)).length, 3)
  await stream.disconnect()
})

t.test('an app that listens on no port is refused', async t => {
  const { app } = await counter(t)
  // Not in the checkout: a path of 108 bytes is too long for a socket.
  const folder = mkdtempSync(join(tmpdir(), 'sse-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  await app.listen({ path: process.platform === 'win32' ? '\\\\.\\pipe\\fastify-typed-sse-test' : join(folder, 'socket') })
  await t.rejects(injectStream(app, { url: '/json', socket: true }), { name: 'TypeError', message: /^Expected an app that listens on a port, got one that listens on / })
})
