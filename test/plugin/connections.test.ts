import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import tls from 'node:tls'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import { Connections } from '../../lib/plugin/connections.ts'
import typedSse, { EventStream } from '../../lib/index.ts'
import { eventually, unhandledErrors } from '../helpers/serve.ts'

// A key and a certificate for localhost, of no use elsewhere.
const pem = readFileSync(new URL('../helpers/localhost.pem', import.meta.url))
const TLS = { key: pem, cert: pem }

// Without timeouts a connection that is not closed holds `close()` for ever.
const SERVERS: Record<string, object> = {
  'HTTP/1.1': {},
  'HTTP/1.1 over TLS': { https: TLS },
  'HTTP/2': { http2: true, http2SessionTimeout: 0 },
  'HTTP/2 over TLS': { http2: true, https: TLS, http2SessionTimeout: 0 },
  'HTTP/2 over TLS, with HTTP/1.1': { http2: true, https: { ...TLS, allowHTTP1: true }, http2SessionTimeout: 0 }
}

interface Listening { app: FastifyInstance, port: number }

async function listen (t: Test, options: object, routes: (app: FastifyInstance) => unknown = () => {}): Promise<Listening> {
  const app = Fastify({ keepAliveTimeout: 0, ...options } as FastifyServerOptions) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(typedSse, { shutdownGrace: 50 })
  await routes(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port }
}

function connect (t: Test, port: number): net.Socket {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => { /* reset by the server */ })
  socket.resume()
  t.teardown(() => socket.destroy())
  return socket
}

/** The bytes with which a TLS client begins. */
async function clientHello (): Promise<Buffer> {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = tls.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection') as [net.Socket]
  const [hello] = await once(socket, 'data') as [Buffer]
  client.destroy()
  server.close()
  return hello
}

for (const [name, options] of Object.entries(SERVERS)) {
  t.test(`${name}: close() does not wait for a connection on which nothing was sent`, async t => {
    const { app, port } = await listen(t, options)
    const closed = once(connect(t, port), 'close')
    await once(app.server, 'connection')
    await app.close()
    await t.resolves(closed)
  })

  t.test(`${name}: nor for one that comes while it closes`, async t => {
    let closed: Promise<unknown> | undefined
    const { app } = await listen(t, options, app => {
      // It runs after the plugin's own.
      app.addHook('preClose', async () => {
        const accepted = once(app.server, 'connection')
        closed = once(connect(t, (app.server.address() as AddressInfo).port), 'close')
        await accepted
      })
    })
    await app.close()
    await t.resolves(closed!)
  })
}

t.test('HTTP/2: close() does not wait for a client that reads nothing, and never sees the end', async t => {
  const { app, port } = await listen(t, SERVERS['HTTP/2']!)
  connect(t, port).pause()
  await once(app.server, 'connection')
  await t.resolves(app.close())
})

t.test('close() does not wait for the rest of a request or of a handshake', async t => {
  const hello = await clientHello()
  for (const [name, part] of [['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost')], ['HTTP/1.1 over TLS', hello.subarray(0, 50)]] as const) {
    const { app, port } = await listen(t, SERVERS[name]!)
    const accepted = once(app.server, 'connection')
    const socket = connect(t, port)
    socket.write(part)
    const closed = once(socket, 'close')
    const [inner] = await accepted as [net.Socket]
    await eventually(() => inner.bytesRead === part.length)
    await app.close()
    await t.resolves(closed, name)
  }
})

for (const name of ['HTTP/1.1 over TLS', 'HTTP/2 over TLS', 'HTTP/2 over TLS, with HTTP/1.1']) {
  for (const protocol of name.includes('HTTP/2') ? ['h2', 'http/1.1'] : ['http/1.1']) {
    if (protocol === 'http/1.1' && name === 'HTTP/2 over TLS') continue
    t.test(`${name}: close() does not wait for a ${protocol} connection without a request: the handshake is none`, async t => {
      const { app, port } = await listen(t, SERVERS[name]!)
      const accepted = once(app.server, 'secureConnection')
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [protocol] })
      socket.resume()
      socket.on('error', () => { /* reset by the server */ })
      const closed = once(socket, 'close')
      await accepted
      t.equal(socket.alpnProtocol, protocol)
      await app.close()
      await t.resolves(closed)
    })
  }
}

