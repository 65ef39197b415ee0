import compress from '@fastify/compress'
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { z } from 'zod'
import typedSse, { event, EventStream, RawText } from '../../lib/index.ts'
import { MemoryStore } from '../../lib/store/memory.ts'
import { count, Count, counts, numbersOf, outlineOf, route, SharedStore } from '../helpers/logs.ts'
import { ask, eventually, serve, summaries } from '../helpers/serve.ts'

/** An app with a topic at `/topic/:key`. */
async function serveTopic (t: Tap.Test, options: object = {}, { read = {}, http2 = false, sse = {} }: { read?: object, http2?: boolean, sse?: object } = {}) {
  let topic: ReturnType<typeof declare>
  const declare = (app: FastifyInstance) => app.sse.topic('numbers', Count, options)
  const served = await serve(t, app => {
    topic = declare(app)
    route(app, '/topic/:key', ({ params: { key } }, reply) => reply.sse(topic.of(key), read))
  }, { http2, sse })
  return { ...served, topic: topic!.of('a'), all: topic! }
}

async function publish (topic: { publish (event: ReturnType<typeof count>): Promise<string> }, from: number, to: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = from; n <= to; n++) ids.push(await topic.publish(count(n)))
  return ids
}

for (const http2 of [false, true]) {
  t.test(`HTTP/${http2 ? 2 : '1.1'}: a reader gets $ready, then every event in order, and resumes after the last one`, async t => {
    const served = await serveTopic(t, {}, { http2 })
    const answer = await ask(served, '/topic/a')
    await answer.until('$ready')
    const ids = await publish(served.topic, 1, 5)
    await answer.until('"n":5')
    t.strictSame(outlineOf(answer), ['$ready', 'count 1', 'count 2', 'count 3', 'count 4', 'count 5'])
    t.strictSame(answer.events.slice(1).map(({ id }) => id), ids)
    answer.leave()
    await publish(served.topic, 6, 8)
    const { numbers } = await counts(served, '/topic/a', 4, { headers: { 'last-event-id': ids[3]! } })
    t.strictSame(numbers, [5, 6, 7, 8])
  })
}

t.test('a reader that leaves before the first event resumes from $ready', async t => {
  const served = await serveTopic(t)
  const answer = await ask(served, '/topic/a')
  await answer.until('\n\n')
  answer.leave()
  await publish(served.topic, 1, 3)
  const { numbers } = await counts(served, '/topic/a', 3, { headers: { 'last-event-id': answer.events[0]!.id! } })
  t.strictSame(numbers, [1, 2, 3])
})

t.test('where a reader without a cursor begins', async t => {
  const cases: Array<[unknown, string[]]> = [
    ['now', ['$ready', 'count 9']],
    ['start', ['$ready', 'count 1', 'count 2', 'count 3', 'count 9']],
    [{ last: 2 }, ['$ready', 'count 2', 'count 3', 'count 9']],
    [{ last: 0 }, ['$ready', 'count 9']],
    [{ last: 99 }, ['$ready', 'count 1', 'count 2', 'count 3', 'count 9']],
    [() => 'start', ['$ready', 'count 9']]
  ]
  for (const [from, outline] of cases) {
    const served = await serveTopic(t, {}, { read: { from } })
    await publish(served.topic, 1, 3)
    const answer = await ask(served, '/topic/a')
    await answer.until(outline.length === 2 ? '$ready' : '"n":3')
    await served.topic.publish(count(9))
    await answer.until('"n":9')
    t.strictSame(outlineOf(answer), outline, JSON.stringify(from))
    answer.leave()
  }
})

t.test('an id as the place to begin; an id of another system is translated', async t => {
  let place = ''
  const served = await serveTopic(t, {}, { read: { get from () { return place.includes('.') ? place : (id: string) => ({ last: Number(id) }) } } })
  const ids = await publish(served.topic, 1, 4)
  place = ids[1]!
  t.strictSame((await counts(served, '/topic/a', 2)).numbers, [3, 4])
  place = ''
  t.strictSame((await counts(served, '/topic/a', 3, { headers: { 'last-event-id': '3' } })).numbers, [2, 3, 4])
  t.strictSame((await counts(served, '/topic/a', 1, { headers: { 'last-event-id': ids[2]! } })).numbers, [4], 'a cursor of the log takes precedence')
})

