import t from 'tap'
import { LogIds } from '../../lib/log/ids.ts'
import { type StartAt } from '../../lib/log/reading.ts'
import { type Cursor, type LogRecord, type Notify } from '../../lib/log/store.ts'
import { Frames } from '../../lib/wire/frames.ts'
import { ModelStore } from '../store/model.ts'
import { bed, event, ManualClock, processOf, settle, TextPresentation, TextSink, TTL } from './helpers.ts'

// Where readers begin, and which of them are told of a gap.

const MANY = { ttl: TTL, maxEvents: 1_000 }
const open = (data: string, type: Cursor | '' = ''): LogRecord => ({ kind: 'open', type, data, meta: '' })

/** What a reader of a topic with these events gets, where so many are kept. */
async function topicOf (start: StartAt, { count = 5, maxEvents = 1_000, hasSnapshot = false } = {}): Promise<string> {
  const { logs, topic } = bed()
  for (let n = 1; n <= count; n++) await logs.publish('topic:t', event(String.fromCharCode(96 + n)), { ttl: TTL, maxEvents })
  const sink = new TextSink()
  const presentation = new TextPresentation()
  presentation.hasSnapshot = hasSnapshot
  logs.follow(topic(presentation), sink, start)
  await settle()
  await logs.close()
  return sink.text.trim()
}

for (const [name, start, expected] of [
  ['now', 'now', '[now 1000000-5]'],
  ['start', 'start', 'a@1 b@2 c@3 d@4 e@5'],
  ['the newest 2', { last: 2 }, 'd@4 e@5'],
  ['more than there are', { last: 100 }, 'a@1 b@2 c@3 d@4 e@5'],
  ['a cursor', { after: '1000000-3' }, 'd@4 e@5'],
  ['the cursor of the open record', { after: '1000000-0' }, 'a@1 b@2 c@3 d@4 e@5'],
  ['the cursor of the tail', { after: '1000000-5' }, ''],
  ['a cursor ahead of the tail, in its epoch: what was before it was seen', { after: '1000000-9' }, '[gap 1000000-9 - 1000000-5]'],
  ['a cursor of an epoch that is not known', { after: '2000000-9' }, '[gap 2000000-9 1000000-1 1000000-0] a@1 b@2 c@3 d@4 e@5'],
  ['a cursor of an earlier epoch', { after: '900000-3' }, '[gap 900000-3 1000000-1 1000000-0] a@1 b@2 c@3 d@4 e@5'],
  ['an id that is none of this log', { foreign: 'x.1000000-3' }, '[gap 1000000-3 1000000-1 1000000-0] a@1 b@2 c@3 d@4 e@5']
] as Array<[string, StartAt, string]>) {
  t.test(`a topic, from ${name}`, async t => {
    t.equal(await topicOf(start), expected)
  })
}

t.test('a topic of which only some events are kept', async t => {
  t.equal(await topicOf('start', { maxEvents: 3 }), 'c@3 d@4 e@5', 'no gap for who had no place')
  t.equal(await topicOf({ after: '1000000-2' }, { maxEvents: 3 }), 'c@3 d@4 e@5', 'none for who missed nothing')
  t.equal(await topicOf({ after: '1000000-1' }, { maxEvents: 3 }), '[gap 1000000-1 1000000-3 1000000-2] c@3 d@4 e@5')
  t.equal(await topicOf({ foreign: 'x.1' }, { maxEvents: 3 }), '[gap 1 1000000-3 1000000-2] c@3 d@4 e@5')
  t.equal(await topicOf({ last: 10 }, { maxEvents: 3 }), 'c@3 d@4 e@5')
})

t.test('with a snapshot readers go on at the tail after a gap', async t => {
  t.equal(await topicOf({ after: '1000000-1' }, { maxEvents: 3, hasSnapshot: true }), '[gap 1000000-1 - 1000000-5]')
  t.equal(await topicOf({ foreign: 'x.1' }, { hasSnapshot: true }), '[gap 1 - 1000000-5]')
  t.equal(await topicOf({ after: '1000000-2' }, { maxEvents: 3, hasSnapshot: true }), 'c@3 d@4 e@5')
})

