import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { EventStream } from '../../lib/index.ts'
import { errorLines, eventually, unhandledErrors, serve, type Served, summaries } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }

const request = (path: string, method = 'GET') => `${method} ${path} HTTP/1.1\r\nhost: a\r\n\r\n`

/** Sends requests on one connection without waiting for responses. */
function pipeline (t: Test, { port }: Served, requests: string): Socket & { text: string } {
  const socket = Object.assign(connect(port, '127.0.0.1'), { text: '' })
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  socket.setEncoding('latin1').on('data', chunk => { socket.text += chunk })
  socket.write(requests)
  return socket
}

/** A stream that ends when it is told to, or never. */
class Gate {
  started = 0
  returned = 0
  open = () => {}
  readonly #opened = new Promise<void>(resolve => { this.open = resolve })

  async * stream () {
    this.started++
    try {
      yield 1
      await this.#opened
    } finally {
      this.returned++
    }
  }

  /** Its own iterator's return() waits for the gate; this one does not. */
  source () {
    const iterator = this.stream()
    return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next(), return: async () => { this.returned++; return { done: true, value: undefined } } }) }
  }
}

t.test('of 1,000 pipelined requests only the first stream starts, and all are freed with their connection', async t => {
  const seen = unhandledErrors(t)
  const gate = new Gate()
  let handled = 0
  let freed = 0
  const served = await serve(t, app => {
    app.get('/', Numbers, (request, reply) => {
      handled++
      request.signal.addEventListener('abort', () => freed++)
      reply.sse(() => gate.source() as never)
    })
  }, { fastify: { logger: false }, sse: { shutdownGrace: 60_000 } })
  const socket = pipeline(t, served, request('/').repeat(1000))
  await eventually(() => handled === 1000)
  await eventually(() => socket.text.includes('data: 1'))
  t.equal(gate.started, 1)
  t.equal(served.app.sse.open, 1)
  socket.destroy()
  await eventually(() => freed === 1000)
  t.equal(gate.started, 1)
  t.equal(served.app.sse.open, 0)
  // The grace is a minute: it would wait for whatever is left.
  await served.app.close()
  t.strictSame(seen, [])
})

t.test('a source given to a queued response is released when its connection ends', async t => {
  const gate = new Gate()
  const source = new Readable({ objectMode: true, read () {} })
  let handled = 0
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse(handled++ === 0 ? gate.source() as never : source) })
  })
  const socket = pipeline(t, served, request('/').repeat(2))
  await eventually(() => handled === 2 && socket.text.includes('data: 1'))
  socket.destroy()
  await eventually(() => source.destroyed)
})

t.test('a queued stream starts when its turn comes, with all of commitAfter', async t => {
  const first = new Gate()
  const second = new Gate()
  const served = await serve(t, app => {
    app.get('/first', Numbers, (_request, reply) => { reply.sse(first.source() as never) })
    app.get('/second', Numbers, (_request, reply) => { reply.sse(second.source() as never, { commitAfter: 0 }) })
    app.get('/throws', Numbers, (_request, reply) => { reply.sse(() => { throw Object.assign(new Error('mine'), { statusCode: 418 }) }) })
    app.get('/null', Numbers, (_request, reply) => { reply.sse(null) })
  })
  const socket = pipeline(t, served, request('/first') + request('/throws') + request('/null') + request('/second'))
  await eventually(() => first.started === 1)
  t.equal(second.started, 0)
  first.open()
  await eventually(() => second.started === 1)
  second.open()
  await eventually(() => socket.text.split('0\r\n\r\n').length === 3)
  t.strictSame(socket.text.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 418', 'HTTP/1.1 204', 'HTTP/1.1 200'])
  await eventually(() => summaries(served).length === 2)
  t.strictSame(summaries(served).map(({ reason }) => reason), ['complete', 'complete'])
})

t.test('a queued source runs in the async context of its own request', async t => {
  const storage = new AsyncLocalStorage<string>()
  const contexts: unknown[] = []
  const served = await serve(t, app => {
    app.addHook('onRequest', (request, _reply, done) => { storage.run(request.url, done) })
    app.get('/:n', Numbers, (_request, reply) => {
      reply.sse((async function * () { contexts.push(storage.getStore()); yield 1 })())
    })
  })
  const socket = pipeline(t, served, request('/1') + request('/2') + request('/3'))
  await eventually(() => socket.text.split('data: 1').length === 4)
  t.strictSame(contexts, ['/1', '/2', '/3'])
})

t.test('a queued HEAD is over with its connection, and so is what waits for it', async t => {
  const gate = new Gate()
  let heads = 0
  let over = 0
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse(gate.source() as never) })
    app.get('/head', Numbers, async (request, reply) => {
      heads++
      request.raw.socket.once('close', () => over++)
      reply.sse([1])
    })
  })
  const socket = pipeline(t, served, request('/') + request('/head', 'HEAD'))
  await eventually(() => heads === 1)
  socket.destroy()
  await eventually(() => over === 1 && served.app.sse.open === 0)
  await served.app.close()
  t.strictSame(errorLines(served), [])
})

t.test('a queued stream whose handler fails is an HTTP error when its turn comes', async t => {
  const seen = unhandledErrors(t)
  const gate = new Gate()
  let failed = 0
  const served = await serve(t, app => {
    app.get('/first', Numbers, (_request, reply) => { reply.sse(gate.source() as never) })
    app.get('/fails', Numbers, async (_request, reply) => {
      reply.sse([1])
      failed++
      throw Object.assign(new Error('mine'), { statusCode: 418 })
    })
  })
  const socket = pipeline(t, served, request('/first') + request('/fails') + request('/fails'))
  await eventually(() => failed === 2)
  gate.open()
  await eventually(() => socket.text.match(/HTTP\/1.1 418/g)?.length === 2)
  t.strictSame(seen, [])
})

t.test('close() ends the stream whose turn it is, and answers those behind it', async t => {
  const gate = new Gate()
  let handled = 0
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { handled++; reply.sse(gate.source() as never) })
  }, { sse: { shutdownGrace: 30 } })
  const socket = pipeline(t, served, request('/').repeat(20))
  await eventually(() => handled === 20)
  await eventually(() => socket.text.includes('data: 1'))
  const closed = once(socket, 'close')
  await served.app.close()
  await closed
  t.equal(gate.started, 1)
  t.equal(served.app.sse.open, 0)
})

t.test('close() returns when a connection with queued streams was left before', async t => {
  const gate = new Gate()
  let handled = 0
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { handled++; reply.sse(gate.source() as never) })
  }, { sse: { shutdownGrace: 60_000 } })
  const socket = pipeline(t, served, request('/').repeat(5))
  await eventually(() => handled === 5)
  socket.destroy()
  await eventually(() => served.app.sse.open === 0)
  await served.app.close()
})
