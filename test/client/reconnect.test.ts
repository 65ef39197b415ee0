import t from 'tap'
import { Type } from '@sinclair/typebox'
import { connect, ConnectionError, ResponseError } from '../../lib/client/index.ts'
import { EventStream } from '../../lib/index.ts'
import { type Answer, collect, cut, failure, open, serve, status, stream } from './fixtures/server.ts'
import { portToKeep } from '../helpers/port.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)

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
  const url = `http://127.0.0.1:${await portToKeep()}/`
  let asked = 0
  const counted = (...[url, init]: [string, RequestInit]): Promise<Response> => {
    asked++
    return fetch(url, init)
  }
  const error = await failure(connect(url, { fetch: counted, backoff: { ...backoff, attempts: 2 } }))
  t.match(error, { name: 'ConnectionError', code: 'SSE_ERR_CONNECTION', cause: { cause: { code: 'ECONNREFUSED' } } })
  t.equal(asked, 3)
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

t.test('without a heartbeat a silent connection is left alone', async t => {
  const { url, requests } = await serve(t, (request, response) => {
    open('data: 1\n\n')(request, response, 0)
    setTimeout(() => response.end('data: [DONE]\n\n'), 100)
  })
  t.equal((await collect(connect(url, { heartbeat: false, backoff }))).length, 1)
  t.equal(requests.length, 1)
})

t.test('a fetch that does not heed its signal is given up as well', async t => {
  const causes: unknown[] = []
  const error = await failure(connect('/relative', {
    fetch: () => new Promise(() => { /* never */ }),
    heartbeat: 10,
    reconnect: true,
    backoff: { ...backoff, attempts: 1 },
    onStateChange: (_state, cause) => causes.push(String(cause))
  }))
  t.match(error, { name: 'ConnectionError', message: 'Silent for 30 ms' })
  t.same(causes, ['ConnectionError: Silent for 30 ms', 'undefined', 'ConnectionError: Silent for 30 ms'])
})

t.test('a heartbeat beyond what timers take is no heartbeat', async t => {
  for (const heartbeat of [Infinity, 2 ** 31]) {
    const { url, requests } = await serve(t, (request, response) => { setTimeout(() => stream('data: 1\n\ndata: [DONE]\n\n')(request, response, 0), 50) })
    t.equal((await collect(connect(url, { heartbeat, backoff }))).length, 1)
    t.equal(requests.length, 1)
  }
})

t.test('a server that closes at once is asked ever more rarely, until there is an event', async t => {
  t.intercept(Math, 'random', { value: () => 1 })
  const shut: Answer = (_request, response) => { response.destroy() }
  const { url, requests } = await serve(t, shut, shut, shut, shut, shut, shut, stream('data: 1\n\n'), shut, gone)
  t.equal((await collect(connect(url, { backoff: { delay: 50, maxDelay: 800 } }))).length, 1)
  const waits = requests.slice(1).map(({ at }, i) => at - requests[i]!.at)
  for (const [i, least] of [50, 100, 200, 400, 800, 800, 50, 100].entries()) t.ok(waits[i]! >= least - 2, `${waits[i]} ms for ${least}`)
  t.ok(waits[6]! < 750, `${waits[6]} ms after an event`)
})

t.test('the parts of backoff that are not given are the default ones', async t => {
  t.intercept(Math, 'random', { value: () => 1 })
  const { url, requests } = await serve(t, status(500), gone)
  await collect(connect(url, { backoff: { delay: undefined, maxDelay: undefined, attempts: undefined } }))
  t.ok(requests[1]!.at - requests[0]!.at >= 990)
})

t.test('an id of an empty text is none to resume from', async t => {
  const { url, requests } = await serve(t, stream('id: 1\ndata: 1\n\nid:\ndata: 2\n\n'), gone)
  t.same((await collect(connect(url, { backoff }))).map(({ id }) => id), ['1', ''])
  t.equal(requests[1]!.headers['last-event-id'], undefined)
})
