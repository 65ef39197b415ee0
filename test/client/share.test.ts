import { once } from 'node:events'
import t, { type Test } from 'tap'
import { connect, type ConnectOptions } from '../../lib/client/index.ts'
import { shareTabs } from '../../lib/client/share/index.ts'
import { install } from './fixtures/locks.ts'
import { collect, cut, failure, serve, status, stream } from './fixtures/server.ts'
import { backoff, keyOf, site, type Tab, tab, tabs, until, when } from './fixtures/tabs.ts'

const locks = install(t)

/** Tabs of the same request with an option each, the first of which has the connection. */
async function eachTab (t: Test, url: string, options: ConnectOptions[]): Promise<[Tab, Tab]> {
  const all: Tab[] = []
  for (const one of options) {
    all.push(tab(t, url, one))
    await until(() => locks.queued(keyOf(url)) === all.length)
  }
  await until(() => all.every(({ messages }) => messages.state === 'open'))
  return all as [Tab, Tab]
}

t.test('one connection for several tabs, which all get all of it', async t => {
  const server = await site(t)
  const all = await tabs(t, locks, server, 3)
  server.connections[0]!.write('id: 1\ndata: 1\n\nevent: b\ndata: {"a":2}\n\n')
  await until(() => all.every(({ data }) => data.length === 2))
  for (const { data, ids, states, messages } of all) {
    t.same(data, [1, { a: 2 }])
    t.same(ids, ['1', '1'])
    t.same(states, ['open'])
    t.equal(messages.lastEventId, '1')
  }
  server.connections[0]!.end('data: [DONE]\n\n')
  for (const { ended, states } of all) {
    t.equal(await ended, undefined)
    t.equal(states.at(-1), 'closed')
  }
  t.equal(server.requests.length, 1)
  t.equal(locks.queued(keyOf(server.url)), 0, 'no lock is left')
})

t.test('a tab that comes later hears of the state and the id before there is a message, and goes on from there', async t => {
  const server = await site(t)
  const [leader] = await tabs(t, locks, server, 1) as [Tab]
  server.connections[0]!.write('id: 5\ndata: 1\n\n')
  await until(() => leader.data.length === 1)
  const later = tab(t, server.url)
  await until(() => later.states.length > 0)
  t.same(later.states, ['open'])
  t.same(later.data, [], 'what was before is not told again')
  t.equal(later.messages.lastEventId, '5')
  leader.messages.close()
  await until(() => server.requests.length === 2)
  t.equal(server.requests[1]!.headers['last-event-id'], '5')
})

t.test('closing while the lock is just given leaves it to the next', async t => {
  const server = await site(t)
  const messages = connect(server.url, { share: shareTabs() })
  const first = messages.next()
  await until(() => locks.queued(keyOf(server.url)) === 1)
  messages.close()
  t.match(await first, { done: true })
  const next = tab(t, server.url)
  await until(() => next.messages.state === 'open')
  t.equal(server.connections.length, 1)
})

t.test('the end of the stream is the end for all', async t => {
  const server = await site(t)
  const all = await tabs(t, locks, server, 2, { reconnect: false })
  server.connections[0]!.end('data: 1\n\n')
  for (const { ended, data } of all) {
    t.equal(await ended, undefined)
    t.same(data, [1])
  }
  t.equal(server.requests.length, 1)
})

t.test('a tab that has messages to take when the stream ends makes no connection of its own', async t => {
  const server = await site(t)
  const slow = connect(server.url, { share: shareTabs(), reconnect: false })
  const fast = tab(t, server.url, { reconnect: false })
  const first = slow.next()
  await server.connected(1)
  await until(() => fast.messages.state === 'open' && slow.state === 'open')
  server.connections[0]!.end('data: 1\n\ndata: 2\n\ndata: 3\n\n')
  t.match(await first, { value: { data: 1 } })
  await fast.ended
  await until(() => locks.queued(keyOf(server.url)) === 0)
  t.equal(slow.state, 'open')
  t.same((await collect(slow)).map(({ data }) => data), [2, 3])
  t.equal(server.requests.length, 1)
})