t.test('bad options of reading are refused where they are given', async t => {
  for (const read of [{ from: '' }, { from: { last: -1 } }, { from: { last: 1.5 } }, { from: 3 }, { filter: 'x' }]) {
    const served = await serveTopic(t, {}, { read })
    const answer = await ask(served, '/topic/a')
    t.equal(answer.status, 500)
    await answer.until('SSE_ERR_OPTION')
  }
})

t.test('options that cannot be meant are refused: unknown ones, and those of reading for a source that is not read', async t => {
  const stream = Readable.from([count(1)])
  const cases: Array<[unknown, unknown, RegExp]> = [
    ['topic', { form: 'start' }, /`form` must be one of .*, from, filter, got an unknown name/],
    ['topic', null, /`sse` must be an object, got null/],
    ['topic', 5, /`sse` must be an object, got 5/],
    [[count(1)], { from: 'start' }, /`from` must be given with a topic or run/],
    [stream, { filter: () => true }, /`filter` must be given with a topic or run/],
    [async () => [count(1)], { filter: () => true }, /`filter` must be given with a topic or run/]
  ]
  const served = await serve(t, app => {
    const topic = app.sse.topic('t', Count)
    for (const [i, [source, options]] of cases.entries()) route(app, `/${i}`, (_request, reply) => reply.sse(source === 'topic' ? topic : source, options as object))
    route(app, '/none', (_request, reply) => reply.sse(() => null, { from: 'start' }))
  })
  for (const [i, [,, message]] of cases.entries()) {
    const answer = await ask(served, `/${i}`)
    t.equal(answer.status, 500)
    t.match(await answer.whole(), message)
  }
  t.ok(stream.destroyed)
  t.equal((await ask(served, '/none')).status, 204)
})

t.test('what a cursor has missed is a $gap, and the reader goes on with the oldest event kept', async t => {
  const served = await serveTopic(t, { maxEvents: 3 })
  const foreign = await served.all.of('b').publish(count(0))
  const [first] = await publish(served.topic, 1, 3000)
  for (const [cause, id] of Object.entries({ 'dropped by maxEvents': first!, 'of another key': foreign, malformed: 'no id', 'an earlier epoch': `${first!.slice(0, 9)}1-1` })) {
    const answer = await ask(served, '/topic/a', { headers: { 'last-event-id': id } })
    await answer.until('"n":3000')
    const [gap, next] = answer.events
    t.equal(gap!.event, '$gap', cause)
    t.strictSame(JSON.parse(gap!.data), { after: id, next: next!.id }, cause)
    t.ok(numbersOf(answer).length >= 3, 'a store keeps maxEvents at least')
    answer.leave()
    const again = await counts(served, '/topic/a', 1, { headers: { 'last-event-id': gap!.id! } })
    t.equal(`count ${again.numbers[0]}`, outlineOf(answer)[1], 'the id of the gap is the place just before')
  }
})

t.test('readers of a topic that is deleted get a gap, and go on', async t => {
  const served = await serveTopic(t)
  const answer = await ask(served, '/topic/a')
  await answer.until('$ready')
  await publish(served.topic, 1, 2)
  await answer.until('"n":2')
  await served.topic.delete()
  await served.topic.publish(count(3))
  await answer.until('"n":3')
  t.strictSame(outlineOf(answer), ['$ready', 'count 1', 'count 2', '$gap', 'count 3'])
  answer.leave()
})

