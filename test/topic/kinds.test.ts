// Topics and runs of unnamed events and of raw text, and what becomes of them after a deploy.
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import typedSse, { EventStream, RawText } from '../../lib/index.ts'
import { type Store } from '../../lib/log/store.ts'
import { MemoryStore } from '../../lib/store/memory.ts'
import { SharedStore } from '../helpers/logs.ts'
import { ask, serve } from '../helpers/serve.ts'

type Contract = ReturnType<typeof EventStream<ReturnType<typeof RawText>>>

interface Kind {
  contract: object
  /** Two events as they are published, and what a client reads of them. */
  events: [unknown, unknown]
  read: Array<{ event?: string, data: string }>
  /** The same in code. */
  messages: Array<{ event: string | undefined, data: unknown }>
}

const KINDS: Record<string, Kind> = {
  'unnamed events': { contract: EventStream(Type.Integer()), events: [1, 2], read: [{ data: '1' }, { data: '2' }], messages: [{ event: undefined, data: 1 }, { event: undefined, data: 2 }] },
  'raw text': { contract: EventStream(RawText()), events: ['a\nb', 'c'], read: [{ data: 'a\nb' }, { data: 'c' }], messages: [{ event: undefined, data: 'a\nb' }, { event: undefined, data: 'c' }] },
  'named raw text': {
    contract: EventStream({ line: RawText(), n: Type.Integer() }),
    events: [{ event: 'line', data: 'a\nb' }, { event: 'n', data: 1 }],
    read: [{ event: 'line', data: 'a\nb' }, { event: 'n', data: '1' }],
    messages: [{ event: 'line', data: 'a\nb' }, { event: 'n', data: 1 }]
  }
}

/** Logs of a contract, and routes that read them plainly (`/topic`, `/run`) and with a filter. */
async function serveLogs (t: Test, contract: object, { store = new MemoryStore() as Store, options = {} } = {}) {
  const served = await serve(t, app => {
    const topic = app.sse.topic('t', contract as Contract)
    const run = app.sse.run('r', contract as Contract)
    for (const [path, log] of [['/topic', topic], ['/run', run.of('a')]] as const) {
      app.get(path, { schema: { response: { 200: contract } } }, (_request, reply) => reply.sse(log as never, { from: 'start', ...options }) as never)
      app.get(`${path}/filtered`, { schema: { response: { 200: contract } } }, (_request, reply) => reply.sse(log as never, { from: 'start', filter: () => true, ...options }) as never)
    }
  }, { sse: { store } })
  return { served, topic: served.app.sse.topic('t', contract as Contract), run: served.app.sse.run('r', contract as Contract).of('a') }
}

for (const [what, { contract, events, read, messages }] of Object.entries(KINDS)) {
  t.test(`${what}: what is published and produced is what is read`, async t => {
    const { served, topic, run } = await serveLogs(t, contract)
    for (const event of events) await topic.publish(event as string)
    t.equal(await run.start(() => events as string[]), 'started')
    for (const path of ['/topic', '/topic/filtered', '/run', '/run/filtered']) {
      const answer = await ask(served, path)
      while (answer.events.filter(({ event }) => event?.startsWith('$') !== true).length < 2) await answer.more()
      answer.leave()
      t.match(answer.events.filter(({ event }) => event?.startsWith('$') !== true).map(({ event, data }) => ({ ...(event === undefined ? {} : { event }), data })), read, path)
    }
    for (const log of [topic, run]) {
      const seen: unknown[] = []
      for await (const { event, data } of log.messages({ from: 'start' })) if (seen.push({ event, data }) === 2) break
      t.strictSame(seen, messages)
    }
  })
}

