import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import t from 'tap'
import { event, EventStream } from '../../lib/index.ts'
import { ask, CHILD_ENV, errorLines, eventually, unhandledErrors, serve, type Served, standstill, summaries, turns } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }
const GRACE = 300

/** How often a source that is always ready was pulled. */
let pulled = 0

function routes (app: Served['app']): void {
  app.get('/idle', Text, (_request, reply) => { reply.sse((async function * () { await new Promise(() => {}) })(), { commitAfter: 0 }) })
  app.get('/ticking', Text, (_request, reply) => {
    reply.sse((async function * () { for (;;) { yield 'tick'; await turns(100) } })())
  })
  app.get('/stalled', Text, (_request, reply) => {
    const text = 'x'.repeat(256 * 1024)
    reply.sse((async function * () { for (;; pulled++) yield text })())
  })
  app.get('/polite', Text, (_request, reply) => {
    reply.sse(async ({ signal }: { signal: AbortSignal }) => (async function * () {
      yield 'hello'
      await once(signal, 'abort')
      yield event(`bye: ${signal.reason.code}`, { id: 1 })
    })())
  })
}

/** 1,000 streams: most idle and ticking, some that nobody reads. */
async function crowd (served: Served, count: number): Promise<() => void> {
  const kind = (i: number) => i % 50 === 0 ? '/stalled' : i % 2 === 0 ? '/idle' : '/ticking'
  const sessions: http2.ClientHttp2Session[] = []
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity })
  const opening: Array<Promise<unknown>> = []
  for (let i = 0; i < count; i++) {
    if (served.isHttp2) {
      if (i % 100 === 0) {
        const session = http2.connect(`http://127.0.0.1:${served.port}`)
        session.on('error', () => {})
        sessions.push(session)
      }
      const stream = sessions.at(-1)!.request({ ':path': kind(i) })
      stream.on('error', () => {})
      if (kind(i) !== '/stalled') stream.resume()
      opening.push(once(stream, 'response'))
    } else opening.push(ask(served, kind(i), { agent, isReading: kind(i) !== '/stalled' }))
  }
  await Promise.all(opening)
  return () => {
    for (const session of sessions) session.destroy()
    agent.destroy()
  }
}

for (const isHttp2 of [false, true]) {
  t.test(`close() ends 1,000 streams${isHttp2 ? ' over HTTP/2' : ''}`, async t => {
    const seen = unhandledErrors(t)
    const served = await serve(t, routes, { http2: isHttp2, sse: { shutdownGrace: GRACE } })
    const leave = await crowd(served, 1000)
    t.equal(served.app.sse.open, 1000)
    await served.app.close()
    t.equal(served.app.sse.open, 0)
    t.equal(summaries(served).filter(({ reason }) => reason === 'shutdown').length, 1000)
    leave()
    t.strictSame(seen, [])
  })

  t.test(`a source may finish within its grace${isHttp2 ? ' over HTTP/2' : ''}`, async t => {
    const served = await serve(t, routes, { http2: isHttp2, sse: { shutdownGrace: 10_000 } })
    const answer = await ask(served, '/polite')
    await answer.until('hello')
    await served.app.close()
    t.equal(await answer.whole(), 'data: "hello"\n\ndata: "bye: SSE_ERR_SHUTDOWN"\nid: 1\n\n')
    t.match(summaries(served), [{ reason: 'shutdown', events: 2 }])
    t.strictSame(errorLines(served), [])
  })
}

for (const isHttp2 of [false, true]) {
  for (const pluginTimeout of [100, 0]) {
    t.test(`the grace of streams does not depend on a pluginTimeout of ${pluginTimeout}, which bounds the hooks of Fastify${isHttp2 ? ', over HTTP/2' : ''}`, async t => {
      const served = await serve(t, routes, { http2: isHttp2, sse: { shutdownGrace: GRACE }, fastify: { pluginTimeout } })
      const answer = await ask(served, '/idle')
      await eventually(() => served.app.sse.open === 1)
      await t.resolves(served.app.close())
      t.equal(await answer.ended, 'broken')
      t.match(summaries(served), [{ reason: 'shutdown' }])
      t.ok(summaries(served)[0]!.duration >= GRACE)
    })
  }
}