t.test('a filter keeps events from a reader; its cursor moves on, and is sent at the next heartbeat', async t => {
  const served = await serveTopic(t, {}, { read: { filter: ({ data }: { data: { n: number } }) => data.n % 2 === 0 }, sse: { heartbeat: 20 } })
  const answer = await ask(served, '/topic/a')
  await answer.until('$ready')
  const ids = await publish(served.topic, 1, 5)
  await answer.until(ids[4]!)
  t.strictSame(outlineOf(answer), ['$ready', 'count 2', 'count 4', '$ready'])
  answer.leave()
})

t.test('a filter that throws fails its reader, and no other', async t => {
  let isBad = true
  const served = await serveTopic(t, {}, { read: { filter: () => { if (isBad) throw new Error('bad filter'); return true } } })
  const bad = await ask(served, '/topic/a')
  await bad.until('$ready')
  await served.topic.publish(count(1))
  t.equal(await bad.ended, 'broken')
  t.match(bad.text, 'event: error')
  isBad = false
  t.strictSame((await counts(served, '/topic/a', 1, { headers: { 'last-event-id': bad.events[0]!.id! } })).numbers, [1])
})

t.test('a snapshot comes before $ready, without ids; what is published while it is made follows', async t => {
  const calls: object[] = []
  const snapshot = async (context: object): Promise<object[]> => {
    calls.push(context)
    await served.topic.publish(count(2))
    return [count(1), count(2)]
  }
  const served = await serveTopic(t, { snapshot })
  const answer = await ask(served, '/topic/a')
  await answer.until('$ready')
  await answer.until('id: ')
  t.strictSame(outlineOf(answer).slice(0, 3), ['count 1', 'count 2', '$ready'])
  t.strictSame(answer.events.slice(0, 2).map(({ id }) => id), [undefined, undefined])
  while (numbersOf(answer).length < 3) await answer.more()
  t.strictSame(outlineOf(answer), ['count 1', 'count 2', '$ready', 'count 2'], 'in the snapshot and after it, not lost')
  answer.leave()

  const after = await ask(served, '/topic/a', { headers: { 'last-event-id': 'lost' } })
  await after.until('$ready')
  t.strictSame(outlineOf(after).slice(0, 4), ['$gap', 'count 1', 'count 2', '$ready'])
  t.equal(after.events[0]!.id, undefined, 'a reader cut within the snapshot starts over')
  t.strictSame(calls, [{ key: 'a', reason: 'now' }, { key: 'a', reason: 'gap' }])
  after.leave()
})

t.test('readers that come at once share a snapshot, made after they came', async t => {
  let calls = 0
  let release = () => {}
  const released = new Promise<void>(resolve => { release = resolve })
  const snapshot = async () => {
    calls++
    await released
    return [count(calls)]
  }
  const served = await serveTopic(t, { snapshot })
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(served, '/topic/a')))
  await eventually(() => served.topic.subscribers === 50)
  release()
  await Promise.all(answers.map(answer => answer.until('$ready')))
  t.equal(calls, 2, 'one for the first, one for those who came while it was made')
  for (const answer of answers) answer.leave()
})

t.test('a snapshot that fails, or is invalid, fails its readers', async t => {
  for (const snapshot of [async () => { throw new Error('no database') }, async () => [{ event: 'count', data: { n: 'x' } }]]) {
    const served = await serveTopic(t, { snapshot })
    const answer = await ask(served, '/topic/a')
    t.equal(await answer.ended, 'broken')
    t.match(answer.text, 'event: error')
  }
})

t.test('conflation: a reader that is behind gets the newest event of each key, in order; events without a key all come', async t => {
  const served = await serveTopic(t, { conflate: ({ data }: { data: { n: number } }) => data.n % 3 === 0 ? undefined : String(data.n % 3) }, { read: { from: 'start' } })
  await publish(served.topic, 1, 8)
  const answer = await ask(served, '/topic/a')
  await answer.until('"n":8')
  t.strictSame(numbersOf(answer), [3, 6, 7, 8])
  await served.topic.publish(count(10))
  await answer.until('"n":10')
  t.strictSame(numbersOf(answer), [3, 6, 7, 8, 10])
  answer.leave()
})

