import { once } from 'node:events'
import t from 'tap'
import { Type } from '@sinclair/typebox'
import { connect, ConnectionError, type MessageError, ResponseError, StreamError } from '../../lib/client/index.ts'
import { EventStream, RawText } from '../../lib/index.ts'
import { collect, cut, failure, open, serve, status, stream } from './fixtures/server.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)

t.test('gives name, JSON data and the id that holds, until a 204', async t => {
  const { url, requests } = await serve(t, stream('data: {"a":1}\n\nevent: b\ndata: 2\nid: x\n\ndata: 3\n\n'), gone)
  t.same(await collect(connect(url, { backoff })), [
    { event: 'message', data: { a: 1 }, id: '' },
    { event: 'b', data: 2, id: 'x' },
    { event: 'message', data: 3, id: 'x' }
  ])
  t.match(requests, [
    { method: 'GET', headers: { accept: 'text/event-stream', 'last-event-id': undefined } },
    { method: 'GET', headers: { 'last-event-id': 'x' } }
  ])
  t.equal(requests.length, 2)
})

t.test('sends method, headers and a JSON body; a header function is asked for each attempt', async t => {
  const { url, requests } = await serve(t, cut('id: 1\ndata: 1\n\n'), cut('id: ż\ndata: 2\n\n'), gone)
  let token = 0
  const got = await collect(connect(url, { method: 'put', body: { q: 1 }, headers: async () => ({ authorization: `Bearer ${++token}` }), backoff }))
  t.same(got.map(({ data }) => data), [1, 2])
  t.match(requests, [1, 2, 3].map(n => ({ method: 'PUT', body: '{"q":1}', headers: { 'content-type': 'application/json', authorization: `Bearer ${n}` } })))
  t.equal(Buffer.from(requests[2]!.headers['last-event-id'] as string, 'latin1').toString(), 'ż', 'as UTF-8')
})

t.test('uses a custom fetch and hands the other options on', async t => {
  const calls: [string, RequestInit][] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    calls.push([url, init])
    return new Response('data: [DONE]\n\n', { headers: { 'content-type': 'text/event-stream' } })
  }
  t.same(await collect(connect('/relative', { fetch, credentials: 'include', body: 'text' })), [])
  t.match(calls, [['/relative', { credentials: 'include', cache: 'no-store', method: 'POST', body: 'text' }]])
})

t.test('what `headers` throw, and a URL of no use, end the stream at once', async t => {
  const error = new Error('no token')
  t.equal(await failure(connect('http://127.0.0.1:1/', { headers: () => { throw error } })), error)
  t.type(await failure(connect('/relative')), TypeError)
})

for (const [code, type] of [[400, 'application/json'], [401, 'text/plain'], [404, 'text/event-stream'], [200, 'application/json'], [200, 'text/event-streams'], [304, 'text/event-stream']] as const) {
  t.test(`stops on ${code} ${type} with the response`, async t => {
    const { url, requests } = await serve(t, status(code, { 'content-type': type }, code === 304 ? '' : '{"why":1}'))
    const states: string[] = []
    const error = await failure(connect(url, { backoff, onStateChange: state => states.push(state) }))
    if (!(error instanceof ResponseError)) throw error
    t.equal(error.code, 'SSE_ERR_RESPONSE')
    t.equal(error.response.status, code)
    if (code !== 304) t.same(await error.response.json(), { why: 1 })
    t.equal(requests.length, 1)
    t.same(states, ['closed'])
  })
}

t.test('a 5xx is asked again, over and over', async t => {
  const { url, requests } = await serve(t, status(500), status(502), stream('data: 1\n\n'), gone)
  t.equal((await collect(connect(url, { backoff }))).length, 1)
  t.equal(requests.length, 4)
})

for (const code of [429, 503]) {
  t.test(`${code} is asked again after what Retry-After says`, async t => {
    const date = new Date(Date.now() + 2000).toUTCString()
    const { url, requests } = await serve(t, status(code, { 'retry-after': '1' }), status(code, { 'retry-after': date }), status(code, { 'retry-after': 'soon' }), gone)
    await collect(connect(url, { backoff }))
    t.ok(requests[1]!.at - requests[0]!.at >= 990, 'seconds')
    t.ok(requests[2]!.at >= Date.parse(date) - 10, 'a date')
    t.equal(requests.length, 4, 'what is neither counts for nothing')
  })
}

t.test('the server sets the least wait by retry', async t => {
  const { url, requests } = await serve(t, stream('retry: 300\ndata: 1\n\n'), gone)
  await collect(connect(url, { backoff }))
  t.ok(requests[1]!.at - requests[0]!.at >= 290)
})

t.test('gives up after so many attempts without an event', async t => {
  const { url, requests } = await serve(t, stream('data: 1\n\n'), stream(''), stream(''), status(500))
  const error = await failure(connect(url, { backoff: { ...backoff, attempts: 3 } }))
  t.type(error, ResponseError)
  t.equal(requests.length, 4)
})

