import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { EventStream } from '../../lib/index.ts'
import { ask, CHILD_ENV, errorLines, eventually, unhandledErrors, serve, summaries, turns } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }
const BIG = 'x'.repeat(64 * 1024)

/** A response over HTTP/2, up to its headers. */
async function askHttp2 (t: Test, port: number): Promise<{ session: ClientHttp2Session, stream: ClientHttp2Stream }> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/' })
  stream.on('error', () => {})
  await once(stream, 'response')
  return { session, stream }
}

for (const http2 of [false, true]) {
  for (const kind of ['idle', 'ticking', 'blocked']) {
    t.test(`leaving while ${kind} fires the signal and lets the source go${http2 ? ', over HTTP/2' : ''}`, async t => {
      const seen = unhandledErrors(t)
      const order: string[] = []
      let signals = 0
      const served = await serve(t, app => {
        app.get('/', Text, (request, reply) => {
          request.signal.addEventListener('abort', () => signals++)
          const iterator = {
            idle: () => new Promise(() => {}),
            ticking: () => turn({ done: false, value: 'tick' }),
            blocked: async () => ({ done: false, value: BIG })
          }[kind]!
          reply.sse({
            [Symbol.asyncIterator]: () => ({ next: iterator, return: async () => { order.push('return') } })
          } as never, { commitAfter: 0, heartbeat: 50, maxDuration: 60_000 })
        })
      }, { http2 })
      const answer = await ask(served, '/', { isReading: kind !== 'blocked' })
      await eventually(() => served.app.sse.open === 1)
      if (kind === 'ticking') await answer.until('tick')
      answer.leave()
      await eventually(() => summaries(served).length === 1)
      t.match(summaries(served), [{ reason: 'client' }])
      t.strictSame(order, ['return'])
      t.equal(signals, 1)
      t.equal(served.app.sse.open, 0)
      t.strictSame(errorLines(served), [])
      t.strictSame(seen, [])
    })
  }
}

t.test('leaving before the headers lets the source go, and nothing counts as a stream', async t => {
  let returned = 0
  const served = await serve(t, app => {
    app.get('/', Text, (request, reply) => {
      reply.sse(({ signal }: { signal: AbortSignal }) => (async function * () {
        try { await once(signal, 'never', { signal }) } finally { returned++ }
      })(), { commitAfter: Infinity })
      setImmediate(() => request.raw.socket.destroy())
    })
    app.get('/async', Text, async (request, reply) => {
      reply.sse(async () => { await once(reply.raw, 'close'); return new ReadableStream({ cancel () { returned++ } }) }, { commitAfter: Infinity })
      setImmediate(() => request.raw.socket.destroy())
    })
    app.get('/array', Text, async (request, reply) => {
      reply.sse((async () => { await once(reply.raw, 'close'); returned++; return 'never looked at' }) as never, { commitAfter: Infinity })
      setImmediate(() => request.raw.socket.destroy())
    })
  })
  for (const [i, path] of ['/', '/async', '/array'].entries()) {
    ask(served, path).catch(() => {})
    await eventually(() => returned === i + 1, `${path} is let go`)
  }
  await turns()
  t.strictSame(summaries(served), [])
  t.strictSame(errorLines(served), [])
})

for (const http2 of [false, true]) {
  t.test(`a source given after the client left is let go, and close() does not wait for it${http2 ? ', over HTTP/2' : ''}`, async t => {
    const seen = unhandledErrors(t)
    let cancelled = 0
    let leave = () => {}
    const served = await serve(t, app => {
      app.get('/:commitAfter', Text, async (request, reply) => {
        await new Promise<void>(resolve => {
          reply.raw.once('close', () => resolve())
          leave()
        })
        await turn()
        const { commitAfter } = request.params as { commitAfter: string }
        reply.sse(new ReadableStream({ cancel () { cancelled++ } }), { commitAfter: Number(commitAfter) })
      })
    }, { http2, sse: { shutdownGrace: 60_000 } })
    for (const [i, commitAfter] of ['0', '5', 'Infinity'].entries()) {
      if (http2) {
        const session = connectHttp2(`http://127.0.0.1:${served.port}`)
        session.on('error', () => {})
        session.request({ ':path': `/${commitAfter}` }).on('error', () => {})
        leave = () => session.destroy()
      } else {
        const socket = connect(served.port, '127.0.0.1')
        socket.write(`GET /${commitAfter} HTTP/1.1\r\nhost: a\r\n\r\n`)
        leave = () => socket.destroy()
      }
      await eventually(() => cancelled === i + 1)
    }
    await served.app.close()
    t.equal(served.app.sse.open, 0)
    t.strictSame(errorLines(served), [])
    t.strictSame(seen, [])
  })
}