t.test('what is published is checked once, and what is refused is stored nowhere', async t => {
  const served = await serveTopic(t)
  const bad: Array<[unknown, string]> = [
    [{ event: 'count', data: { n: 'x' } }, 'SSE_ERR_PAYLOAD'],
    [{ event: 'other', data: {} }, 'SSE_ERR_EVENT'],
    [{ event: 'count', data: { n: 1 }, id: 7 }, 'SSE_ERR_MESSAGE'],
    [{ event: 'count', data: { n: 1 }, retry: 7 }, 'SSE_ERR_MESSAGE'],
    [{ event: 'count', data: { n: 1 }, comment: 'x' }, 'SSE_ERR_MESSAGE'],
    [event({ n: 1 }, { event: 'count', id: 1 }), 'SSE_ERR_MESSAGE'],
    [null, 'SSE_ERR_MESSAGE'],
    [{ event: 'note', data: { text: 'é'.repeat(131_072) } }, 'SSE_ERR_EVENT_SIZE']
  ]
  for (const [item, code] of bad) await t.rejects(served.topic.publish(item as never), { code })
  for (const options of [{ idempotencyKey: '' }, { idempotencyKey: 5 }, { idempotencykey: 'k' }, 'k', null]) await t.rejects(served.topic.publish(count(1), options as never), { code: 'SSE_ERR_OPTION' }, JSON.stringify(options))
  await served.topic.publish(count(2))
  t.strictSame(await take(served.topic.messages({ from: 'start' }), 1), [2])
})

t.test('an idempotency key publishes once, and gives the first id again', async t => {
  const { topic } = await serveTopic(t)
  const first = await topic.publish(count(1), { idempotencyKey: 'k' })
  await topic.publish(count(2))
  t.equal(await topic.publish(count(3), { idempotencyKey: 'k' }), first)
  t.strictSame(await take(topic.messages({ from: 'start' }), 2), [1, 2])
})

t.test('events are stored in the order of the calls, also of those before the app is ready; an app that never listens publishes', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  const topic = app.sse.topic('early', Count)
  const ids = await Promise.all(Array.from({ length: 1200 }, (_, n) => topic.publish(count(n))))
  t.strictSame(await take(topic.messages({ from: 'start' }), 1000), Array.from({ length: 1000 }, (_, i) => i + 200))
  t.equal(new Set(ids).size, 1200)
})

t.test('keys: an integer is its text, keys keep their events apart, and what cannot be a key is refused', async t => {
  const { all } = await serveTopic(t)
  await all.of(7).publish(count(7))
  await all.publish(count(0))
  await all.of('').publish(count(1))
  t.strictSame(await take(all.of('7').messages({ from: 'start' }), 1), [7])
  t.strictSame(await take(all.messages({ from: 'start' }), 1), [0])
  t.strictSame(await take(all.of('').messages({ from: 'start' }), 1), [1])
  for (const key of ['\ud800', 1.5, NaN, null, undefined, {}]) t.throws(() => all.of(key as never), { code: 'SSE_ERR_KEY' }, String(key))
})

