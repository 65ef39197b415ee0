import { once } from 'node:events'
import net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify, { type RouteShorthandOptions } from 'fastify'
import t, { type Test } from 'tap'
import typedSse, { EventStream } from '../../lib/index.ts'
import { ask, eventually, serve, turns } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }

for (const http2 of [false, true]) {
  t.test(`request.signal is one signal, which fires once, with why${http2 ? ', over HTTP/2' : ''}`, async t => {
    const reasons: unknown[] = []
    const served = await serve(t, app => {
      app.get('/:name', Text, (request, reply) => {
        const { signal } = request
        t.equal(request.signal, signal)
        signal.addEventListener('abort', () => reasons.push((request.params as { name: string }).name, signal.reason?.code ?? signal.reason?.name))
        reply.sse(new ReadableStream(), { commitAfter: 0, maxDuration: (request.params as { name: string }).name === 'duration' ? 30 : 60_000 })
      })
    }, { http2 })
    const client = await ask(served, '/client')
    client.leave()
    await eventually(() => reasons.length === 2)
    await (await ask(served, '/duration')).ended
    await eventually(() => reasons.length === 4)
    await ask(served, '/shutdown')
    await served.app.close()
    t.strictSame(reasons, ['client', 'SSE_ERR_CLIENT_GONE', 'duration', 'SSE_ERR_MAX_DURATION', 'shutdown', 'SSE_ERR_SHUTDOWN'])
  })
}

t.test("a handler's own timeout fires the signal of a route without streams too", async t => {
  let isAborted = false
  const served = await serve(t, app => {
    app.get('/', { handlerTimeout: 20 }, async (request) => {
      request.signal.addEventListener('abort', () => { isAborted = true })
      await once(request.signal, 'abort')
      return 'late'
    })
  })
  t.equal((await ask(served, '/')).status, 503)
  t.equal(isAborted, true)
})

const BODY = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }

for (const http2 of [false, true]) {
  t.test(`a request with a body, HTTP/${http2 ? 2 : 1}: its signal fires when the client leaves, not when the body was read`, async t => {
    let signal: AbortSignal | undefined
    const served = await serve(t, app => {
      app.addHook('preHandler', async request => { signal = request.signal })
      app.post('/', Text, async function * (request) {
        yield 'a'
        await turns()
        yield `aborted: ${request.signal.aborted}`
        await new Promise(resolve => request.signal.addEventListener('abort', resolve))
      })
    }, { http2 })
    const client = await ask(served, '/', BODY)
    await client.until('aborted: false')
    t.equal(signal!.aborted, false)
    client.leave()
    await eventually(() => signal!.aborted)
    t.equal(signal!.reason.code, 'SSE_ERR_CLIENT_GONE')
  })
}