t.test('a topic without events', async t => {
  t.equal(await topicOf('start', { count: 0 }), '')
  t.equal(await topicOf({ last: 3 }, { count: 0 }), '')
  t.equal(await topicOf({ after: '900000-3' }, { count: 0 }), '[gap 900000-3 - 1000000-0]')
  t.equal(await topicOf({ foreign: 'x.1' }, { count: 0 }), '[gap 1 - 1000000-0]')
})

t.test('readers at the tail of a topic that is deleted: a gap, then its new events', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const [one, pushed] = [new TextSink(), new TextSink()]
  await logs.publish('topic:t', event('a'), MANY)
  logs.follow(topic(), one, 'now')
  await settle()
  await logs.delete('topic:t', false)
  await settle()
  t.equal(one.text, '[now 1000000-1] [gap 1000000-1 - 1000001-0] ')
  await logs.publish('topic:t', event('b'), MANY)
  logs.follow(topic(), pushed, { after: '1000000-1' })
  await settle()
  t.equal(one.text, '[now 1000000-1] [gap 1000000-1 - 1000001-0] b@1 ')
  t.equal(pushed.text, '[gap 1000000-1 1000001-1 1000001-0] b@1 ')
})

t.test('a topic deleted under a reader that is still reading its pages', async t => {
  const { logs, topic, store } = bed()
  t.teardown(() => logs.close())
  for (let n = 0; n < 300; n++) await logs.publish('topic:t', event('a'), MANY)
  const sink = new TextSink()
  const reader = logs.follow(topic(), sink, 'start')
  sink.isWilling = false
  await settle()
  await store.delete('topic:t')
  await settle()
  sink.isWilling = true
  reader.resume()
  await settle()
  t.match(sink.text, /a@255 \[gap 1000000-255 - 1000001-0\] $/)
})

t.test('a reader that is behind by more than is kept gets a gap as it reads on', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const sink = new TextSink()
  const reader = logs.follow(topic(), sink, 'now')
  await settle()
  sink.isWilling = false
  for (let n = 0; n < 3_000; n++) await logs.publish('topic:t', event('a'), { ttl: TTL, maxEvents: 3 })
  await settle()
  sink.isWilling = true
  reader.resume()
  await settle()
  t.match(sink.text, /^\[now 1000000-0\] (a@\d+ )*\[gap 1000000-\d+ 1000000-2998 1000000-2997\] a@2998 a@2999 a@3000 $/)
})

t.test('a generation that continues the tail: no gap for who was there, one for who was ahead', async t => {
  const clock = new ManualClock()
  const model = new ModelStore(clock.now)
  const { logs, topic } = processOf(model, clock)
  t.teardown(() => logs.close())
  for (const data of 'abc') await logs.publish('topic:t', event(data), MANY)
  const restore = model.save()
  for (const data of 'de') await logs.publish('topic:t', event(data), MANY)
  const [live, there, ahead] = [new TextSink(), new TextSink(), new TextSink()]
  logs.follow(topic(), live, 'now')
  await settle()
  model.rollBack(restore)
  await settle()
  logs.follow(topic(), there, { after: '1000000-3' })
  logs.follow(topic(), ahead, { after: '1000000-4' })
  await logs.publish('topic:t', event('f'), MANY)
  await settle()
  t.equal(there.text, 'f@1 ')
  t.match(ahead.text, /^\[gap 1000000-4 (-|1000001-1) 1000001-0\] f@1 $/)
  t.match(live.text, /^\[now 1000000-5\] \[gap 1000000-5 (-|1000001-1) 1000001-0\] f@1 $/)
})

