import t from 'tap'
import { type Batch, type Pull } from '../../lib/log/reading.ts'
import { type LogRecord, StoreError } from '../../lib/log/store.ts'
import { bed, event, LEASE, settle, TextPresentation, TextSink, TTL } from './helpers.ts'

const MANY = { ttl: TTL, maxEvents: 1_000 }
const RUN = { ttl: TTL, lease: LEASE }

function brief (batch: Batch | null | undefined): unknown {
  if (batch === null || batch === undefined) return batch
  if (batch.entries !== undefined) return batch.entries.map(({ entry, id }) => `${entry.data}@${id.slice(9)}`).join(' ')
  if (batch.beginning !== undefined) return `${batch.beginning.reason} ${batch.beginning.id.slice(9)}`
  return `end ${batch.end?.type}`
}

const next = async (pull: Pull) => brief(await pull.next())
const more = async (pull: Pull) => brief(await pull.more())

t.test('a pull gets what there is when it asks, and waits for what is next', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const pull = logs.pull(topic(), 'now')
  t.equal(pull.id, null)
  t.equal(await next(pull), 'now 1000000-0')
  t.ok(pull.isCurrent)
  const waiting = next(pull)
  await logs.publish('topic:t', event('a'), MANY)
  t.equal(await waiting, 'a@1000000-1')
  for (const data of 'bc') await logs.publish('topic:t', event(data), MANY)
  t.notOk(pull.isCurrent)
  t.equal(await next(pull), 'b@1000000-2 c@1000000-3')
  t.ok(pull.isCurrent)
  t.match(pull.id, /^[\w-]{8}\.1000000-3$/)
})

t.test('more gives what is there without waiting', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  for (let n = 1; n <= 600; n++) await logs.publish('topic:t', event('x'), MANY)
  const pull = logs.pull(topic(), 'start')
  t.equal(await more(pull), 'history 1000000-0')
  let count = 0
  for (let batch = await pull.more(); batch !== undefined; batch = await pull.more()) count += batch!.entries!.length
  t.equal(count, 600)
  t.ok(pull.isCurrent)
  t.equal(await more(pull), undefined)
  pull.stop()
  t.equal(await more(pull), null)
})

t.test('frames are made once for all readers, when the first one needs them', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const presentation = new TextPresentation()
  const pulls = [logs.pull(topic(presentation), 'now'), logs.pull(topic(presentation), 'now')]
  for (const pull of pulls) await pull.next()
  await logs.publish('topic:t', event('a'), MANY)
  const batches = await Promise.all(pulls.map(pull => pull.next()))
  t.equal(presentation.framed, 0)
  const [one, other] = batches.map(batch => batch!.entries![0]!.frames)
  t.equal(one, other)
  t.equal(presentation.framed, 1)
})

t.test('from any place', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  for (const data of 'abcde') await logs.publish('topic:t', event(data), MANY)
  const newest = logs.pull(topic(), { last: 2 })
  t.equal(await next(newest), 'history 1000000-3')
  t.equal(await next(newest), 'd@1000000-4 e@1000000-5')
  const oldest = logs.pull(topic(), 'start')
  t.equal(await next(oldest), 'history 1000000-0')
  t.equal(await next(oldest), 'a@1000000-1 b@1000000-2 c@1000000-3 d@1000000-4 e@1000000-5')
  t.equal(await next(logs.pull(topic(), { after: '1000000-3' })), 'd@1000000-4 e@1000000-5')
  const foreign = logs.pull(topic(), { foreign: 'x.1' })
  t.equal(await next(foreign), 'gap 1000000-0')
  t.equal(await next(foreign), 'a@1000000-1 b@1000000-2 c@1000000-3 d@1000000-4 e@1000000-5')
})

t.test('stopped: what it waits for is over, and it has no listener left', async t => {
  const { logs, topic, clock } = bed()
  t.teardown(() => logs.close())
  const pull = logs.pull(topic(), 'now')
  const first = pull.next()
  pull.stop()
  t.equal(await first, null, 'before the log was read')
  const other = logs.pull(topic(), 'now')
  await other.next()
  const waiting = other.next()
  await settle()
  other.stop()
  other.stop()
  t.equal(await waiting, null)
  t.equal(await other.next(), null)
  t.equal(logs.readersOf('topic:t'), 0)
  await clock.advance(60_000)
  t.equal(clock.timers, 0)
})

t.test('stopped while it reads', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  const pull = logs.pull(topic(), 'start')
  const reading = pull.next()
  pull.stop()
  t.equal(await reading, null)
  const other = logs.pull(topic(), { after: '1000000-0' })
  t.equal(await more(other), 'a@1000000-1')
  const third = logs.pull(topic(), { after: '900000-0' })
  await third.next()
  third.stop()
  t.equal(await third.next(), null, 'before the events after a gap')
})

t.test('a topic without events', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const pull = logs.pull(topic(), 'start')
  t.equal(await next(pull), 'history 1000000-0')
  const waiting = next(pull)
  await settle()
  await logs.publish('topic:t', event('a'), MANY)
  t.equal(await waiting, 'a@1000000-1')
})