t.test('a connection that is refused is asked again, and is the cause in the end', async t => {
  const error = await failure(connect('http://127.0.0.1:1/', { backoff: { ...backoff, attempts: 2 } }))
  if (!(error instanceof ConnectionError)) throw error
  t.equal(error.code, 'SSE_ERR_CONNECTION')
  t.type(error.cause, Error)
})

t.test('POST', async t => {
  t.test('ends where the stream ends without an id', async t => {
    const { url, requests } = await serve(t, stream('id: 1\ndata: 1\n\ndata: 2\n\n'))
    t.equal((await collect(connect(url, { method: 'POST', backoff }))).length, 2)
    t.equal(requests.length, 1)
  })
  t.test('fails where it is cut without an id', async t => {
    const { url, requests } = await serve(t, cut('data: 1\n\n'))
    t.type(await failure(connect(url, { method: 'POST', backoff })), ConnectionError)
    t.equal(requests.length, 1)
  })
  t.test('fails on a 503 with the response', async t => {
    const { url, requests } = await serve(t, status(503, { 'retry-after': '0' }, 'busy'))
    const error = await failure(connect(url, { method: 'POST', backoff }))
    t.equal(await (error as ResponseError).response.text(), 'busy')
    t.equal(requests.length, 1)
  })
  t.test('goes on after an event with an id', async t => {
    const { url, requests } = await serve(t, cut('data: 1\n\nid: 7\ndata: 2\n\n'), stream('data: 3\n\n'))
    t.same((await collect(connect(url, { method: 'POST', backoff }))).map(({ data }) => data), [1, 2, 3])
    t.equal(requests[1]!.headers['last-event-id'], '7')
    t.equal(requests.length, 2)
  })
  t.test('goes on when told to, and not when told not to', async t => {
    const told = await serve(t, cut('data: 1\n\n'), stream('data: 2\n\n'), gone)
    t.equal((await collect(connect(told.url, { method: 'POST', reconnect: true, backoff }))).length, 2)
    const not = await serve(t, stream('id: 1\ndata: 1\n\n'))
    t.equal((await collect(connect(not.url, { method: 'POST', reconnect: false, backoff }))).length, 1)
    t.equal(not.requests.length, 1)
  })
})

t.test('a contract with a sentinel: an end without it is a cut', async t => {
  const contract = EventStream(Type.Number(), { sentinel: 'END' })
  const { url, requests } = await serve(t, stream('data: 1\n\n'), stream('data: 2\n\ndata: END\n\ndata: 3\n\n'))
  t.same((await collect(connect(url, { contract, backoff }))).map(({ data }) => data), [1, 2])
  t.equal(requests.length, 2)
  const post = await serve(t, stream('data: 1\n\n'))
  t.match(await failure(connect(post.url, { contract, method: 'POST' })), { code: 'SSE_ERR_CONNECTION' })
})

t.test('a silent connection is taken for dead', async t => {
  const { url, requests } = await serve(t, open('id: 1\ndata: 1\n\n'), () => { /* no headers either */ }, stream('data: 2\n\n'), gone)
  const causes: unknown[] = []
  const got = await collect(connect(url, { heartbeat: 300, backoff, onStateChange: (state, cause) => { if (state === 'waiting') causes.push(String(cause)) } }))
  t.same(got.map(({ data }) => data), [1, 2])
  t.equal(requests.length, 4)
  t.same(causes, ['ConnectionError: Silent for 900 ms', 'ConnectionError: Silent for 900 ms', 'undefined'])
})

t.test('comments keep it alive', async t => {
  const { url, requests } = await serve(t, (request, response) => {
    open('')(request, response, 0)
    let beats = 0
    // For longer than the 1.5 s after which it would be taken for dead.
    const timer = setInterval(() => {
      if (++beats < 20) response.write(':\n\n')
      else response.end('data: [DONE]\n\n', () => clearInterval(timer))
    }, 100)
  })
  t.same(await collect(connect(url, { heartbeat: 500 })), [])
  t.equal(requests.length, 1)
})

t.test('leaving the loop, close() and the signal close the connection at once', async t => {
  for (const way of ['break', 'close', 'abort', 'abort before']) {
    t.test(way, async t => {
      let closed: Promise<unknown> = Promise.resolve()
      const { url, requests } = await serve(t, (request, response, n) => {
        closed = once(response, 'close')
        open('data: 1\n\n')(request, response, n)
      })
      const controller = new AbortController()
      const reason = new Error('left')
      if (way === 'abort before') controller.abort(reason)
      const messages = connect(url, { signal: controller.signal })
      const read = async (): Promise<void> => {
        for await (const { data } of messages) {
          t.equal(data, 1)
          t.equal(messages.state, 'open')
          if (way === 'break') break
          setImmediate(() => way === 'close' ? messages.close() : controller.abort(reason))
        }
      }
      if (way.startsWith('abort')) await t.rejects(read(), reason)
      else await read()
      await closed
      t.equal(messages.state, 'closed')
      t.equal(requests.length, way === 'abort before' ? 0 : 1)
      t.same(await messages.next(), { done: true, value: undefined })
    })
  }
})