t.test('a hole in what the store has is a gap', async t => {
  const { logs, topic, store } = bed(store => new Proxy(store, {
    get: (target, name) => name === 'read'
      ? async (...args: Parameters<typeof store.read>) => {
        const slice = await target.read(...args)
        return { ...slice, entries: slice.entries.filter(({ data }) => data !== 'c') }
      }
      : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  t.teardown(() => logs.close())
  await store.append('topic:t', Array.from('abcde', data => event(data)), { ttl: TTL })
  const sink = new TextSink()
  logs.follow(topic(), sink, 'start')
  await settle()
  t.equal(sink.text, 'a@1 b@2 [gap 1000000-2 1000000-4 1000000-3] d@4 e@5 ')
})

t.test('entries appended between the two halves of a read are read again', async t => {
  let races = 0
  let isDeaf = false
  let notify!: Notify
  const { logs, topic, store } = bed(store => new Proxy(store, {
    get: (target, name) => name === 'watch'
      ? (log: string, notified: Notify) => {
          notify = notified
          return target.watch(log, entries => { if (!isDeaf) notified(entries) })
        }
      : name === 'read'
        ? async (...args: Parameters<typeof store.read>) => {
          const slice = await target.read(...args)
          return args[2].last === undefined && args[1] !== null && races-- > 0 ? { ...slice, entries: [] } : slice
        }
        : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  t.teardown(() => logs.close())
  await store.append('topic:t', Array.from('abc', data => event(data)), { ttl: TTL })
  const sink = new TextSink()
  races = 2
  logs.follow(topic(), sink, { after: '1000000-1' })
  await settle()
  t.equal(sink.text, 'b@2 c@3 ')
  notify(null)
  await settle()
  isDeaf = true
  await store.append('topic:t', [event('d')], { ttl: TTL })
  isDeaf = false
  races = 2
  notify(null)
  await settle()
  t.equal(sink.text, 'b@2 c@3 d@4 ', 'by the follower, too')
})

t.test('a follower that missed more than a page reads on', async t => {
  let isDeaf = false
  let notify!: Notify
  const { logs, topic, store } = bed(store => Object.assign(store, {
    watch: (watch => (log: string, notified: Notify) => {
      notify = notified
      return watch.call(store, log, entries => { if (!isDeaf) notified(entries) })
    })(store.watch)
  }))
  t.teardown(() => logs.close())
  const sink = new TextSink()
  logs.follow(topic(), sink, 'now')
  await settle()
  isDeaf = true
  await store.append('topic:t', Array.from({ length: 600 }, () => event('x')), { ttl: TTL })
  notify(null)
  await settle()
  t.match(sink.text, /x@1 .* x@600 $/)
})

t.test('a run: a cursor ahead of the tail waits for the repair, with looks that get rarer', async t => {
  let reads = 0
  const { logs, run, clock, store } = bed(store => new Proxy(store, {
    get: (target, name) => {
      if (name === 'read') reads++
      return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
    }
  }))
  t.teardown(() => logs.close())
  await store.append('run:r', [open('mine'), event('a')], { first: '1000-0', after: null, ttl: TTL, lease: TTL })
  const sink = new TextSink()
  logs.follow(run(), sink, { after: '1000-3' })
  await clock.advance(4_000)
  t.equal(sink.text, '')
  t.ok(reads < 20, `${reads} reads`)
  await store.append('run:r', Array.from('bcd', data => event(data)), { first: '1000-2', ttl: TTL, lease: TTL })
  await clock.advance(1_100)
  t.equal(sink.text, 'd@4 ')
})

t.test('a run: a cursor that stays ahead is a gap after 5 s, and begins anew', async t => {
  const { logs, run, clock, store } = bed()
  t.teardown(() => logs.close())
  await store.append('run:r', [open('mine'), event('a')], { first: '1000-0', after: null, ttl: TTL, lease: TTL })
  const sink = new TextSink()
  logs.follow(run(), sink, { after: '1000-3' })
  await clock.advance(7_000)
  t.equal(sink.text, '[gap 1000-3 1000-1 1000-0] a@1 ')
})

t.test('a run: the follower of a log that stays behind goes on at its tail', async t => {
  const clock = new ManualClock()
  const model = new ModelStore(clock.now)
  let notify!: Notify
  const watch = model.watch.bind(model)
  model.watch = (log, notified) => {
    notify = notified
    return watch(log, notified)
  }
  const { logs, run } = processOf(model, clock)
  t.teardown(() => logs.close())
  const append = (first: Cursor, records: LogRecord[], after?: null) => model.append('run:r', records, { first, after, ttl: TTL, lease: TTL })
  await append('1000-0', [open('mine'), event('a')], null)
  const restore = model.save()
  await append('1000-2', [event('b')])
  const sink = new TextSink()
  logs.follow(run(), sink, 'start')
  await settle()
  restore()
  notify(null)
  await clock.advance(15_000)
  t.equal(sink.text, 'a@1 b@2 [gap 1000-2 1000-1 1000-0] a@1 ')
  await append('1000-2', [event('c')])
  await settle()
  t.equal(sink.text, 'a@1 b@2 [gap 1000-2 1000-1 1000-0] a@1 c@2 ')
})

t.test('a run that does not begin with its beginning is a gap, also for who asks for its start', async t => {
  const { logs, run, store } = bed()
  t.teardown(() => logs.close())
  await store.append('run:r', [open('mine'), event('a'), event('b')], { first: '1000-0', after: null, ttl: TTL, lease: TTL, maxEvents: 1 })
  const [start, foreign] = [new TextSink(), new TextSink()]
  logs.follow(run(), start, 'start')
  logs.follow(run(), foreign, { foreign: 'x.7' })
  await settle()
  t.equal(start.text, '[gap - 1000-2 1000-1] b@2 ')
  t.equal(foreign.text, '[gap 7 1000-2 1000-1] b@2 ')
})

t.test('the newest events of a topic that has none yet', async t => {
  const { logs, topic, store } = bed()
  t.teardown(() => logs.close())
  await store.append('topic:t', [], { ttl: TTL })
  const sink = new TextSink()
  logs.follow(topic(), sink, { last: 3 })
  await settle()
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  t.equal(sink.text, 'a@1 ')
})

t.test('a foreign id, and no run', async t => {
  const { logs, run, clock } = bed()
  t.teardown(() => logs.close())
  const sink = new TextSink()
  logs.follow(run(), sink, { foreign: 'x.7' })
  await clock.advance(7_000)
  t.equal(sink.text, '[end gone]')
})

t.test('ids of a gap are those of the log, with its tag', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const presentation = new TextPresentation()
  await logs.publish('topic:t', event('a'), MANY)
  logs.follow(topic(presentation), new TextSink(), { after: '900000-3' })
  await settle()
  const ids = new LogIds('topic:t')
  t.strictSame(presentation.beginnings, [{ reason: 'gap', gap: { after: ids.of('900000-3'), next: ids.of('1000000-1') }, id: ids.of('1000000-0') }])
})

t.test('readers at one place at one time share a page', async t => {
  let reads = 0
  const { logs, topic } = bed(store => new Proxy(store, {
    get: (target, name) => {
      if (name === 'read') reads++
      return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
    }
  }))
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  const presentation = new TextPresentation()
  const sinks = Array.from({ length: 200 }, () => new TextSink())
  for (const sink of sinks) logs.follow(topic(presentation), sink, { after: '1000000-0' })
  await settle()
  t.ok(sinks.every(({ text }) => text === 'a@1 '))
  t.ok(reads <= 3, `${reads} reads`)
  t.ok(presentation.framed <= 3)
})

t.test('a page of large events has fewer', async t => {
  const pages: number[] = []
  const { logs, topic } = bed(store => new Proxy(store, {
    get: (target, name) => name === 'read'
      ? async (...args: Parameters<typeof store.read>) => {
        const slice = await target.read(...args)
        pages.push(slice.entries.reduce((length, { data }) => length + data.length, 0))
        return slice
      }
      : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  t.teardown(() => logs.close())
  for (let n = 0; n < 600; n++) await logs.publish('topic:t', event('x'.repeat(20_000)), MANY)
  const sink = new TextSink()
  logs.follow(topic(), sink, 'start')
  await settle()
  t.ok(pages.length > 10)
  t.ok(pages.every(length => length < 1_048_576 + 20_000), pages.join(' '))
  t.equal(sink.text.length, Array.from({ length: 600 }, (_, i) => 20_002 + `${i + 1}`.length).reduce((a, b) => a + b))
})

t.test('a snapshot that takes a while after a gap: a reader that left is not written to', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  const presentation = new TextPresentation()
  presentation.hasSnapshot = true
  let begin!: (frames: Frames) => void
  const frames = new Promise<Frames>(resolve => { begin = resolve })
  presentation.begin = () => frames
  const [stays, leaves] = [new TextSink(), new TextSink()]
  logs.follow(topic(presentation), stays, { foreign: 'x' })
  const reader = logs.follow(topic(presentation), leaves, { foreign: 'x' })
  await settle()
  await logs.publish('topic:t', event('b'), MANY)
  reader.stop()
  begin(Frames.of('snapshot ', 1))
  await settle()
  t.equal(stays.text, 'snapshot b@2 ')
  t.equal(leaves.text, '')
})