t.test('closed, or failed, while it reads', async t => {
  for (const isClosed of [true, false]) {
    let fail!: (error: Error) => void
    let answer!: () => void
    const { logs, topic } = bed(store => new Proxy(store, {
      get: (target, name) => name === 'watch'
        ? () => new Promise((_resolve, reject) => { fail = reject })
        : name === 'read'
          ? async (...args: Parameters<typeof store.read>) => {
            await new Promise<void>(resolve => { answer = resolve })
            return target.read(...args)
          }
          : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
    }))
    await logs.publish('topic:t', event('a'), MANY)
    const pull = logs.pull(topic(), { after: '1000000-1' })
    const sink = new TextSink()
    logs.follow(topic(), sink, { after: '1000000-1' })
    const reading = pull.next()
    reading.catch(() => {})
    await settle()
    if (isClosed) await logs.close()
    else fail(new TypeError('no watch'))
    await settle()
    answer()
    await settle()
    if (isClosed) {
      t.equal(await reading, null)
    } else {
      await t.rejects(reading, { message: 'no watch' })
      t.match(sink.failure, { message: 'no watch' })
      await logs.close()
    }
  }
})

t.test('the end of a run comes by itself, after its events', async t => {
  const { logs, run } = bed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  const live = logs.pull(run(), 'now')
  await live.next()
  const waiting = next(live)
  writer!.append(event('a')).catch(t.error)
  writer!.append(event('b')).catch(t.error)
  await writer!.end('failed', '{}')
  t.equal(await waiting, 'a@1000000-1')
  t.equal(await next(live), 'b@1000000-2')
  t.equal(await next(live), 'end failed')
  t.equal(await next(live), null)
  const late = logs.pull(run(), 'start')
  t.equal(await next(late), 'a@1000000-1 b@1000000-2')
  t.equal(await next(late), 'end failed')
  t.equal(logs.readersOf('run:r'), 0)
})

t.test('open records are passed over', async t => {
  const { logs, run, store } = bed()
  t.teardown(() => logs.close())
  const open = (type: LogRecord['type']): LogRecord => ({ kind: 'open', type, data: 'x', meta: '' })
  await store.append('run:r', [open(''), event('a')], { first: '1000-0', after: null, ttl: TTL, lease: TTL })
  const pull = logs.pull(run(), 'now')
  t.equal(await next(pull), 'now 1000-1')
  const waiting = next(pull)
  await settle()
  await store.append('run:r', [open('1000-1')], { first: '2000-0', after: '1000-1', ttl: TTL, lease: TTL })
  await settle()
  await store.append('run:r', [event('b')], { first: '2000-1', ttl: TTL, lease: TTL })
  t.equal(await waiting, 'b@2000-1')
})

t.test('a run that does not exist has no end that comes', async t => {
  const { logs, run, clock } = bed()
  t.teardown(() => logs.close())
  const [now, start] = [logs.pull(run(), 'now'), logs.pull(run(), 'start')]
  const ends = [now.next(), start.next()]
  await clock.advance(7_000)
  t.strictSame(await Promise.all(ends), [{ end: null }, { end: null }])
})

t.test('a pull that has seen more than the follower of its process waits for it', async t => {
  let isDeaf = false
  const { logs, topic, store } = bed(store => Object.assign(store, {
    watch: (watch => (log: string, notify: Parameters<typeof store.watch>[1]) => watch.call(store, log, entries => { if (!isDeaf) notify(entries) }))(store.watch)
  }))
  t.teardown(() => logs.close())
  const first = logs.pull(topic(), 'now')
  await first.next()
  isDeaf = true
  await store.append('topic:t', [event('a')], { ttl: TTL })
  const pull = logs.pull(topic(), { after: '1000000-1' })
  const waiting = next(pull)
  await settle()
  t.equal(await next(first), 'a@1000000-1', 'which reads on at that')
  isDeaf = false
  await store.append('topic:t', [event('b')], { ttl: TTL })
  t.equal(await waiting, 'b@1000000-2')
})

t.test('closed while the store is down: a pull that waits for it is over', async t => {
  let isDown = false
  const { logs, topic } = bed(store => new Proxy(store, {
    get: (target, name) => isDown && name === 'read' ? () => Promise.reject(new StoreError('UNAVAILABLE', 'down')) : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  await logs.publish('topic:t', event('a'), MANY)
  isDown = true
  const waiting = logs.pull(topic(), 'start').next()
  await settle()
  await logs.close()
  t.equal(await waiting, null)
})

t.test('stopped while a page is read: nothing of it is given', async t => {
  let release = () => {}
  let isHeld = false
  const { logs, topic } = bed(store => new Proxy(store, {
    get: (target, name) => isHeld && name === 'read'
      ? async (...args: Parameters<typeof store.read>) => {
        await new Promise<void>(resolve => { release = resolve })
        return store.read(...args)
      }
      : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  isHeld = true
  const pull = logs.pull(topic(), 'start')
  const waiting = pull.next()
  await settle()
  pull.stop()
  isHeld = false
  release()
  t.equal(await waiting, null)
})