t.test('closing ends a wait between attempts', async t => {
  const { url } = await serve(t, status(503, { 'retry-after': '60' }))
  const messages = connect(url, { onStateChange: state => { if (state === 'waiting') setImmediate(messages.close) } })
  t.same(await collect(messages), [])
  const early = connect(url, { onStateChange: state => { if (state === 'waiting') early.close() } })
  t.same(await collect(early), [], 'also before it starts')
})

t.test('an error event is a StreamError', async t => {
  const { url } = await serve(t, stream('id: 4\ndata: 1\n\nevent: error\ndata: {"statusCode":503,"code":"E","error":"Service Unavailable","message":"no"}\n\n'))
  const messages = connect(url)
  const error = await failure(messages)
  if (!(error instanceof StreamError)) throw error
  t.match({ ...error, message: error.message }, { statusCode: 503, code: 'E', error: 'Service Unavailable', message: 'no' })
  t.equal(messages.lastEventId, '4')
})

t.test('an event of that name with other data is a message', async t => {
  const { url } = await serve(t, stream('event: error\ndata: {"type":"overloaded"}\n\nevent: error\ndata: null\n\n'))
  t.equal((await collect(connect(url, { reconnect: false }))).length, 2)
})

t.test('raw events stay text', async t => {
  const Raw = EventStream({ text: RawText(), json: Type.Number() })
  const answer = stream('event: text\ndata: 1\n\nevent: json\ndata: 1\n\nevent: text\ndata:\n\n')
  const expected = ['1', 1, '']
  const { url } = await serve(t, answer)
  t.same((await collect(connect(url, { contract: Raw, reconnect: false }))).map(({ data }) => data), expected)
  t.same((await collect(connect<typeof Raw>(url, { raw: { text: true }, reconnect: false }))).map(({ data }) => data), expected)
  const unnamed = await serve(t, stream('data: 1\n\ndata: [DONE]\n\n'))
  t.same((await collect(connect(unnamed.url, { contract: EventStream(RawText()), reconnect: false }))).map(({ data }) => data), ['1', '[DONE]'])
})

t.test('what is no JSON, and what the check refuses, fails, is skipped, or as a function says', async t => {
  const contract = EventStream({ a: Type.Number() })
  const { url } = await serve(t, stream('event: a\ndata: 1\n\nevent: a\ndata: {\n\nevent: a\ndata: "x"\n\nevent: b\ndata: 1\n\nevent: a\ndata: 2\n\n'))
  const check = (schema: object, data: unknown): boolean => (schema as { type: string }).type === 'number' && typeof data === 'number'
  const seen: MessageError[] = []
  const skipped = connect(url, { contract, check, reconnect: false, onInvalid: error => { seen.push(error); return 'skip' } })
  t.same((await collect(skipped)).map(({ data }) => data), [1, 2])
  t.same(seen.map(({ code }) => code), ['SSE_ERR_JSON', 'SSE_ERR_PAYLOAD', 'SSE_ERR_EVENT'])
  t.same((await collect(connect(url, { contract, check, reconnect: false, onInvalid: 'skip' }))).length, 2)
  t.match(await failure(connect(url, { contract, check })), { name: 'MessageError', code: 'SSE_ERR_JSON', event: 'a', text: '{' })
})

t.test('reads every way to end lines, and characters cut in two', async t => {
  const { url } = await serve(t, (request, response, n) => {
    const bytes = Buffer.from('\uFEFFdata: "ż"\r\rdata: 2\r\n\r\ndata: 3\n\ndata: 4\r\r')
    open('')(request, response, n)
    let at = 0
    const next = (): void => {
      if (at === bytes.length) response.end()
      else response.write(bytes.subarray(at, ++at), () => setImmediate(next))
    }
    next()
  })
  t.same((await collect(connect(url, { reconnect: false }))).map(({ data }) => data), ['ż', 2, 3, 4])
})

t.test('states, in order, with why it waits', async t => {
  const { url } = await serve(t, stream('data: 1\n\n'), status(500), gone)
  const states: [string, string][] = []
  await collect(connect(url, { backoff, onStateChange: (state, cause) => states.push([state, (cause as Error | undefined)?.name ?? '']) }))
  t.same(states, [['open', ''], ['waiting', ''], ['connecting', ''], ['waiting', 'ResponseError'], ['connecting', ''], ['closed', '']])
})

t.test('without a heartbeat a silent connection is left alone', async t => {
  const { url, requests } = await serve(t, (request, response) => {
    open('data: 1\n\n')(request, response, 0)
    setTimeout(() => response.end('data: [DONE]\n\n'), 100)
  })
  t.equal((await collect(connect(url, { heartbeat: false, backoff }))).length, 1)
  t.equal(requests.length, 1)
})

t.test('a response without a body has no messages', async t => {
  const answers = [new Response(null, { headers: { 'content-type': 'text/event-stream' } }), new Response(null, { status: 204 })]
  t.same(await collect(connect('/relative', { fetch: async () => answers.shift()!, backoff })), [])
  t.equal(answers.length, 0, 'and is asked for again')
})
