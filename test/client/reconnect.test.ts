import t from 'tap'
import { Type } from '@sinclair/typebox'
import { connect, ConnectionError, ResponseError } from '../../lib/client/index.ts'
import { EventStream } from '../../lib/index.ts'
import { collect, cut, failure, serve, status, stream } from './fixtures/server.ts'
import { portToKeep } from '../helpers/port.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)

t.test('a 5xx is asked again, over and over', async t => {
  const { url, requests } = await serve(t, status(500), status(502), stream('data: 1\n\n'), gone)
  t.equal((await collect(connect(url, { backoff }))).length, 1)
  t.equal(requests.length, 4)
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

t.test('an id of an empty text is none to resume from', async t => {
  const { url, requests } = await serve(t, stream('id: 1\ndata: 1\n\nid:\ndata: 2\n\n'), gone)
  t.same((await collect(connect(url, { backoff }))).map(({ id }) => id), ['1', ''])
  t.equal(requests[1]!.headers['last-event-id'], undefined)
})