t.test('a name is one topic: with another contract, or other options, it is refused', async t => {
  const { app } = await serveTopic(t)
  app.sse.topic('same', Count, { maxEvents: 5 })
  t.doesNotThrow(() => app.sse.topic('same', EventStream({ note: Type.Object({ text: Type.String() }), count: Type.Object({ n: Type.Integer() }) }), { maxEvents: 5 }))
  t.throws(() => app.sse.topic('same', EventStream({ count: Type.Object({ n: Type.String() }) }), { maxEvents: 5 }), { code: 'SSE_ERR_TOPIC_EXISTS' })
  app.sse.topic('raw', EventStream(RawText()))
  t.throws(() => app.sse.topic('raw', EventStream(Type.String())), { code: 'SSE_ERR_TOPIC_EXISTS' }, 'raw text is not JSON, though the schema is the same')
  t.throws(() => app.sse.topic('same', Count, { maxEvents: 6 }), { code: 'SSE_ERR_TOPIC_EXISTS' })
  t.throws(() => app.sse.topic('same', Count, {}), { code: 'SSE_ERR_TOPIC_EXISTS' }, 'the defaults are options too')
  t.doesNotThrow(() => app.sse.topic('same', Count), 'without options, it is the one that was declared')
  t.doesNotThrow(() => app.sse.run('same', Count), 'runs have names of their own')
  t.throws(() => app.sse.run('same', Count, { lease: 1000 }), { code: 'SSE_ERR_TOPIC_EXISTS' })
  t.doesNotThrow(() => app.sse.run('same', Count), 'nor need their options be repeated')
  for (const name of ['', '\ud800']) t.throws(() => app.sse.topic(name, Count), { code: 'SSE_ERR_CONTRACT', message: /^The name of a topic must be/ })
  t.throws(() => app.sse.topic('x', {} as never), { code: 'SSE_ERR_CONTRACT' })
  for (const options of [{ maxEvents: 0 }, { ttl: '1h' }, { snapshot: [] }, { size: 1 }, 5, null]) t.throws(() => app.sse.topic('x', Count, options as never), { code: 'SSE_ERR_OPTION' }, JSON.stringify(options))
})

t.test('a route streams a topic whose events it declares, by the same object or the same words', async t => {
  const shared = { $id: 'https://example.com/n', type: 'integer' }
  const byReference = () => EventStream({ type: 'object', properties: { n: { $ref: shared.$id } } })
  const served = await serve(t, async app => {
    app.addSchema(shared)
    const topic = app.sse.topic('t', byReference())
    const get = (url: string, schema: object | undefined) => app.get(url, schema === undefined ? {} : { schema: { response: { 200: schema } } }, (_request, reply) => reply.sse(topic as never))
    get('/words', byReference())
    get('/other', EventStream({ type: 'object', properties: { n: { type: 'integer' } } }))
    get('/undeclared', undefined)
    const raw = app.sse.topic('raw', EventStream(RawText()))
    app.get('/json', { schema: { response: { 200: EventStream(Type.String()) } } }, (_request, reply) => reply.sse(raw))
  })
  const good = await ask(served, '/words')
  await good.until('$ready')
  good.leave()
  const refusals = [
    ['/other', "Route '/other' declares other events than the topic 't': write"],
    ['/undeclared', "Route '/undeclared' declares no events: write"],
    ['/json', "Route '/json' declares other events than the topic 'raw': write"]
  ] as const
  for (const [path, message] of refusals) {
    const answer = await ask(served, path)
    t.equal(answer.status, 500)
    await answer.until('SSE_ERR_CONTRACT_MISMATCH')
    t.match(answer.text, message)
  }
})

t.test('schemas that a contract refers to may be added after its topic was declared', async t => {
  const Shared = EventStream({ $ref: 'https://example.com/n' })
  const served = await serve(t, app => {
    const topic = app.sse.topic('t', Shared)
    app.addSchema({ $id: 'https://example.com/n', type: 'integer' })
    t.doesNotThrow(() => app.sse.topic('t', Shared))
    app.get('/', { schema: { response: { 200: Shared } } }, (_request, reply) => reply.sse(topic))
  })
  const answer = await ask(served, '/')
  await answer.until('$ready')
  answer.leave()
})

t.test('a Standard Schema is the same contract only as the same object: JSON does not say what it refines', async t => {
  const even = () => EventStream(z.object({ n: z.int() }).refine(({ n }) => n % 2 === 0))
  const Even = even()
  const { app } = await serveTopic(t)
  const topic = app.sse.topic('even', Even)
  t.doesNotThrow(() => app.sse.topic('even', Even))
  t.throws(() => app.sse.topic('even', even()), { code: 'SSE_ERR_TOPIC_EXISTS' })
  await t.rejects(topic.publish({ n: 1 }), { code: 'SSE_ERR_PAYLOAD' })
  t.type(await topic.publish({ n: 2 }), 'string')
})

