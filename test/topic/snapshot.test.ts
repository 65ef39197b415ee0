import { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { errors, EventStream, RawText } from '../../lib/index.ts'
import { Snapshots } from '../../lib/topic/snapshots.ts'
import { count, Count, numbersOf, outlineOf, route } from '../helpers/logs.ts'
import { ask, errorLines, serve, unhandledErrors } from '../helpers/serve.ts'

// What `snapshot`, `filter` and `conflate` may give, and what happens where they give something else.

/** An app with a topic at `/topic`, read with these options. */
async function serveTopic (t: Test, options: object, read: object = {}) {
  const declare = (app: FastifyInstance) => app.sse.topic('numbers', Count, options)
  let topic: ReturnType<typeof declare>
  const served = await serve(t, app => {
    topic = declare(app)
    route(app, '/topic', (_request, reply) => reply.sse(topic, read))
  })
  return { ...served, topic: topic! }
}

t.test('a snapshot may be any iterable, async ones as well', async t => {
  for (const snapshot of [
    () => new Set([count(1), count(2)]),
    function * () { yield count(1); yield count(2) },
    async function * () { yield count(1); yield count(2) },
    async () => [count(1), count(2)]
  ]) {
    const served = await serveTopic(t, { snapshot })
    const answer = await ask(served, '/topic')
    await answer.until('$ready')
    t.strictSame(outlineOf(answer), ['count 1', 'count 2', '$ready'], String(snapshot))
    answer.leave()
  }
})

t.test('a snapshot that is not iterable fails its readers: it is not an empty one', async t => {
  for (const given of [5, undefined, null, 'text', { count: 1 }]) {
    const served = await serveTopic(t, { snapshot: () => given })
    const answer = await ask(served, '/topic')
    t.equal(await answer.ended, 'broken')
    t.match(answer.events, [{ event: 'error', data: /SSE_ERR_SNAPSHOT/ }], String(given))
    t.match(errorLines(served), [{ err: { message: /^The snapshot of the topic 'numbers' must be an \(async\) iterable of events/ } }])
  }
})

t.test('a filter decides what of a snapshot its reader gets, and readers beside it get all', async t => {
  const asked: unknown[] = []
  const filter = (message: { id: string, data: { n: number } }) => {
    asked.push([message.id === '', message.data.n])
    return message.data.n > 1
  }
  const served = await serveTopic(t, { snapshot: () => [count(1), count(2)] }, { get filter () { return isFiltered ? filter : undefined } })
  let isFiltered = true
  const filtered = await ask(served, '/topic')
  await filtered.until('$ready')
  await served.topic.publish(count(3))
  await filtered.until('"n":3')
  t.strictSame(outlineOf(filtered), ['count 2', '$ready', 'count 3'])
  t.strictSame(asked, [[true, 1], [true, 2], [false, 3]])
  isFiltered = false
  const plain = await ask(served, '/topic')
  await plain.until('$ready')
  t.strictSame(outlineOf(plain), ['count 1', 'count 2', '$ready'])
  filtered.leave()
  plain.leave()
})

t.test('a filter sees raw text of a snapshot as text', async t => {
  const served = await serve(t, app => {
    const contract = EventStream(RawText())
    const topic = app.sse.topic('lines', contract, { snapshot: () => ['1', 'two'] })
    app.get('/topic', { schema: { response: { 200: contract } } }, (_request, reply) => reply.sse(topic, { filter: ({ data }) => data === '1' }))
  })
  const answer = await ask(served, '/topic')
  await answer.until('$ready')
  t.match(answer.events, [{ data: '1' }, { event: '$ready' }])
  t.equal(answer.events.length, 2)
  answer.leave()
})

t.test('a snapshot that never comes is given up, so that the next readers are not held up by it', async t => {
  const snapshots = new Snapshots<string>(20)
  const late = (ms: number) => new errors.SSE_ERR_SNAPSHOT('topic', `gave nothing within ${ms} ms`)
  const never = snapshots.get('k', () => new Promise(() => {}), late)
  const behind = snapshots.get('k', async () => 'later', late)
  await t.rejects(never, { code: 'SSE_ERR_SNAPSHOT', message: 'The snapshot of the topic gave nothing within 20 ms' })
  t.equal(await behind, 'later')
  t.equal(await snapshots.get('k', async () => 'again', late), 'again')
})

t.test('an async filter is refused: its promise would let everything through', async t => {
  const seen = unhandledErrors(t)
  for (const filter of [async () => false, async () => { throw new Error('mine') }]) {
    const served = await serveTopic(t, {}, { filter, from: 'start' })
    await served.topic.publish(count(1))
    const answer = await ask(served, '/topic')
    t.equal(await answer.ended, 'broken')
    t.strictSame(numbersOf(answer), [])
    t.match(errorLines(served), [{ err: { code: 'SSE_ERR_OPTION', message: /`filter` must be a function that returns a boolean, got an async one/ } }])
  }
  t.strictSame(seen, [])
})

t.test('a key of conflate that is an object is refused: each would be another key', async t => {
  const served = await serveTopic(t, { conflate: async () => 'k' }, { from: 'start' })
  await served.topic.publish(count(1))
  const answer = await ask(served, '/topic')
  t.equal(await answer.ended, 'broken')
  t.match(errorLines(served), [{ err: { code: 'SSE_ERR_OPTION', message: /`conflate` must be a function that returns a string, a number or undefined, got one that returned Promise/ } }])
})

t.test('functions that must be synchronous: the rejection of one that is not does not end the process', async t => {
  const seen = unhandledErrors(t)
  const rejects = async () => { throw new Error('mine') }
  const served = await serve(t, app => {
    const run = app.sse.run('r', Count).of('a')
    const topic = app.sse.topic('t', Count, { conflate: rejects as never })
    app.get('/run', { schema: { response: { 200: Count } }, config: { sse: { errorEvent: rejects } } }, async (_request, reply) => {
      await run.start(rejects)
      return reply.sse(run)
    })
    route(app, '/conflate', async (_request, reply) => {
      await topic.publish(count(1))
      return reply.sse(topic, { from: 'start' })
    })
    route(app, '/from', (_request, reply) => reply.sse(topic, { from: rejects }))
    route(app, '/payload', (_request, reply) => reply.sse([{ event: 'count', data: { n: rejects() } }]))
    app.get('/gap', async () => topic.messages({ from: 'nowhere', onGap: rejects }).next())
  })
  for (const path of ['/run', '/conflate', '/from', '/payload', '/gap']) {
    const answer = await ask(served, path, { headers: { 'last-event-id': 'foreign' } })
    t.match([answer.status, await answer.ended], path === '/run' || path === '/conflate' ? [200, 'broken'] : [500, 'end'], path)
  }
  t.strictSame(seen, [])
})

for (const key of [NaN, true, 1n, Symbol('k'), () => 'k']) {
  t.test(`${String(key)} as a key of conflate is refused`, async t => {
    const served = await serveTopic(t, { conflate: () => key }, { from: 'start' })
    await served.topic.publish(count(1))
    const answer = await ask(served, '/topic')
    t.equal(await answer.ended, 'broken')
    t.match(errorLines(served), [{ err: { code: 'SSE_ERR_OPTION', message: /`conflate` must be a function that returns a string, a number or undefined, got one that returned/ } }])
  })
}

t.test('null as a key of conflate is none', async t => {
  const served = await serveTopic(t, { conflate: () => null }, { from: 'start' })
  for (const n of [1, 2]) await served.topic.publish(count(n))
  const answer = await ask(served, '/topic')
  await answer.until('"n":2')
  t.strictSame(numbersOf(answer), [1, 2])
  answer.leave()
})
