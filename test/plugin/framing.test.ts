// Headers and statuses that would contradict the body of a stream, set by the handler or by a hook.
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { PassThrough, type Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { type FastifyReply } from 'fastify'
import t from 'tap'
import { EventStream } from '../../lib/index.ts'
import { ask, errorLines, eventually, type Served, serve, summaries, unhandledErrors } from '../helpers/serve.ts'

const Numbers = { schema: { response: { default: EventStream({ type: 'number' }) } } }

async function * two () {
  yield 1
  await turn()
  yield 2
}
const TWO = 'data: 1\n\ndata: 2\n\n'

type Headers = Record<string, unknown>
interface Seen { status: number, headers: Headers, text: string }

/** By a client of the transport; a response that is cut throws. */
type Transport = (served: Served, path: string, method?: string) => Promise<Seen>

const overSocket: Transport = async (served, path, method = 'GET') => {
  const answer = await ask(served, path, { method })
  return { status: answer.status, headers: answer.headers, text: await answer.whole() }
}

const overInject: Transport = async ({ app }, url, method = 'GET') => {
  const { statusCode, headers, body } = await app.inject({ url, method: method as 'GET' })
  return { status: statusCode, headers, text: body }
}

const TRANSPORTS: Array<[name: string, request: Transport, http2: boolean]> = [
  ['over HTTP/1.1', overSocket, false], ['over HTTP/2', overSocket, true], ['injected', overInject, false]
]

/** Header, value, and what the client gets of it: undefined for nothing. */
const HEADERS: Array<[name: string, value: string | number, seen: string | undefined]> = [
  ['content-length', 5, undefined],
  ['Content-Length', '100000', undefined],
  ['content-length', '0', undefined],
  ['transfer-encoding', 'identity', undefined],
  ['transfer-encoding', 'gzip', undefined],
  ['transfer-encoding', 'chunked', undefined],
  ['content-encoding', 'gzip', undefined],
  ['content-encoding', 'br', undefined],
  // What keeps compressors and proxies from compressing, and what clients take for no encoding.
  ['content-encoding', 'identity', 'identity'],
  ['content-encoding', 'none', 'none'],
  ['content-language', 'la', 'la'],
  ['connection', 'close', 'close'],
  ['keep-alive', 'timeout=9', 'timeout=9'],
  ['proxy-connection', 'keep-alive', 'keep-alive'],
  ['http2-settings', 'x', 'x'],
  ['te', 'gzip', 'gzip'],
  ['etag', '"x"', '"x"']
]

/** HTTP/2 does not have them. */
const OF_CONNECTION = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'http2-settings', 'te']

const set = (name: string, value: string | number) => (reply: FastifyReply) => { reply.header(name, value) }

for (const [name, request, http2] of TRANSPORTS) {
  for (const place of ['handler', 'onSend'] as const) {
    for (const [header, value, seenOver1] of HEADERS) {
      const seen = http2 && OF_CONNECTION.includes(header) ? undefined : seenOver1
      t.test(`${header}: ${value} of the ${place} ${seen === undefined ? 'is left out' : 'stays'}, ${name}`, async t => {
        const errors = unhandledErrors(t)
        const served = await serve(t, app => {
          if (place === 'onSend') app.addHook('onSend', async (_request, reply) => set(header, value)(reply))
          app.get('/', Numbers, (_request, reply) => {
            if (place === 'handler') set(header, value)(reply)
            reply.sse(two())
          })
        }, { http2 })
        const { status, headers, text } = await request(served, '/')
        t.equal(status, 200)
        t.equal(text, TWO)
        const key = header.toLowerCase()
        t.equal(headers[key], key === 'transfer-encoding' && !http2 ? 'chunked' : seen)
        await eventually(() => summaries(served).length === 1)
        t.match(summaries(served), [{ reason: 'complete', events: 2 }])
        t.strictSame(errorLines(served), [])
        t.strictSame(errors, [])
      })
    }
  }
}