t.test('after a deploy, records of the contract before are checked: those that fit are delivered, the others are gaps', async t => {
  const store = new SharedStore(new MemoryStore())
  const declare = (data: Parameters<typeof Type.Object>[0]) => EventStream({ item: Type.Object(data) })
  const old = declare({ a: Type.Integer(), gone: Type.Optional(Type.String()) })
  const now = declare({ a: Type.Integer({ maximum: 5 }) })
  const before = Fastify()
  t.teardown(() => before.close())
  await before.register(typedSse, { store })
  const topic = before.sse.topic('t', old)
  for (const a of [1, 9, 2]) await topic.publish({ event: 'item', data: { a, gone: 'secret' } })
  const served = await serve(t, app => {
    const topic = app.sse.topic('t', now)
    app.get('/t', { schema: { response: { 200: now } } }, (_request, reply) => reply.sse(topic, { from: 'start' }))
    app.get('/filtered', { schema: { response: { 200: now } } }, (_request, reply) => reply.sse(topic, { from: 'start', filter: () => true }))
  }, { sse: { store } })
  for (const path of ['/t', '/filtered']) {
    const answer = await ask(served, path)
    await answer.until('{"a":2}')
    t.strictSame(answer.events.map(({ event, data }) => event === 'item' ? data : event), ['$ready', '{"a":1}', '$gap', '{"a":2}'])
    t.notMatch(answer.text, 'secret')
    answer.leave()
  }
  const gaps: unknown[] = []
  for await (const { data } of served.app.sse.topic('t', now).messages({ from: 'start', onGap: gap => gaps.push(gap) })) if (data.a === 2) break
  t.equal(gaps.length, 1)
})

t.test('readers of a topic that another app has fail when that app closes, and so do later ones', async t => {
  const owner = Fastify()
  await owner.register(typedSse)
  const topic = owner.sse.topic('t', Count)
  const served = await serve(t, app => {
    route(app, '/plain', (_request, reply) => reply.sse(topic))
    route(app, '/filtered', (_request, reply) => reply.sse(topic, { filter: () => true }))
  })
  const answers = await Promise.all(['/plain', '/filtered'].map(async path => ask(served, path)))
  for (const answer of answers) await answer.until('$ready')
  await owner.close()
  answers.push(await ask(served, '/plain'), await ask(served, '/filtered'))
  for (const answer of answers) {
    t.equal(await answer.ended, 'broken')
    t.match(answer.text, 'SSE_ERR_STORE')
  }
})

t.test('a scope with a store of its own has topics of its own', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  const outer = app.sse.topic('t', Count)
  await outer.publish(count(1))
  await app.register(async scope => {
    await scope.register(typedSse, { store: new MemoryStore() })
    const inner = scope.sse.topic('t', Count)
    await inner.publish(count(2))
    t.strictSame(await take(inner.messages({ from: 'start' }), 1), [2])
  })
  t.strictSame(await take(outer.messages({ from: 'start' }), 1), [1])
})

t.test('apps of one process may share a store: the last one closes it', async t => {
  const store = new MemoryStore()
  const [one, other] = [Fastify(), Fastify()]
  for (const app of [one, other]) await app.register(typedSse, { store })
  const [first, second] = [one.sse.topic('t', Count), other.sse.topic('t', Count)]
  await first.publish(count(1))
  await one.close()
  await second.publish(count(2))
  t.strictSame(await take(second.messages({ from: 'start' }), 2), [1, 2])
  await other.close()
  await t.rejects(store.read('t', null, { limit: 1 }), { code: 'UNAVAILABLE' })
})

t.test('messages: in code, from a place on, until the signal fires; they can be yielded again', async t => {
  const { topic, app } = await serveTopic(t)
  await publish(topic, 1, 3)
  const controller = new AbortController()
  const seen: number[] = []
  for await (const { data, event: name, id } of topic.messages({ from: { last: 2 }, signal: controller.signal })) {
    t.equal(name, 'count')
    t.match(id, /^[\w-]{8}\.\d+-\d+$/)
    seen.push((data as { n: number }).n)
    if (seen.length === 2) controller.abort()
  }
  t.strictSame(seen, [2, 3])
  t.strictSame(await take(topic.messages({ signal: AbortSignal.abort() }), 1), [])
  t.equal(topic.subscribers, 0)
  t.ok(app)
})