t.test('a client that sends a body and leaves before reply.sse fires the signal of the handler', async t => {
  let signal: AbortSignal | undefined
  const served = await serve(t, app => {
    app.post('/', Text, async request => {
      signal = request.signal
      await new Promise(resolve => signal!.addEventListener('abort', resolve))
      t.equal(request.signal.aborted, true)
      return ['late']
    })
  })
  const socket = net.connect(served.port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
  await eventually(() => signal !== undefined)
  t.equal(signal!.aborted, false)
  socket.destroy()
  await eventually(() => signal!.aborted)
})

const both = EventStream({ type: 'string' })
const StreamOrJson = { schema: { response: { 200: { ...both, content: { ...both.content, 'application/json': { schema: {} } } } } } }

for (const http2 of [false, true]) {
  t.test(`where a stream is declared, the signal of a JSON answer fires when the client leaves before all of it was sent${http2 ? ', over HTTP/2' : ''}`, async t => {
    let signal: AbortSignal | undefined
    const served = await serve(t, app => {
      app.post('/', StreamOrJson, async (request, reply) => {
        signal = request.signal
        return reply.type('application/json').send(JSON.stringify('x'.repeat(32 * 1024 * 1024)))
      })
    }, { http2 })
    const left = await ask(served, '/', { ...BODY, isReading: false })
    t.equal(signal!.aborted, false)
    left.leave()
    await eventually(() => signal!.aborted)
    t.equal(signal!.reason.code, 'SSE_ERR_CLIENT_GONE')
    const whole = await ask(served, '/', BODY)
    await whole.whole()
    await served.app.close()
    t.equal(signal!.aborted, false)
  })
}

t.test('the signal of a stream that ended well never fires', async t => {
  const signals: AbortSignal[] = []
  const served = await serve(t, app => {
    app.post('/', Text, request => {
      signals.push(request.signal)
      return ['a']
    })
  })
  await (await ask(served, '/', BODY)).whole()
  await served.app.inject({ url: '/', method: 'POST', payload: {} })
  await served.app.close()
  t.strictSame(signals.map(signal => signal.aborted), [false, false])
})

t.test('a signal that is first asked for when it is too late has fired', async t => {
  const reasons: unknown[] = []
  const served = await serve(t, app => {
    app.post('/left', Text, async request => {
      await once(request.raw.socket, 'close')
      await turn()
      reasons.push(request.signal.aborted, request.signal.reason.code)
      return ['late']
    })
    app.get('/timeout', { handlerTimeout: 20 }, async request => {
      await timedOut
      reasons.push(request.signal.aborted, request.signal.reason.code)
    })
  })
  let toldTimeout = () => {}
  const timedOut = new Promise<void>(resolve => { toldTimeout = resolve })
  t.equal((await ask(served, '/timeout')).status, 503)
  toldTimeout()
  await eventually(() => reasons.length === 2)
  const socket = net.connect(served.port, '127.0.0.1')
  socket.write('POST /left HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
  socket.end()
  socket.destroySoon()
  await eventually(() => reasons.length === 4)
  t.strictSame(reasons, [true, 'FST_ERR_HANDLER_TIMEOUT', true, 'SSE_ERR_CLIENT_GONE'])
})

/** What the signal of a request does, from a handler that asks for it at once, with the plugin and without. */
async function observeSignal (t: Test, hasPlugin: boolean, route: RouteShorthandOptions, body: string | undefined): Promise<unknown> {
  const app = Fastify()
  t.teardown(() => app.close())
  if (hasPlugin) await app.register(typedSse)
  let signal: AbortSignal | undefined
  app.route({
    method: ['GET', 'POST'],
    url: '/',
    ...route,
    handler: async request => {
      signal = request.signal
      t.equal(request.signal, signal, 'is one signal')
      await once(signal, 'abort')
    }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = net.connect((app.server.address() as net.AddressInfo).port, '127.0.0.1')
  const method = body === undefined ? 'GET' : 'POST'
  socket.write(`${method} / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body?.length ?? 0}\r\n\r\n${body ?? ''}`)
  await eventually(() => signal !== undefined)
  // Fastify's signal fires by itself when a body was read.
  if (body === undefined) socket.destroy()
  await eventually(() => signal!.aborted)
  socket.destroy()
  return { name: signal!.reason.name, code: signal!.reason.code, message: signal!.reason.message }
}

const PLAIN_ROUTES: Record<string, RouteShorthandOptions> = {
  'without a schema': {},
  'of JSON': { schema: { response: { 200: { type: 'string' } } } },
  'with a timeout': { handlerTimeout: 60_000 }
}

for (const [name, route] of Object.entries(PLAIN_ROUTES)) {
  for (const body of [undefined, '{}']) {
    t.test(`a route ${name} that does not stream keeps Fastify's signal, ${body === undefined ? 'without' : 'with'} a body`, async t => {
      const without = await observeSignal(t, false, route, body)
      t.strictSame(await observeSignal(t, true, route, body), without)
      t.match(without, { name: 'AbortError' })
    })
  }
}

t.test('a route without a schema: once it streams, its signal is that of the stream', async t => {
  const signals: AbortSignal[] = []
  const served = await serve(t, app => {
    app.post('/:kind', async (request, reply) => {
      // Fastify's has fired by then: the body was read.
      const before = request.signal
      await eventually(() => before.aborted)
      reply.sse(new ReadableStream(), { commitAfter: 0 })
      t.equal(request.signal.aborted, false)
      signals.push(request.signal)
    })
    app.get('/', (request, reply) => {
      signals.push(request.signal)
      reply.sse(new ReadableStream(), { commitAfter: 0 })
      t.equal(request.signal, signals.at(-1))
    })
  })
  const left = await ask(served, '/left', BODY)
  left.leave()
  await eventually(() => signals[0]!.aborted)
  await ask(served, '/closed', BODY)
  await ask(served, '/')
  await served.app.close()
  t.strictSame(signals.map(({ reason }) => [reason.name, reason.code]), [
    ['AbortError', 'SSE_ERR_CLIENT_GONE'], ['AbortError', 'SSE_ERR_SHUTDOWN'], ['AbortError', 'SSE_ERR_SHUTDOWN']
  ])
})