for (const name of ['HTTP/2', 'HTTP/2 over TLS']) {
  t.test(`${name}: close() does not wait for a session whose stream was left`, async t => {
    const { app, port } = await listen(t, SERVERS[name]!, app => {
      app.get('/', { schema: { response: { 200: EventStream({ type: 'string' }) } } }, (_request, reply) => { reply.sse(new ReadableStream(), { commitAfter: 0 }) })
    })
    const session = http2.connect(`${name.includes('TLS') ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false })
    const closed = once(session, 'close')
    const stream = session.request({ ':path': '/' })
    await once(stream, 'response')
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await eventually(() => app.sse.open === 0)
    await app.close()
    await t.resolves(closed)
  })
}

t.test('a request that is being answered is waited for', async t => {
  const called = new EventEmitter()
  const { app, port } = await listen(t, SERVERS['HTTP/1.1 over TLS']!, app => {
    app.get('/slow', async () => {
      called.emit('slow')
      await once(called, 'closing')
      return { done: true }
    })
    // It runs after the plugin's own.
    app.addHook('preClose', async () => { called.emit('closing') })
  })
  const request = https.get({ port, host: '127.0.0.1', path: '/slow', rejectUnauthorized: false, agent: false })
  const responded = once(request, 'response')
  await once(called, 'slow')
  await app.close()
  const [response] = await responded
  t.strictSame(JSON.parse(String(Buffer.concat(await response.toArray()))), { done: true })
})

t.test('sockets that closed are not kept: they are pruned when the set has doubled', async t => {
  const server = new EventEmitter()
  const connections = new Connections(server as net.Server as never)
  let bytesReadAsked = 0
  const socket = (destroyed: boolean) => ({ destroyed, get bytesRead () { bytesReadAsked++; return 0 }, destroy () {} })
  for (let i = 0; i < 1000; i++) server.emit('connection', socket(i % 10 !== 0))
  connections.close()
  t.ok(bytesReadAsked < 300, `${bytesReadAsked} of 1,000 are kept, 100 of which are open`)
})

/** How a request is answered: status and Retry-After, or that it was cut off. */
async function answerOf (t: Test, isHttp2: boolean, port: number, path: string, headers: Record<string, string>): Promise<string> {
  if (!isHttp2) {
    const request = http.get({ host: '127.0.0.1', port, path, headers, agent: false })
    return await once(request, 'response').then(([{ statusCode, headers }]) => `${statusCode}, ${headers['retry-after']}`, () => 'cut')
  }
  const session = http2.connect(`http://127.0.0.1:${port}`)
  t.teardown(() => session.destroy())
  session.on('error', () => { /* the stream's is looked at */ })
  const stream = session.request({ ':path': path, ...headers })
  return await once(stream, 'response').then(([head]) => `${head[':status']}, ${head['retry-after']}`, () => stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM ? 'cut' : 'broken')
}

for (const isHttp2 of [false, true]) {
  t.test(`HTTP/${isHttp2 ? 2 : 1}: during shutdown an EventSource gets no response, so that it reconnects; others get 503 with Retry-After`, async t => {
    const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }
    const seen = unhandledErrors(t)
    const events = new EventEmitter()
    const { app, port } = await listen(t, SERVERS[isHttp2 ? 'HTTP/2' : 'HTTP/1.1']!, app => {
      app.get('/stream', Text, (_request, reply) => { reply.sse(new ReadableStream(), { commitAfter: 0 }) })
      app.get('/silent', Text, (_request, reply) => {
        events.emit('called')
        reply.sse(new ReadableStream(), { commitAfter: Infinity })
      })
      app.get('/late', Text, async (_request, reply) => {
        events.emit('called')
        await once(events, 'drained')
        reply.sse(new ReadableStream(), { commitAfter: 0 })
      })
      // It runs after the plugin's own.
      app.addHook('preClose', async () => {
        events.emit('drained')
        await once(events, 'asked')
      })
    })
    const eventSource = { accept: 'text/event-stream' }
    const other = { accept: 'application/json, text/event-stream' }
    const ask = async (path: string, headers: Record<string, string>) => await answerOf(t, isHttp2, port, path, headers)
    const early: Array<Promise<string>> = []
    for (const path of ['/silent', '/late']) {
      for (const headers of [eventSource, other]) {
        const called = once(events, 'called')
        early.push(ask(path, headers))
        await called
      }
    }
    const drained = once(events, 'drained')
    const closing = app.close()
    await drained
    t.equal(await ask('/stream', eventSource), 'cut')
    t.equal(await ask('/stream', other), '503, 1')
    t.strictSame(await Promise.all(early), ['cut', '503, 1', 'cut', '503, 1'])
    events.emit('asked')
    await closing
    t.equal(app.sse.open, 0)
    t.strictSame(seen, [])
  })
}

t.test('an EventSource queued behind another response is cut off at its turn', async t => {
  const events = new EventEmitter()
  const { app, port } = await listen(t, {}, app => {
    app.get('/slow', async () => {
      events.emit('called')
      await once(events, 'asked')
      return 'slow'
    })
    app.addHook('preClose', async () => {
      events.emit('drained')
      await once(events, 'asked')
    })
  })
  const socket = connect(t, port)
  const received = socket.toArray()
  const called = once(events, 'called')
  socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await called
  const drained = once(events, 'drained')
  const closing = app.close()
  await drained
  const requested = once(app.server, 'request')
  socket.write('GET /stream HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n')
  await requested
  events.emit('asked')
  const text = Buffer.concat(await received).toString()
  t.match(text, /^HTTP\/1.1 200 OK[^]+slow$/)
  await closing
})

for (const isConnectionLeft of [false, true]) {
  for (const path of ['/text', '/stream']) {
    t.test(`HTTP/2: a request that is reset without an error before its answer was written leaves nothing behind (${path}${isConnectionLeft ? ', and its client leaves' : ''})`, async t => {
      const { app, port } = await listen(t, SERVERS['HTTP/2']!, app => {
        app.get('/text', (_request, reply) => { reply.send('text') })
        app.get('/stream', { schema: { response: { 200: EventStream({ type: 'string' }) } } }, (_request, reply) => { reply.sse(['text']) })
      })
      const session = http2.connect(`http://127.0.0.1:${port}`)
      t.teardown(() => session.destroy())
      session.on('error', () => { /* its streams' are looked at */ })
      const opened = once(app.server, 'stream') as Promise<[http2.ServerHttp2Stream]>
      // Both wait for the connection and leave in one packet, so the reset is there before the answer is written.
      session.request({ ':path': path }).close(http2.constants.NGHTTP2_NO_ERROR)
      const [stream] = await opened
      if (isConnectionLeft) session.destroy()
      await once(stream, 'close')
      await app.close()
      t.equal(app.sse.open, 0)
    })
  }
}