t.test('idle and stalled streams are cut when their grace is over', async t => {
  const served = await serve(t, routes, { sse: { shutdownGrace: 30 } })
  const idle = await ask(served, '/idle')
  const stalled = await ask(served, '/stalled', { isReading: false })
  await eventually(() => served.app.sse.open === 2)
  // Until the socket is full.
  await standstill(() => pulled)
  await served.app.close()
  t.equal(await idle.ended, 'broken')
  stalled.read()
  t.equal(await stalled.ended, 'broken')
  t.strictSame(summaries(served).map(({ reason }) => reason), ['shutdown', 'shutdown'])
})

t.test('a stream that sent nothing yet answers 503, and so do new requests during shutdown', async t => {
  let started = 0
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const served = await serve(t, app => {
    routes(app)
    app.get('/waiting', Text, (_request, reply) => { reply.sse((async function * () { await new Promise(() => {}) })(), { commitAfter: Infinity }) })
    app.get('/slow', Text, async (_request, reply) => {
      started++
      await eventually(() => isClosing)
      reply.sse(['late'])
    })
  }, { sse: { shutdownGrace: 2000 } })
  let isClosing = false
  await (await ask(served, '/ticking', { method: 'HEAD', agent })).whole()
  const waiting = ask(served, '/waiting')
  const slow = ask(served, '/slow')
  const idle = await ask(served, '/idle')
  await eventually(() => started === 1)
  const closing = served.app.close()
  isClosing = true
  for (const answer of [await waiting, await slow]) {
    t.equal(answer.status, 503)
    t.equal(answer.headers['retry-after'], '1')
    t.match(JSON.parse(await answer.whole()), { statusCode: 503, code: 'SSE_ERR_SHUTDOWN' })
  }
  const refused = await ask(served, '/ticking', { agent })
  t.equal(refused.status, 503)
  t.equal(refused.headers['retry-after'], '1')
  t.equal(await idle.ended, 'broken')
  await closing
})

t.test('a source that fails during shutdown: by the signal it is no failure, by anything else it is', async t => {
  const served = await serve(t, app => {
    app.get('/:how', Text, (request, reply) => {
      reply.sse(({ signal }: { signal: AbortSignal }) => (async function * () {
        yield event('hello', { id: 1 })
        if ((request.params as { how: string }).how === 'signal') await once(signal, 'never', { signal })
        await once(signal, 'abort')
        throw new Error('broken')
      })())
    })
  }, { sse: { shutdownGrace: 10_000 } })
  const signal = await ask(served, '/signal')
  const other = await ask(served, '/other')
  await signal.until('hello')
  await other.until('hello')
  await served.app.close()
  t.equal(await signal.whole(), 'data: "hello"\nid: 1\n\n')
  t.equal(await other.ended, 'broken')
  t.match(other.events, [{ data: '"hello"' }, { event: 'error' }])
  t.strictSame(summaries(served).map(({ reason }) => reason).sort(), ['error', 'shutdown'])
  t.match(errorLines(served), [{ err: { message: 'broken' } }])
  t.equal(errorLines(served).length, 1)
})

t.test('a stream that ended before shutdown, but has not left, is cut after the grace', async t => {
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => { reply.sse(['x'.repeat(32 * 1024 * 1024)]) })
  }, { sse: { shutdownGrace: 30 } })
  const answer = await ask(served, '/', { isReading: false })
  await eventually(() => served.app.sse.open === 1)
  await served.app.close()
  answer.read()
  t.equal(await answer.ended, 'broken')
  t.match(summaries(served), [{ reason: 'shutdown', events: 1 }])
  t.strictSame(errorLines(served), [])
})

const CHILD = new URL('../helpers/sigterm-server.ts', import.meta.url).pathname

t.test('a process exits at SIGTERM, with streams open', async t => {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD], { stdio: ['ignore', 'pipe', 'inherit'], env: CHILD_ENV }) as ChildProcess
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout!, 'data')
  const served = { port: Number(line), isHttp2: false } as Served
  const idle = await ask(served, '/idle')
  const ticking = await ask(served, '/ticking')
  await ticking.until('tick')
  child.kill('SIGTERM')
  const [code, signal] = await once(child, 'exit')
  t.strictSame([code, signal], [0, null])
  t.equal(await idle.ended, 'broken')
  t.equal(await ticking.ended, 'broken')
})
