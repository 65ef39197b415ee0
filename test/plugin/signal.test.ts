import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { EventStream } from '../../lib/index.ts'
import { ask, eventually, serve } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }

for (const http2 of [false, true]) {
  t.test(`request.signal is one signal, which fires once, with why${http2 ? ', over HTTP/2' : ''}`, async t => {
    const reasons: unknown[] = []
    const served = await serve(t, app => {
      app.get('/:name', Text, (request, reply) => {
        const { signal } = request
        t.equal(request.signal, signal)
        signal.addEventListener('abort', () => reasons.push((request.params as { name: string }).name, signal.reason?.code ?? signal.reason?.name))
        reply.sse(new ReadableStream() as never, { commitAfter: 0, maxDuration: (request.params as { name: string }).name === 'duration' ? 30 : 60_000 })
      })
    }, { http2 })
    const client = await ask(served, '/client')
    client.leave()
    await eventually(() => reasons.length === 2)
    await (await ask(served, '/duration')).whole()
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
      await sleep(60)
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
        await sleep(20)
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

for (const http2 of [false, true]) {
  t.test(`the signal of a JSON answer fires when the client leaves before all of it has left${http2 ? ', over HTTP/2' : ''}`, async t => {
    let signal: AbortSignal | undefined
    const served = await serve(t, app => {
      app.post('/', async request => {
        signal = request.signal
        return ['x'.repeat(32 * 1024 * 1024)]
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
      await sleep(5)
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

t.test("the signal of a route that can have no stream is Fastify's own", async t => {
  let signal: AbortSignal | undefined
  const served = await serve(t, app => {
    app.get('/', { schema: { response: { 200: { type: 'string' } } } }, async request => {
      signal = request.signal
      await new Promise(resolve => signal!.addEventListener('abort', resolve))
    })
  })
  const socket = net.connect(served.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await eventually(() => signal !== undefined)
  socket.destroy()
  await eventually(() => signal!.aborted)
  t.equal(signal!.reason.name, 'AbortError')
})