t.test('requests that differ do not share', async t => {
  const server = await site(t)
  const form = (): ConnectOptions => ({ body: new FormData() })
  const options: ConnectOptions[] = [{}, { method: 'post' }, { body: { a: 1 } }, { body: { a: 2 } }, { share: shareTabs('mine') }, { share: shareTabs('yours') }, form(), form()]
  for (const one of options) tab(t, server.url, one)
  await server.connected(options.length)
  const before = server.requests.length
  const other = tab(t, `${server.url}?other`, { share: shareTabs('mine') })
  await until(() => other.messages.state === 'open')
  t.equal(server.requests.length, before, 'a name is enough to share')
})

t.test('when the leader leaves, the next goes on from the last id', async t => {
  const server = await site(t)
  const [leader, next, last] = await tabs(t, locks, server, 3) as [Tab, Tab, Tab]
  server.connections[0]!.write('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n')
  await until(() => [leader, next, last].every(({ data }) => data.length === 2))
  const closed = once(server.connections[0]!, 'close')
  leader.messages.close()
  t.equal(await leader.ended, undefined)
  await closed
  await server.connected(1)
  t.equal(server.requests[1]!.headers['last-event-id'], '2')
  server.connections[0]!.write('id: 3\ndata: 3\n\n')
  await until(() => [next, last].every(({ data }) => data.length === 3))
  t.same(leader.data, [1, 2])
  for (const { data, messages } of [next, last]) {
    t.same(data, [1, 2, 3])
    t.equal(messages.state, 'open')
  }
  t.equal(server.requests.length, 2)
})

t.test('a tab that waits for the lock leaves without a trace', async t => {
  const server = await site(t)
  const [leader, waiting, last] = await tabs(t, locks, server, 3) as [Tab, Tab, Tab]
  waiting.messages.close()
  t.equal(await waiting.ended, undefined)
  await until(() => locks.queued(keyOf(server.url)) === 2)
  leader.messages.close()
  await until(() => server.requests.length === 2)
  await server.connected(1)
  server.connections[0]!.write('data: 1\n\n')
  await until(() => last.data.length === 1)
  t.same(waiting.data, [])
})

for (const who of ['leader', 'follower']) {
  t.test(`aborting the ${who} throws the reason there, and the other goes on`, async t => {
    const server = await site(t)
    const controller = new AbortController()
    const reason = new Error('enough')
    const options = [{ signal: controller.signal }, {}]
    const [leader, follower] = (who === 'leader' ? options : options.reverse()).map(one => tab(t, server.url, one)) as [Tab, Tab]
    const [aborted, other] = who === 'leader' ? [leader, follower] : [follower, leader]
    await until(() => leader.messages.state === 'open' && follower.messages.state === 'open')
    controller.abort(reason)
    t.equal(await aborted.ended, reason)
    t.equal(aborted.messages.state, 'closed')
    const requests = who === 'leader' ? 2 : 1
    await until(() => server.requests.length === requests && server.connections.length === 1)
    server.connections[0]!.write('data: 1\n\n')
    await until(() => other.data.length === 1)
    t.same(aborted.data, [])
    t.equal(server.requests.length, requests)
  })
}

t.test('the states of a reconnection are those of all', async t => {
  const { url } = await serve(t, when(() => locks.queued(keyOf(url)) === 2, cut('id: 1\ndata: 1\n\n')), status(500), stream('data: 2\n\ndata: [DONE]\n\n'))
  const leader = tab(t, url)
  const follower = tab(t, url)
  await Promise.all([leader.ended, follower.ended])
  t.same(leader.states, ['open', 'waiting', 'connecting', 'waiting', 'connecting', 'open', 'closed'])
  t.same(follower.states, leader.states)
  t.same(follower.data, [1, 2])
})

