import t from 'tap'
import { bed, event, settle, TextPresentation, TextSink, TTL } from './helpers.ts'

const MANY = { ttl: TTL, maxEvents: 1_000 }

t.test('a reader of a topic that does not exist opens it, and gets its place first', async t => {
  const { logs, topic, store } = bed()
  t.teardown(() => logs.close())
  const sink = new TextSink()
  logs.follow(topic(), sink, 'now')
  await settle()
  t.equal(sink.text, '[now 1000000-0] ')
  t.equal((await store.read('topic:t', null, { limit: 1 })).tail?.kind, 'open')
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  t.equal(sink.text, '[now 1000000-0] a@1 ')
})

t.test('events that come in one turn leave in one write, framed once for all readers', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const presentation = new TextPresentation()
  const sinks = Array.from({ length: 1_000 }, () => new TextSink())
  for (const sink of sinks) logs.follow(topic(presentation), sink, 'now')
  await settle()
  await Promise.all(Array.from('abcde', data => logs.publish('topic:t', event(data), MANY)))
  await settle()
  t.ok(sinks.every(({ text }) => text === '[now 1000000-0] a@1 b@2 c@3 d@4 e@5 '))
  t.ok(sinks.every(({ writes }) => writes <= 3), 'a, then b to e')
  t.equal(presentation.framed, 5)
  t.equal(logs.readersOf('topic:t'), 1_000)
})