for (const [name, request, http2] of TRANSPORTS) {
  t.test(`headers copied from an upstream's response do not break the stream, ${name}`, async t => {
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => {
        reply.headers({ 'content-length': '5', 'content-encoding': 'gzip', 'transfer-encoding': 'chunked', connection: 'keep-alive', 'keep-alive': 'timeout=5', 'x-request-id': 'a' }).sse(two())
      })
    }, { http2 })
    const { headers, text } = await request(served, '/')
    t.equal(text, TWO)
    t.equal(headers['x-request-id'], 'a')
    if (http2) t.equal(headers.connection, undefined)
    t.strictSame(errorLines(served), [])
  })

  t.test(`a HEAD request gets no length either, ${name}`, async t => {
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => { reply.header('content-length', 5).sse(two()) })
    }, { http2 })
    const { status, headers, text } = await request(served, '/', 'HEAD')
    t.equal(status, 200)
    t.equal(headers['content-length'], undefined)
    t.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
    t.equal(text, '')
  })

  t.test(`a length does not break a stream with trailers, nor one that a hook pipes on, ${name}`, async t => {
    const served = await serve(t, app => {
      app.get('/trailers', Numbers, (_request, reply) => {
        reply.header('content-length', 5).trailer('x-after', async () => 'done')
        reply.sse(two())
      })
      app.get('/piped', { ...Numbers, onSend: async (_request, _reply, payload) => (payload as Readable).pipe(new PassThrough()) }, (_request, reply) => {
        reply.header('content-length', 5).sse(two())
      })
    }, { http2 })
    for (const path of ['/trailers', '/piped']) {
      const { headers, text } = await request(served, path)
      t.equal(text, TWO, path)
      t.equal(headers['content-length'], undefined, path)
    }
    t.strictSame(errorLines(served), [])
  })

  t.test(`a failure before the headers has a length of its own, ${name}`, async t => {
    const served = await serve(t, app => {
      app.get('/null', Numbers, (_request, reply) => { reply.header('content-length', 5).header('keep-alive', 'x').sse(null) })
      app.get('/', Numbers, (_request, reply) => {
        reply.header('content-length', 5).header('keep-alive', 'timeout=5').sse((async function * () { throw Object.assign(new Error('nope'), { statusCode: 418 }) })())
      })
    }, { http2 })
    const { status, text } = await request(served, '/')
    t.equal(status, 418)
    t.equal(JSON.parse(text).message, 'nope')
    const { status: nothing, headers } = await request(served, '/null')
    t.equal(nothing, 204)
    t.equal(headers['content-length'], undefined)
  })

  // Fastify refuses 1xx over HTTP/2 by itself.
  for (const status of http2 ? [204, 205, 304] : [100, 101, 199, 204, 205, 304]) {
    t.test(`a stream with status ${status}, which has no body, is a coded error, ${name}`, async t => {
      const served = await serve(t, app => {
        app.get('/declared', Numbers, (_request, reply) => { reply.code(status).sse(two()) })
        app.get('/undeclared', (_request, reply) => { reply.code(status).sse(two()) })
        app.get('/generator', Numbers, async function * (_request, reply) { reply.code(status); yield 1 })
      }, { http2 })
      for (const path of ['/declared', '/undeclared']) {
        const { status: seen, text } = await request(served, path)
        t.equal(seen, 500, path)
        t.match(JSON.parse(text), { code: 'SSE_ERR_NO_CONTRACT', message: new RegExp(`for status ${status}: a response with that status has no body; leave out reply.code`) }, path)
      }
      const { status: seen, text } = await request(served, '/generator')
      t.equal(seen, 500, 'set by the source itself')
      t.match(JSON.parse(text), { code: 'SSE_ERR_NO_CONTRACT' })
    })
  }

  t.test(`a hook that sets a status without a body ends the stream, ${name}`, async t => {
    for (const status of [204, 304]) {
      let isReleased = false
      const errors = unhandledErrors(t)
      const served = await serve(t, app => {
        app.addHook('onSend', async (_request, reply) => { reply.code(status) })
        app.get('/', Numbers, (_request, reply) => {
          reply.sse((async function * () {
            try {
              for (;;) {
                yield 1
                await turn()
              }
            } finally {
              isReleased = true
            }
          })())
        })
      }, { http2 })
      const { status: seen, text } = await request(served, '/')
      t.equal(seen, status)
      t.equal(text, '')
      await eventually(() => isReleased)
      t.equal(served.app.sse.open, 0)
      t.strictSame(errors, [])
    }
  })
}

t.test('a handler that answers a status without a body by itself does so, where streams are declared for all', async t => {
  const served = await serve(t, app => {
    app.get('/async', Numbers, async (_request, reply) => { reply.code(204); return null })
    app.get('/send', Numbers, (_request, reply) => { reply.code(304).send(null) })
    app.get('/null', Numbers, (_request, reply) => { reply.sse(null) })
  })
  for (const [path, status] of [['/async', 204], ['/send', 304], ['/null', 204]] as const) t.equal((await ask(served, path)).status, status, path)
})

t.test('a stream that is declared for a status without a body is refused where the route is defined', async t => {
  for (const status of ['100', '1xx', '204', '205', '304']) {
    await t.rejects(serve(t, app => {
      app.get('/', { schema: { response: { [status]: EventStream({ type: 'number' }) } } }, () => {})
    }), { code: 'SSE_ERR_CONTRACT', message: `Route '/' declares an event stream for status ${status}, whose responses have no body: declare it for another, such as 200` })
  }
})

t.test('the connection goes on after a stream with a length', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.header('content-length', 5).sse(two()) })
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (let i = 0; i < 3; i++) t.equal(await (await ask(served, '/', { agent })).whole(), TWO)
})

t.test('over HTTP/1.0, which has no chunks, the end of the connection is the end of the stream, whatever was set', async t => {
  const served = await serve(t, app => {
    for (const [header, value] of [['content-length', '5'], ['transfer-encoding', 'gzip'], ['transfer-encoding', 'chunked']] as const) {
      app.get(`/${header}/${value}`, Numbers, (_request, reply) => { reply.header(header, value).sse(two()) })
    }
  })
  for (const path of ['/content-length/5', '/transfer-encoding/gzip', '/transfer-encoding/chunked']) {
    const socket = connect(served.port, '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.0\r\nhost: x\r\n\r\n`)
    const text = (await socket.setEncoding('utf8').toArray()).join('')
    const [head, ...body] = text.split('\r\n\r\n')
    t.equal(body.join('\r\n\r\n'), TWO, path)
    t.notMatch(head, /content-length|transfer-encoding/i, path)
  }
})

t.test('a request that is refused while the app closes gets its 503 over HTTP/2, whatever was set', async t => {
  const errors = unhandledErrors(t)
  let go = (): void => {}
  const gate = new Promise<void>(resolve => { go = resolve })
  let isReached = false
  const served = await serve(t, app => {
    app.get('/', Numbers, async (_request, reply) => {
      isReached = true
      await gate
      return reply.header('keep-alive', 'timeout=5').header('content-length', 5).sse(two())
    })
  }, { http2: true })
  const asked = ask(served, '/')
  await eventually(() => isReached)
  const closed = served.app.close()
  await turn()
  go()
  const answer = await asked
  t.equal(answer.status, 503)
  t.match(JSON.parse(await answer.whole()), { code: 'SSE_ERR_SHUTDOWN' })
  await closed
  t.strictSame(errors, [])
})