t.test('messages have the fields that were published, and an id', async t => {
  const { app } = await serveTopic(t)
  for (const [contract, item, fields] of [
    [Count, count(1), ['event', 'data', 'id']],
    [EventStream(Type.Integer()), 1, ['data', 'id']]
  ] as const) {
    const topic = app.sse.topic(`fields ${fields}`, contract as typeof Count)
    await topic.publish(item as ReturnType<typeof count>)
    const messages = topic.messages({ from: 'start' })
    const { value: message } = await messages.next()
    t.strictSame(Object.keys(message as object), fields)
    t.ok(message instanceof event({}).constructor)
    await messages.return()
  }
})

t.test('messages: options that it does not have, or that are wrong, are refused', async t => {
  const { topic } = await serveTopic(t)
  for (const options of [null, 5, { form: 'start' }, { filter: () => false }, { from: 5 }, { signal: 5 }, { onGap: 5 }]) {
    t.throws(() => topic.messages(options as never), { code: 'SSE_ERR_OPTION' }, JSON.stringify(options))
  }
})

t.test('messages: return() ends a loop that waits, so a stream whose client left is no reader any more', async t => {
  const { topic } = await serveTopic(t)
  const messages = topic.messages()
  const waiting = messages.next()
  await eventually(() => topic.subscribers === 1)
  t.strictSame(await messages.return(), { done: true, value: undefined })
  t.strictSame(await waiting, { done: true, value: undefined })
  t.equal(topic.subscribers, 0)
  const early = topic.messages()
  await early.return()
  t.strictSame(await early.next(), { done: true, value: undefined })

  const served = await serve(t, app => {
    const topic = app.sse.topic('t', Count)
    route(app, '/', (_request, reply) => reply.sse(topic.messages(), { commitAfter: 0 }))
  })
  const streamed = served.app.sse.topic('t', Count)
  const answer = await ask(served, '/')
  await eventually(() => streamed.subscribers === 1)
  answer.leave()
  await eventually(() => streamed.subscribers === 0)
})

t.test('messages: a signal that fires while the contract is compiled ends the loop', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  const controller = new AbortController()
  const messages = take(app.sse.topic('t', Count).messages({ signal: controller.signal }), 1)
  controller.abort()
  t.strictSame(await messages, [])
})

t.test('messages: a gap throws, unless it is listened to', async t => {
  const { topic } = await serveTopic(t)
  await publish(topic, 1, 2)
  await t.rejects(take(topic.messages({ from: 'nowhere' }), 1), { code: 'SSE_ERR_GAP' })
  const gaps: object[] = []
  t.strictSame(await take(topic.messages({ from: 'nowhere', onGap: gap => gaps.push(gap) }), 2), [1, 2])
  t.match(gaps, [{ after: 'nowhere', next: /-1$/ }])
})

t.test('a topic and a source of the route meet in one stream', async t => {
  const served = await serve(t, app => {
    const topic = app.sse.topic('t', Count)
    app.get('/merged', { schema: { response: { 200: Count } } }, async function * (request: { signal: AbortSignal }) {
      yield count(0)
      for await (const message of topic.messages({ from: 'start', signal: request.signal })) {
        yield message
        yield { event: 'note' as const, data: { text: 'mine' } }
      }
    })
    app.addHook('onReady', () => publish(topic, 1, 2).then(() => {}))
  })
  const answer = await ask(served, '/merged')
  await answer.until('"n":2')
  while (answer.events.length < 5) await answer.more()
  t.strictSame(outlineOf(answer), ['count 0', 'count 1', 'note', 'count 2', 'note'])
  answer.leave()
})

