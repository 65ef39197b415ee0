import t, { type Test } from 'tap'
import { install } from './fixtures/locks.ts'
import { keyOf, site, tab, until } from './fixtures/tabs.ts'

const locks = install(t)

/** A tab of the test's own, that leads and says what it likes. */
function puppet (t: Test, url: string): { say: (...news: object[]) => void, release: () => void } {
  const key = keyOf(url)
  const channel = new BroadcastChannel(key)
  t.teardown(() => channel.close())
  let release!: () => void
  const released = new Promise<void>(resolve => { release = resolve })
  locks.request(key, new AbortController(), () => released).catch(t.fail)
  return { release, say: (...news) => { for (const one of news) channel.postMessage(one) } }
}

const frame = (term: number, id: number | undefined, data: unknown): object =>
  ({ type: 'frame', term, frame: { event: 'message', data: JSON.stringify(data), id: id === undefined ? undefined : String(id) }, retry: undefined })

t.test('a tab ahead of a new leader drops what it has seen', async t => {
  const server = await site(t)
  const leader = puppet(t, server.url)
  const ahead = tab(t, server.url)
  await until(() => locks.queued(keyOf(server.url)) === 2)
  leader.say(frame(1, 1, 'a'), frame(1, 2, 'b'), frame(1, 3, 'c'))
  await until(() => ahead.data.length === 3)
  // The next leader saw the first only; what is new to this tab, it takes, the same id or not.
  leader.say({ type: 'state', term: 2, state: 'connecting' }, frame(2, 2, 'b'), frame(2, 3, 'c'), frame(2, 4, 'd'), frame(2, 2, 'again'), frame(2, undefined, 'e'))
  await until(() => ahead.data.at(-1) === 'e')
  t.same(ahead.data, ['a', 'b', 'c', 'd', 'again', 'e'])
  t.same(ahead.states, ['open', 'connecting', 'open'])
  // What the first one says too late is no news.
  leader.say(frame(1, 9, 'late'), { type: 'end', term: 1 }, frame(2, 5, 'f'))
  await until(() => ahead.data.at(-1) === 'f')
  t.same(ahead.data, ['a', 'b', 'c', 'd', 'again', 'e', 'f'])
})

t.test('a tab that leads does not listen to the leader before', async t => {
  const server = await site(t)
  const before = puppet(t, server.url)
  const leader = tab(t, server.url)
  await until(() => locks.queued(keyOf(server.url)) === 2)
  before.say(frame(1, 1, 'a'))
  await until(() => leader.data.length === 1)
  before.release()
  await server.connected(1)
  t.equal(server.requests[0]!.headers['last-event-id'], '1')
  const answered = new BroadcastChannel(keyOf(server.url))
  t.teardown(() => answered.close())
  const heard = new Promise(resolve => { answered.onmessage = event => { if ((event as { data: { type: string } }).data.type === 'state') resolve(undefined) } })
  // The answer to the greeting tells that what was said ahead of it was heard.
  before.say(frame(Number.MAX_SAFE_INTEGER, 2, 'late'), { type: 'end', term: 1 }, { type: 'hello' })
  await heard
  server.connections[0]!.write('data: "own"\n\n')
  await until(() => leader.data.length > 1)
  t.same(leader.data, ['a', 'own'])
})

t.test('an end that is heard after the lock came is the end still', async t => {
  const server = await site(t)
  const leader = puppet(t, server.url)
  const next = tab(t, server.url)
  await until(() => locks.queued(keyOf(server.url)) === 2)
  leader.say(frame(1, 1, 'a'), { type: 'end', term: 1 })
  leader.release()
  t.equal(await next.ended, undefined)
  t.same(next.data, ['a'])
  t.equal(server.requests.length, 0)
})