t.test('2,000 clients that come and leave leave nothing behind', async t => {
  const child = new URL('../helpers/leavers.ts', import.meta.url).pathname
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', child, '2000'], { env: CHILD_ENV })
  const { heapPerCycle, ...counts } = JSON.parse(stdout)
  t.match(counts, { open: 0, connections: 0, returned: 1500, timers: 0, kept: 0, keptBefore: 0, serverListeners: 0 })
  // A quarter of the generators is kept by what they wait for.
  t.ok(heapPerCycle < 3000, `${heapPerCycle} bytes of heap a cycle`)
})

t.test('a response that emits its close twice, as some of Node 24 do, is closed once', async t => {
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => {
      reply.raw.once('close', () => reply.raw.emit('close'))
      reply.sse(new ReadableStream(), { commitAfter: 0 })
    })
  })
  const answer = await ask(served, '/')
  answer.leave()
  await eventually(() => summaries(served).length > 0)
  t.equal(summaries(served).length, 1)
  t.equal(served.app.sse.open, 0)
})

t.test('a source whose promise fails after the client left is no failure', async t => {
  const seen = unhandledErrors(t)
  let rejected = 0
  const served = await serve(t, app => {
    app.get('/', Text, (request, reply) => {
      reply.sse(async () => {
        await once(reply.raw, 'close')
        await turn()
        rejected++
        throw new Error('late')
      }, { commitAfter: Infinity })
      setImmediate(() => request.raw.socket.destroy())
    })
  })
  await t.rejects(once(http.get({ port: served.port, host: '127.0.0.1', agent: false }), 'response'), { code: 'ECONNRESET' })
  await eventually(() => rejected === 1)
  await served.app.close()
  t.strictSame(summaries(served), [])
  t.strictSame(errorLines(served), [])
  t.strictSame(seen, [])
})

t.test('leaving while an onSend hook is at work lets the source go, and no stream is opened', async t => {
  const seen = unhandledErrors(t)
  let returned = 0
  let sent = 0
  const served = await serve(t, app => {
    app.addHook('onSend', async (request, reply, payload) => {
      request.raw.socket.destroy()
      await once(reply.raw, 'close')
      sent++
      return payload
    })
    app.get('/', Text, (_request, reply) => { reply.sse((function * () { try { yield 'a'; yield 'b' } finally { returned++ } })()) })
  })
  await t.rejects(once(http.get({ port: served.port, host: '127.0.0.1', agent: false }), 'response'), { code: 'ECONNRESET' })
  await eventually(() => sent === 1 && returned === 1)
  await served.app.close()
  t.equal(served.app.sse.open, 0)
  t.strictSame(summaries(served), [])
  t.strictSame(errorLines(served), [])
  t.strictSame(seen, [])
})

t.test('leaving when the stream ended, but has not left, is leaving', async t => {
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => { reply.sse(['x'.repeat(32 * 1024 * 1024)]) })
  })
  const answer = await ask(served, '/', { isReading: false })
  await eventually(() => served.app.sse.open === 1)
  answer.leave()
  await eventually(() => summaries(served).length === 1)
  t.match(summaries(served), [{ reason: 'client', events: 1 }])
  t.strictSame(errorLines(served), [])
})

// Node itself leaves such streams open.
for (const kind of ['blocked', 'ended', 'silent']) {
  for (const isConnectionLeft of [false, true]) {
    if (kind === 'ended' && !isConnectionLeft) continue
    t.test(`an HTTP/2 client that resets a stream without an error leaves nothing behind (${kind}${isConnectionLeft ? ', and ends its connection' : ''})`, async t => {
      const seen = unhandledErrors(t)
      let returned = 0
      const served = await serve(t, app => {
        app.get('/', Text, (_request, reply) => {
          reply.sse((function * () {
            try {
              yield kind === 'silent' ? 'a' : BIG.repeat(20)
              if (kind === 'silent') yield new Promise(() => {})
              if (kind === 'blocked') yield * Array.from({ length: 20 }, () => BIG)
            } finally { returned++ }
          })() as never)
        })
      }, { http2: true, sse: { shutdownGrace: 60_000 } })
      const { session, stream } = await askHttp2(t, served.port)
      await eventually(() => served.app.sse.open === 1 && (kind !== 'ended' || returned === 1))
      stream.close(constants.NGHTTP2_NO_ERROR)
      if (isConnectionLeft) {
        await turns()
        session.destroy()
      }
      await eventually(() => served.app.sse.open === 0)
      t.equal(returned, 1)
      session.destroy()
      await served.app.close()
      t.strictSame(seen, [])
    })
  }
}

t.test('close() does not wait for an ended HTTP/2 stream that its client has reset', async t => {
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => { reply.sse([BIG.repeat(20)]) })
  }, { http2: true, sse: { shutdownGrace: 10 } })
  const { stream } = await askHttp2(t, served.port)
  await eventually(() => served.app.sse.open === 1)
  stream.close(constants.NGHTTP2_NO_ERROR)
  await turns()
  await served.app.close()
  t.equal(served.app.sse.open, 0)
})
