import { execFile } from 'node:child_process'
import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { EventStream, type StreamEvent } from '../../lib/index.ts'
import { type Answer, ask, CHILD_ENV, errorLines, eventually, unhandledErrors, serve, summaries, turns } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }

for (const http2 of [false, true]) {
  t.test(`handlerTimeout bounds the time to the first event, not the stream${http2 ? ', over HTTP/2' : ''}`, async t => {
    const seen = unhandledErrors(t)
    const reasons: unknown[] = []
    let go = () => {}
    const gated = async function * () { yield 1; await new Promise<void>(resolve => { go = resolve }); yield 2 }
    const served = await serve(t, app => {
      const route = { ...Numbers, handlerTimeout: 100 }
      app.get('/stream', route, (_request, reply) => { reply.sse(gated()) })
      app.get('/late', route, (request, reply) => {
        request.signal.addEventListener('abort', () => reasons.push(request.signal.reason.code))
        reply.sse((async function * () { await new Promise(() => {}) })(), { commitAfter: 20 })
      })
      app.get('/before', route, (_request, reply) => {
        reply.sse((async function * () { await new Promise(() => {}) })(), { commitAfter: Infinity })
      })
      app.get('/async', route, async (_request, reply) => { reply.sse(gated()) })
    }, { http2 })
    for (const path of ['/stream', '/async']) {
      const stream = await ask(served, path)
      await stream.until('data: 1\n\n')
      // It began later, so its time is over after that of the stream would be.
      await (await ask(served, '/before')).whole()
      go()
      t.equal(await stream.whole(), 'data: 1\n\ndata: 2\n\n', path)
    }
    const late = await ask(served, '/late')
    t.equal(late.status, 200)
    t.equal(await late.ended, 'broken')
    t.match(late.events, [{ event: 'error', data: /"statusCode":503,"code":"SSE_ERR_FIRST_EVENT_TIMEOUT"/ }])
    await eventually(() => reasons.length === 1)
    const before = await ask(served, '/before')
    t.equal(before.status, 503)
    t.match(JSON.parse(await before.whole()), { code: /TIMEOUT/ })
    await eventually(() => summaries(served).length === 3)
    t.equal(served.app.sse.open, 0)
    t.strictSame(seen, [])
  })
}

t.test('connectionTimeout and requestTimeout do not end a stream that speaks', async t => {
  let go = () => {}
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => {
      reply.sse((async function * () { yield 1; await new Promise<void>(resolve => { go = resolve }); yield 2 })())
    })
  }, { fastify: { connectionTimeout: 600, requestTimeout: 600 }, sse: { heartbeat: 50 } })
  const answer = await ask(served, '/')
  // Twice the time that a silent stream has.
  await eventually(() => answer.text.split(':\n\n').length > 24)
  go()
  await answer.whole()
  t.strictSame(answer.events.map(({ data }) => data), ['1', '2'])
})

t.test('connectionTimeout ends a silent stream as a client that left', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse((async function * () { yield 1; await new Promise(() => {}) })()) })
  }, { fastify: { connectionTimeout: 600 }, sse: { heartbeat: false } })
  const answer = await ask(served, '/')
  t.equal(await answer.ended, 'broken')
  await eventually(() => summaries(served).length === 1)
  t.match(summaries(served), [{ reason: 'client' }])
})

t.test('inject gets the whole stream, or the stream as it comes', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse([1, 2]) })
    app.get('/endless', Numbers, (_request, reply) => {
      reply.sse((async function * () { for (let i = 0; ; i++) { yield i; await turn() } })())
    })
    app.get('/fails', Numbers, (_request, reply) => { reply.sse((async function * () { throw Object.assign(new Error('x'), { statusCode: 418 }) })()) })
  })
  const whole = await served.app.inject('/')
  t.equal(whole.headers['content-type'], 'text/event-stream; charset=utf-8')
  t.equal(whole.body, 'data: 1\n\ndata: 2\n\n')
  t.equal((await served.app.inject('/fails')).statusCode, 418)
  const leaving = new AbortController()
  const answer = await served.app.inject({ url: '/endless', payloadAsStream: true, signal: leaving.signal })
  const body = answer.stream() as Readable
  const [chunk] = await once(body, 'data')
  t.match(String(chunk), /^data: 0\n\n/)
  body.on('error', () => {})
  leaving.abort()
  await eventually(() => served.app.sse.open === 0)
})