const DEPLOYS: Record<string, { old: object, now: object, events: unknown[], read: string[] }> = {
  'unnamed events': { old: EventStream(Type.Integer()), now: EventStream(Type.Integer({ maximum: 5 })), events: [9, 1], read: ['$gap', '1'] },
  'raw text': { old: EventStream(RawText()), now: EventStream(RawText(Type.String({ maxLength: 2 }))), events: ['long', 'ab'], read: ['$gap', 'ab'] },
  'raw text that became JSON': { old: EventStream(RawText()), now: EventStream(Type.String()), events: ['a\nid: b', '"c"'], read: ['$gap', '"c"'] },
  'an event that is gone': { old: EventStream({ a: Type.Integer(), b: Type.Integer() }), now: EventStream({ a: Type.Integer() }), events: [{ event: 'b', data: 1 }, { event: 'a', data: 2 }], read: ['$gap', '2'] },
  'names that came': { old: EventStream(Type.Integer()), now: EventStream({ a: Type.Integer() }), events: [1], read: ['$gap'] }
}

for (const [what, { old, now, events, read }] of Object.entries(DEPLOYS)) {
  t.test(`after a deploy, ${what}: what the contract does not have is a gap`, async t => {
    const store = new SharedStore(new MemoryStore())
    const before = Fastify()
    t.teardown(() => before.close())
    await before.register(typedSse, { store })
    for (const event of events) await before.sse.topic('t', old as Contract).publish(event as string)
    const { served, topic } = await serveLogs(t, now, { store })
    for (const path of ['/topic', '/topic/filtered']) {
      const answer = await ask(served, path)
      const seen = () => answer.events.filter(({ event }) => event !== '$ready').map(({ event, data }) => event === '$gap' ? event : data)
      while (seen().length < read.length) await answer.more()
      answer.leave()
      t.strictSame(seen(), read, path)
    }
    await t.rejects(topic.messages({ from: 'start' }).next(), { code: 'SSE_ERR_GAP', message: /after 'the start' and before/ })
  })
}

t.test('a place of another log is a gap: of a topic without events there is no next one', async t => {
  const { topic, run, served } = await serveLogs(t, KINDS['raw text']!.contract, { options: { from: 'elsewhere' } })
  await t.rejects(topic.messages({ from: 'elsewhere' }).next(), { code: 'SSE_ERR_GAP', message: /after 'elsewhere' and before 'the next one'/ })
  await run.start(() => ['a'])
  for (const path of ['/run', '/run/filtered']) {
    const answer = await ask(served, path)
    await answer.whole()
    t.match(answer.events, [{ event: '$gap', data: /"after":"elsewhere"/ }, { data: 'a' }], path)
  }
})

t.test('after a deploy, conflation leaves out nothing of what the contract does not have', async t => {
  const store = new SharedStore(new MemoryStore())
  const before = Fastify()
  t.teardown(() => before.close())
  await before.register(typedSse, { store })
  for (const n of [9, 1, 2]) await before.sse.topic('t', EventStream(Type.Integer())).publish(n)
  const now = EventStream(Type.Integer({ maximum: 5 }))
  const served = await serve(t, app => {
    const topic = app.sse.topic('t', now, { conflate: () => 'all' })
    app.get('/', { schema: { response: { 200: now } } }, (_request, reply) => reply.sse(topic, { from: 'start' }))
  }, { sse: { store } })
  const answer = await ask(served, '/')
  await answer.until('data: 2\n')
  answer.leave()
  t.strictSame(answer.events.filter(({ event }) => event !== '$ready').map(({ event, data }) => event ?? data), ['$gap', '2'])
})

t.test('a topic that is made by a request, with a snapshot of nothing, begins with $ready', async t => {
  const contract = EventStream(Type.Integer())
  const served = await serve(t, app => {
    app.get('/', { schema: { response: { 200: contract } } }, (_request, reply) => reply.sse(app.sse.topic('t', contract, { snapshot: async () => [] })))
  })
  const answer = await ask(served, '/')
  await answer.until('\n\n')
  t.match(answer.events, [{ event: '$ready', data: '{}' }])
  answer.leave()
})