t.test('a handler may return a topic', async t => {
  const served = await serve(t, app => {
    const topic = app.sse.topic('t', Count)
    route(app, '/returned', () => topic)
    route(app, '/async', async () => topic)
    route(app, '/function', (_request, reply) => reply.sse(async () => topic))
  })
  for (const path of ['/returned', '/async', '/function']) {
    const answer = await ask(served, path)
    await answer.until('$ready')
    answer.leave()
  }
})

t.test('the number of readers; a summary of each; HEAD starts none', async t => {
  const served = await serveTopic(t)
  const answers = await Promise.all([1, 2, 3].map(() => ask(served, '/topic/a')))
  await Promise.all(answers.map(answer => answer.until('$ready')))
  t.equal(served.topic.subscribers, 3)
  t.equal(served.all.of('b').subscribers, 0)
  await served.topic.publish(count(1))
  await Promise.all(answers.map(answer => answer.until('"n":1')))
  for (const answer of answers) answer.leave()
  await eventually(() => served.topic.subscribers === 0)
  await eventually(() => summaries(served).length === 3)
  t.match(summaries(served), [1, 2, 3].map(() => ({ reason: 'client', events: 1 })))
  const head = await ask(served, '/topic/a', { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(served.topic.subscribers, 0)
})

t.test('a compressor gets the same bytes', async t => {
  const served = await serve(t, async app => {
    await app.register(compress, { threshold: 0, encodings: ['gzip'], customTypes: /event-stream/, zlibOptions: { flush: 2 } })
    const topic = app.sse.topic('t', Count)
    route(app, '/topic', (_request, reply) => reply.sse(topic, { from: 'start' }))
    app.addHook('onReady', () => publish(topic, 1, 3).then(() => {}))
  })
  const response = await fetch(`http://127.0.0.1:${served.port}/topic`, { headers: { 'accept-encoding': 'gzip' } })
  t.equal(response.headers.get('content-encoding'), 'gzip')
  let text = ''
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk as Uint8Array).toString()
    if (text.includes('"n":3')) break
  }
  t.match(text, /"n":1[^]*"n":2[^]*"n":3/)
})

t.test('close() ends 200 readers; they can tell, because they have an id', async t => {
  const served = await serveTopic(t)
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(served, '/topic/a')))
  await Promise.all(answers.map(answer => answer.until('$ready')))
  await served.app.close()
  for (const answer of answers) t.equal(await answer.ended, 'end')
  await t.rejects(served.topic.publish(count(1)), { code: 'SSE_ERR_STORE' })
})

t.test('a store that is down: publishers are told, readers wait and go on, the log has one line for each turn', async t => {
  const store = new SharedStore(new MemoryStore({ appendTimeout: 50 }))
  const served = await serveTopic(t, {}, { sse: { store } })
  const answer = await ask(served, '/topic/a')
  await answer.until('$ready')
  store.isDown = true
  await t.rejects(served.topic.publish(count(1)), { code: 'SSE_ERR_STORE', statusCode: 503 })
  await t.rejects(served.topic.publish(count(2)), { code: 'SSE_ERR_STORE' })
  const waiting = await ask(served, '/topic/b')
  t.equal(waiting.status, 200, 'the headers of a topic do not wait')
  store.isDown = false
  await served.topic.publish(count(3))
  await answer.until('"n":3')
  await waiting.until('$ready')
  t.strictSame(outlineOf(answer), ['$ready', 'count 3'])
  t.strictSame(served.lines.filter(({ msg }) => msg.startsWith('store of')).map(({ msg }) => msg), ['store of topics and runs is down', 'store of topics and runs is back'])
  answer.leave()
  waiting.leave()
})

async function take (messages: AsyncIterable<{ data: unknown }>, n: number): Promise<number[]> {
  const numbers: number[] = []
  for await (const { data } of messages) {
    numbers.push((data as { n: number }).n)
    if (numbers.length === n) break
  }
  return numbers
}

declare namespace Tap { type Test = Parameters<typeof serve>[0] }
