import t from 'tap'
import { connect, ConnectionError, ResponseError, StreamError } from '../../lib/client/index.ts'
import { shareTabs } from '../../lib/client/share/index.ts'
import { install } from './fixtures/locks.ts'
import { failure, open, serve, status } from './fixtures/server.ts'
import { backoff, keyOf, site, type Tab, tab, tabs, until, when } from './fixtures/tabs.ts'

const locks = install(t)

t.test('every tab gets a refusal, each with a response to read', async t => {
  const { url, requests } = await serve(t, when(() => locks.queued(keyOf(url)) === 3, status(404, { 'content-type': 'text/plain', 'x-why': 'gone' }, 'none')))
  const all = [tab(t, url), tab(t, url), tab(t, url)]
  for (const { ended, states } of all) {
    const error = await ended
    if (!(error instanceof ResponseError)) throw error
    t.equal(error.response.status, 404)
    t.equal(error.response.headers.get('x-why'), 'gone')
    t.equal(await error.response.text(), 'none')
    t.equal(states.at(-1), 'closed')
  }
  t.equal(requests.length, 1)
  t.equal(locks.queued(keyOf(url)), 0)
})

t.test('tabs also get a refusal without a body, with a cut one, or with one that does not end', async t => {
  const { url } = await serve(t, when(() => locks.queued(keyOf(url)) === 2, (_request, response, n) => {
    if (n === 0) response.writeHead(304).end()
    else {
      response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders()
      response.write('begun', () => { if (n === 1) setImmediate(() => response.destroy()) })
    }
  }))
  for (const expected of [304, 200, 200]) {
    tab(t, url)
    await until(() => locks.queued(keyOf(url)) === 1)
    const error = await tab(t, url).ended
    if (!(error instanceof ResponseError)) throw error
    t.equal(error.response.status, expected)
    t.equal(await error.response.text(), '')
    await until(() => locks.queued(keyOf(url)) === 0)
  }
})

t.test('so is one of which the browser tells nothing', async t => {
  const fetch = async (): Promise<Response> => {
    await until(() => locks.queued(keyOf('/opaque')) === 2)
    return Response.error()
  }
  for (const { ended } of [tab(t, '/opaque', { fetch }), tab(t, '/opaque', { fetch })]) t.match(await ended, { name: 'ResponseError', response: { status: 0 } })
})

t.test('every tab fails when the leader gives up, with the cause', async t => {
  const url = 'http://127.0.0.1:1/'
  const asked = async (...[url, init]: [string, RequestInit]): Promise<Response> => {
    await until(() => locks.queued(keyOf(url)) === 2)
    return fetch(url, init)
  }
  const all = [1, 2].map(() => tab(t, url, { fetch: asked, backoff: { ...backoff, attempts: 1 } }))
  for (const { ended } of all) {
    const error = await ended
    if (!(error instanceof ConnectionError)) throw error
    t.equal(error.message, 'The connection failed')
    t.match(String(error.cause), /fetch failed/)
  }
})

t.test('a failure that the server reports is the end for all, however far they are behind', async t => {
  const server = await site(t)
  const slow = connect(server.url, { share: shareTabs(), backoff })
  t.teardown(slow.close)
  const first = slow.next()
  const fast = [tab(t, server.url), tab(t, server.url)]
  await until(() => slow.state === 'open' && fast.every(({ messages }) => messages.state === 'open'))
  server.connections[0]!.write('id: 1\ndata: 1\n\nevent: error\ndata: "statusCode"\n\nevent: error\ndata: {"statusCode"\n\n')
  server.connections[0]!.end('event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"no"}\n\n')
  t.match(await first, { value: { data: 1 } })
  await until(() => server.connections.length === 0)
  for (const { ended } of fast) t.match(await ended, { name: 'MessageError' })
  t.match(await slow.next(), { value: { data: 'statusCode' } })
  t.match(await failure(slow), { name: 'MessageError' })
  t.equal(server.requests.length, 1)
})

t.test('a StreamError is thrown in every tab', async t => {
  const server = await site(t)
  const all = await tabs(t, locks, server, 3)
  server.connections[0]!.write('event: error\ndata: {"statusCode":503,"code":"E","error":"Service Unavailable","message":"no"}\n\n')
  for (const { ended } of all) {
    const error = await ended
    if (!(error instanceof StreamError)) throw error
    t.match({ ...error }, { statusCode: 503, code: 'E' })
  }
  t.equal(server.requests.length, 1)
  t.equal(locks.queued(keyOf(server.url)), 0)
})

t.test('what the headers of one tab throw is its own: the next one leads', async t => {
  const server = await site(t)
  const mine = new Error('logged out')
  const headers = async (): Promise<never> => {
    await until(() => locks.queued(keyOf(server.url)) === 2)
    throw mine
  }
  const leader = tab(t, server.url, { headers })
  await until(() => locks.queued(keyOf(server.url)) === 1)
  const next = tab(t, server.url)
  t.equal(await leader.ended, mine)
  await until(() => next.messages.state === 'open')
  t.equal(server.requests.length, 1)
})

t.test('a POST is not sent again because its tab was closed, unless it may be', async t => {
  const server = await site(t)
  for (const [greeting, options, count] of [
    ['data: 1\n\n', {}, 1],
    ['id: 1\ndata: 1\n\n', {}, 2],
    ['data: 1\n\n', { reconnect: true }, 2]
  ] as const) {
    server.requests.length = 0
    const name = `${greeting}${JSON.stringify(options)}`
    const all: Tab[] = []
    for (const n of [1, 2]) {
      all.push(tab(t, server.url, { method: 'POST', share: shareTabs(name), ...options }))
      await until(() => locks.queued(`fastify-typed-sse:${name}`) === n)
    }
    const [leader, next] = all as [Tab, Tab]
    await until(() => all.every(({ messages }) => messages.state === 'open'))
    server.connections[0]!.write(greeting)
    await until(() => all.every(({ data }) => data.length === 1))
    leader.messages.close()
    if (count === 1) t.match(await next.ended, { name: 'ConnectionError', message: /^The tab that had the connection was closed/ })
    else {
      await until(() => server.requests.length === 2)
      next.messages.close()
    }
    await until(() => server.connections.length === 0)
    t.equal(server.requests.length, count)
  }
})

t.test('in a page an address is what it is there', async t => {
  const server = await serve(t, open(''))
  Object.assign(globalThis, { location: { href: `${server.url}a/` } })
  t.teardown(() => Reflect.deleteProperty(globalThis, 'location'))
  const fetchIn = (base: string) => async (url: string, init: RequestInit): Promise<Response> => fetch(new URL(url, base), init)
  const here = tab(t, 'events', { fetch: fetchIn(`${server.url}a/`) })
  await until(() => here.messages.state === 'open')
  Object.assign(globalThis, { location: { href: `${server.url}b/` } })
  const there = tab(t, 'events', { fetch: fetchIn(`${server.url}b/`) })
  const same = tab(t, '/a/events', { fetch: fetchIn(server.url) })
  await until(() => there.messages.state === 'open' && same.messages.state === 'open')
  t.same(server.requests.map(({ url }) => url).sort(), ['/a/events', '/b/events'])
})