t.test('a tab too far behind fails, and the one that keeps up does not', async t => {
  const server = await site(t)
  const slow = connect(server.url, { share: shareTabs(), backoff })
  t.teardown(slow.close)
  const first = slow.next()
  const fast = tab(t, server.url)
  await until(() => slow.state === 'open' && fast.messages.state === 'open')
  let sent = 0
  const total = 10_050
  while (sent < total) {
    let text = ''
    for (const end = Math.min(sent + 500, total); sent < end; sent++) text += `id: ${sent}\ndata: ${sent}\n\n`
    server.connections[0]!.write(text)
    await until(() => fast.data.length === sent)
  }
  t.match(await first, { value: { data: 0 } })
  const taken: unknown[] = []
  const error = await failure({
    async * [Symbol.asyncIterator] () { for await (const { data } of slow) yield taken.push(data) }
  })
  t.match(error, { name: 'RangeError', message: 'This tab is 10000 messages behind the shared connection: take them faster, or do not share' })
  t.same(taken, Array.from({ length: 10_000 }, (_, n) => n + 1), 'what it has is given first')
  await until(() => server.requests.length === 2)
  t.equal(server.requests[1]!.headers['last-event-id'], String(total - 1), 'the other goes on')
  await server.connected(1)
  server.connections[0]!.write('data: "on"\n\n')
  await until(() => fast.data.at(-1) === 'on')
  t.equal(fast.data.length, total + 1)
})

t.test('a tab that is behind by too many characters fails, however few its messages', async t => {
  const server = await site(t)
  const slow = connect(server.url, { share: shareTabs(), backoff })
  t.teardown(slow.close)
  const first = slow.next()
  const fast = tab(t, server.url)
  await until(() => slow.state === 'open' && fast.messages.state === 'open')
  const text = 'x'.repeat(4_000_000)
  for (let sent = 1; sent <= 20; sent++) {
    server.connections[0]!.write(`id: ${sent}\ndata: "${text}"\n\n`)
    await until(() => fast.data.length === sent)
    // What was compared is not needed twice.
    fast.data[sent - 1] = sent
  }
  t.match(await first, { value: { id: '1' } })
  const ids: string[] = []
  await t.rejects(async () => { for await (const { id } of slow) ids.push(id) }, { name: 'RangeError', message: /^This tab is 17 messages behind/ })
  t.equal(ids.length, 17, '64 MiB and the one more')
})

t.test('every tab gets a gap, which ends the loop of those without onGap', async t => {
  for (const who of ['leader', 'follower']) {
    const server = await site(t)
    const gaps: unknown[] = []
    const options: ConnectOptions[] = [{ onGap: gap => gaps.push(gap) }, {}]
    const [leader, follower] = await eachTab(t, server.url, who === 'leader' ? options.reverse() : options)
    const [without, other] = who === 'leader' ? [leader, follower] : [follower, leader]
    server.connections[0]!.write('event: $ready\ndata: {}\nid: t.1-3\n\nevent: $gap\ndata: {"after":"t.1-3","next":"t.1-8"}\nid: t.1-7\n\n')
    t.match(await without.ended, { name: 'GapError', after: 't.1-3', next: 't.1-8' })
    t.equal(without.messages.lastEventId, 't.1-7')
    const requests = who === 'leader' ? 2 : 1
    await until(() => server.requests.length === requests && server.connections.length === 1)
    t.equal(server.requests.at(-1)!.headers['last-event-id'], who === 'leader' ? 't.1-7' : undefined)
    server.connections[0]!.write('data: 1\nid: t.1-8\n\n')
    await until(() => other.data.length === 1)
    t.same(gaps, [{ after: 't.1-3', next: 't.1-8' }])
    other.messages.close()
  }
})

t.test('without locks each tab has a connection of its own', async t => {
  const whole = Object.getOwnPropertyDescriptor(globalThis, 'navigator')!
  t.teardown(() => Object.defineProperty(globalThis, 'navigator', whole))
  Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true })
  const { url, requests } = await serve(t, stream('data: 1\n\n'))
  for (const { ended, data } of [tab(t, url, { reconnect: false }), tab(t, url, { reconnect: false })]) {
    t.equal(await ended, undefined)
    t.same(data, [1])
  }
  t.equal(requests.length, 2)
})