for (const http2 of [false, true]) {
  t.test(`exactly one open and one close for each stream, over a fuzz of endings${http2 ? ', over HTTP/2' : ''}`, async t => {
    const seen = unhandledErrors(t)
    const opened = new Map<unknown, number>()
    const closed = new Map<unknown, StreamEvent[]>()
    const failed: StreamEvent[] = []
    const on = (name: string, listener: (event: StreamEvent) => void) => {
      const subject = channel(`tracing:fastify-typed-sse:${name}`)
      subject.subscribe(listener as never)
      t.teardown(() => subject.unsubscribe(listener as never))
    }
    on('open', event => opened.set(event, (opened.get(event) ?? 0) + 1))
    on('close', event => closed.set(event, [...closed.get(event) ?? [], event]))
    on('error', event => failed.push(event))
    const random = mulberry(42)
    const chance = (of: number) => random() < of
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => {
        const fate = Math.floor(random() * 6)
        const pause = Math.floor(random() * 8)
        reply.sse((async function * () {
          if (chance(0.2)) await turns(pause)
          for (let i = 0; i < 20; i++) {
            if (chance(0.1)) {
              if (fate === 0) throw new Error('fate')
              if (fate === 1) yield 'invalid' as never
              if (fate === 2) return
            }
            yield i
            if (chance(0.3)) await turns(pause)
          }
        })(), { commitAfter: [0, 3, Infinity][fate % 3]!, maxDuration: fate === 5 ? 10 : 60_000 })
      })
    }, { http2, fastify: { logger: { level: 'silent' } } })
    let answered = 0
    await Promise.all(Array.from({ length: 20 }, async () => {
      for (let i = 0; i < 15; i++) {
        const answer: Answer = await ask(served, '/')
        if (answer.status === 200) answered++
        if (chance(0.3)) answer.leave()
        await answer.ended
      }
    }))
    await eventually(() => served.app.sse.open === 0)
    t.equal(opened.size, answered)
    t.equal(closed.size, answered)
    t.ok([...opened.values()].every(count => count === 1))
    t.ok([...closed.values()].every(events => events.length === 1))
    const reasons = new Set([...closed.values()].map(([event]) => event!.summary!.reason))
    t.strictSame([...reasons].sort(), ['client', 'complete', 'error', 'invalid', 'maxDuration'])
    t.equal(failed.length, [...closed.values()].filter(([event]) => event!.error !== undefined).length)
    t.strictSame(seen, [])
  })
}

/** A small seeded generator, so that a failure comes again. */
function mulberry (seed: number) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

t.test('one log line a stream, with what is known of it', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse([1, 2]) })
  })
  await (await ask(served, '/')).whole()
  await eventually(() => summaries(served).length === 1)
  const [summary] = summaries(served)
  t.match(summary, { reason: 'complete', events: 2, bytes: 18 })
  t.strictSame(Object.keys(summary!), ['reason', 'events', 'bytes', 'duration', 'firstEvent'])
  t.strictSame(errorLines(served), [])
})

t.test('neither protocol gives a process warning', async t => {
  const child = new URL('../helpers/warnings.ts', import.meta.url).pathname
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--throw-deprecation', '--import', 'tsx', child], { env: CHILD_ENV })
  t.strictSame(JSON.parse(stdout), { warnings: [], connection: [] })
  t.equal(stderr, '')
})
