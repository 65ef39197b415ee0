import t from 'tap'
import { type Beginning } from '../../lib/log/reading.ts'
import { type Cursor, type LogEntry, type Notify, type Store, StoreError } from '../../lib/log/store.ts'
import { Frames } from '../../lib/wire/frames.ts'
import { bed, event, LEASE, settle, TextPresentation, TextSink, TTL } from './helpers.ts'

const MANY = { ttl: TTL, maxEvents: 1_000 }
const RUN = { ttl: TTL, lease: LEASE }

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
  t.equal(presentation.beginnings.length, 1, 'the place of all is framed once, too')
  await Promise.all(Array.from('abcde', data => logs.publish('topic:t', event(data), MANY)))
  await settle()
  t.ok(sinks.every(({ text }) => text === '[now 1000000-0] a@1 b@2 c@3 d@4 e@5 '))
  t.ok(sinks.every(({ writes }) => writes <= 3), 'a, then b to e')
  t.equal(presentation.framed, 5)
  t.equal(logs.readersOf('topic:t'), 1_000)
  t.equal(logs.readersOf('topic:other'), 0)
})

t.test('256 readers are written to in one turn of the event loop, then others have theirs', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const sinks = Array.from({ length: 1_000 }, () => new TextSink())
  for (const sink of sinks) logs.follow(topic(), sink, 'now')
  await settle()
  await logs.publish('topic:t', event('a'), MANY)
  const counts: number[] = []
  while (counts.at(-1) !== 1_000) {
    await new Promise(resolve => setImmediate(resolve))
    counts.push(sinks.filter(({ text }) => text.includes('a@1')).length)
  }
  t.strictSame(new Set(counts), new Set([256, 512, 768, 1_000]))
})

t.test('10,000 that join at once join in slices, too', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  const sinks = Array.from({ length: 10_000 }, () => new TextSink())
  for (const sink of sinks) logs.follow(topic(), sink, 'start')
  let most = 0
  for (let before = 0; before < 10_000;) {
    await new Promise(resolve => setImmediate(resolve))
    const now = sinks.filter(({ text }) => text !== '').length
    most = Math.max(most, now - before)
    before = now
  }
  t.ok(most <= 256, `${most} in one turn`)
  t.ok(sinks.every(({ text }) => text === 'a@1 '))
})

t.test('a plain socket is written to directly, in whole chunks', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const chunks: string[] = []
  const sink = new TextSink()
  let isWilling = true
  sink.direct = { write: chunk => { chunks.push(Buffer.from(chunk).toString()); return isWilling } }
  const reader = logs.follow(topic(), sink, 'now')
  await settle()
  isWilling = false
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  t.strictSame(chunks, ['10\r\n[now 1000000-0] \r\n', '4\r\na@1 \r\n'])
  t.equal(sink.text, '')
  t.ok(reader.isBlocked)
  t.equal(sink.blocked, 1, 'the session is told to wait for the drain')
})

t.test('a sink may resume at once', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const sink = new TextSink()
  let text = ''
  sink.direct = { write: chunk => { text += Buffer.from(chunk).toString().split('\r\n')[1]; return false } }
  const reader = logs.follow(topic(), sink, 'now')
  sink.onBlocked = () => reader.resume()
  await settle()
  for (const data of 'abc') {
    await logs.publish('topic:t', event(data), MANY)
    await settle()
  }
  t.equal(text, '[now 1000000-0] a@1 b@2 c@3 ')
})

t.test('readers that leave while the store is down leave nothing behind', async t => {
  const { logs, topic } = bed(store => Object.assign(store, { watch: () => new Promise(() => {}) }))
  t.teardown(() => logs.close())
  const sinks = Array.from({ length: 3 }, () => new TextSink())
  const readers = sinks.map(sink => logs.follow(topic(), sink, 'now'))
  await settle()
  for (const reader of readers) reader.stop()
  await settle()
  t.equal(logs.readersOf('topic:t'), 0)
  t.ok(sinks.every(({ text, failure }) => text === '' && failure === undefined))
})

t.test('a log that nobody follows any more is not asked for, and not watched', async t => {
  let isDown = true
  let calls = 0
  let watched = 0
  const { logs, topic, clock } = bed(store => new Proxy(store, {
    get: (target, name) => {
      if (name === 'watch') {
        return async (...args: Parameters<Store['watch']>) => {
          const stop = await target.watch(...args)
          watched++
          await settle()
          return () => { watched--; stop() }
        }
      }
      if (name === 'limits') return target.limits
      calls++
      return isDown && name !== 'close' ? () => Promise.reject(new StoreError('UNAVAILABLE', 'down')) : Reflect.get(target, name).bind?.(target)
    }
  }))
  t.teardown(() => logs.close())
  const reader = logs.follow(topic(), new TextSink(), 'now')
  await settle()
  await settle()
  reader.stop()
  await clock.advance(10_000)
  t.equal(watched, 0)
  isDown = false
  calls = 0
  await clock.advance(10_000)
  t.equal(calls, 0)
  const quick = logs.follow(topic(), new TextSink(), 'now')
  quick.stop()
  await clock.advance(10_000)
  t.equal(watched, 0)
})

t.test('a log that is closed while the store is slow to watch it', async t => {
  let watch!: () => void
  let watched = 0
  const { logs, topic, clock } = bed(store => Object.assign(store, {
    watch: () => new Promise<() => void>(resolve => {
      watch = () => {
        watched++
        resolve(() => { watched-- })
      }
    })
  }))
  t.teardown(() => logs.close())
  logs.follow(topic(), new TextSink(), 'now').stop()
  await clock.advance(9_000)
  watch()
  await settle()
  t.equal(watched, 0)
  logs.follow(topic(), new TextSink(), 'now').stop()
  await logs.close()
})

t.test('the end of one reader may stop others that have yet to get it', async t => {
  const { logs, run, clock } = bed()
  t.teardown(() => logs.close())
  await logs.claim('run:r', RUN)
  const sinks = Array.from({ length: 3 }, () => new TextSink())
  const readers = sinks.map(sink => logs.follow(run(), sink, 'start'))
  await settle()
  sinks[0]!.end = () => { for (const reader of readers) reader.stop() }
  await logs.delete('run:r', true)
  await clock.advance(7_000)
  t.ok(sinks.every(({ ended }) => ended === undefined))
})

t.test('a reader that left is not told what failed', async t => {
  let fail!: (error: Error) => void
  const { logs, topic } = bed(store => Object.assign(store, { read: () => new Promise((_resolve, reject) => { fail = reject }) }))
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  const sink = new TextSink()
  const reader = logs.follow(topic(), sink, 'start')
  await settle()
  reader.stop()
  fail(new Error('a bug'))
  await settle()
  t.equal(sink.failure, undefined)
})

t.test('a topic that is deleted between two calls of a look is opened again', async t => {
  let isGone = false
  const { logs, topic, store } = bed(store => new Proxy(store, {
    get: (target, name) => name === 'read' && isGone
      ? async () => { isGone = false; return { entries: [], tail: null, lease: null } }
      : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  t.teardown(() => logs.close())
  const sink = new TextSink()
  logs.follow(topic(), sink, 'now')
  await settle()
  isGone = true
  await store.delete('topic:t')
  await settle()
  t.match(sink.text, /^\[now 1000000-0\] \[gap /)
})

t.test('counters of a reader', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const reader = logs.follow(topic(), new TextSink(), 'now')
  t.strictSame([reader.events, reader.bytes, reader.firstAt, reader.lastAt], [0, 0, 0, 0])
  await settle()
  t.strictSame([reader.events, reader.bytes, reader.firstAt], [0, 16, 0])
  t.ok(reader.lastAt > 0)
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  await logs.publish('topic:t', event('hidden'), MANY)
  await settle()
  t.strictSame([reader.events, reader.bytes], [1, 20])
  t.ok(reader.firstAt > 0)
})

t.test('a sink that is full gets nothing until it resumes, then all that it missed, in order', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const [slow, quick] = [new TextSink(), new TextSink()]
  const reader = logs.follow(topic(), slow, 'now')
  logs.follow(topic(), quick, 'now')
  await settle()
  slow.isWilling = false
  for (const data of 'abc') {
    await logs.publish('topic:t', event(data), MANY)
    await settle()
  }
  t.equal(slow.text, '[now 1000000-0] a@1 ')
  t.equal(quick.text, '[now 1000000-0] a@1 b@2 c@3 ')
  slow.isWilling = true
  reader.resume()
  t.equal(slow.text, quick.text, 'at once, from the ring')
  reader.resume()
  await logs.publish('topic:t', event('d'), MANY)
  await settle()
  t.equal(slow.text, quick.text)
})

t.test('a sink that stays full costs a place: what fell out of the ring comes from the store, in bounded writes', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const [slow, quick] = [new TextSink(), new TextSink()]
  const reader = logs.follow(topic(), slow, 'now')
  logs.follow(topic(), quick, 'now')
  await settle()
  slow.isWilling = false
  const text = 'x'.repeat(1_000)
  for (let n = 0; n < 30; n++) {
    await Promise.all(Array.from({ length: 100 }, () => logs.publish('topic:t', event(text), { ...MANY, maxEvents: 10_000 })))
    await settle()
  }
  while (slow.text !== quick.text) {
    const { length } = slow.text
    reader.resume()
    await settle()
    if (slow.text.length === length) break
  }
  t.ok(slow.text === quick.text)
  t.ok(slow.largest < 140_000 && slow.largest > 100_000, `${slow.largest} bytes at once`)
})

t.test('a burst larger than the ring within one turn reaches readers whole', async t => {
  const { logs, topic, store } = bed()
  t.teardown(() => logs.close())
  const sink = new TextSink()
  logs.follow(topic(), sink, 'now')
  await settle()
  await store.append('topic:t', Array.from({ length: 5_000 }, () => event('x')), { ttl: TTL })
  await settle()
  t.equal(sink.text, `[now 1000000-0] ${Array.from({ length: 5_000 }, (_, i) => `x@${i + 1} `).join('')}`)
})

t.test('a reader that leaves gets nothing more; 5 s after the last one the log is closed', async t => {
  const { logs, topic, clock, store } = bed()
  t.teardown(() => logs.close())
  const [one, other] = [new TextSink(), new TextSink()]
  const readers = [logs.follow(topic(), one, 'now'), logs.follow(topic(), other, 'now')]
  await settle()
  readers[0]!.stop()
  readers[0]!.stop()
  t.equal(logs.readersOf('topic:t'), 1)
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  t.equal(one.text, '[now 1000000-0] ')
  t.equal(other.text, '[now 1000000-0] a@1 ')
  readers[1]!.stop()
  await clock.advance(4_000)
  const again = logs.follow(topic(), one, { after: '1000000-0' })
  await clock.advance(10_000)
  t.equal(one.text, '[now 1000000-0] a@1 ', 'one that comes back within it finds the channel')
  again.stop()
  await clock.advance(60_000)
  t.equal(clock.timers, 0, 'no timer is left')
  await store.append('topic:t', [event('b')], { ttl: TTL })
  t.equal(logs.readersOf('topic:t'), 0)
})

t.test('readers may leave, and be cut, while all are written to', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const sinks = Array.from({ length: 600 }, () => new TextSink())
  const readers = sinks.map(sink => logs.follow(topic(), sink, 'now'))
  const stopped = new Set<number>()
  for (const [i, sink] of sinks.entries()) {
    if (i % 7 === 0) sink.writeFrames = () => { for (const j of [i, (i * 31) % 600, 599 - i]) { stopped.add(j); readers[j]!.stop() } return false }
    if (i % 11 === 0) sink.isWilling = false
  }
  await settle()
  await logs.publish('topic:t', event('a'), MANY)
  await logs.publish('topic:t', event('b'), MANY)
  await settle()
  const missed = sinks.flatMap(({ text }, i) => stopped.has(i) || i % 11 === 0 || text === '[now 1000000-0] a@1 b@2 ' ? [] : [i])
  t.strictSame(missed, [])
  t.equal(logs.readersOf('topic:t'), 600 - stopped.size)
})

t.test('a reader that a write found gone is not written to again', async t => {
  const { logs, topic, store } = bed()
  t.teardown(() => logs.close())
  const sink = new TextSink()
  const reader = logs.follow(topic(), sink, 'now')
  await settle()
  let writes = 0
  sink.writeFrames = () => { writes++; reader.stop(); return true }
  await store.append('topic:t', Array.from({ length: 3 }, () => event('x'.repeat(100_000))), { ttl: TTL })
  await settle()
  t.equal(writes, 1)
})

t.test('what begins may take time, and nothing that comes meanwhile is missed', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const presentation = new TextPresentation()
  let begin!: (frames: Frames) => void
  presentation.begin = () => new Promise<Frames>(resolve => { begin = resolve })
  const [one, gone] = [new TextSink(), new TextSink()]
  logs.follow(topic(presentation), one, 'now')
  const leaving = logs.follow(topic(presentation), gone, 'now')
  await settle()
  leaving.stop()
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  t.equal(one.text, '')
  begin(Frames.of('snapshot ', 1))
  await settle()
  t.equal(gone.text, '')
})

t.test('where a beginning or a frame cannot be made, its reader fails, and the others go on', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const presentation = new TextPresentation()
  const [one, other] = [new TextSink(), new TextSink()]
  const begin = presentation.begin.bind(presentation)
  presentation.begin = () => Promise.reject(new Error('no snapshot'))
  logs.follow(topic(presentation), one, 'now')
  await settle()
  t.match(one.failure, { message: 'no snapshot' })
  presentation.begin = begin
  logs.follow(topic(presentation), other, 'now')
  await settle()
  presentation.entry = () => { throw new Error('no frames') }
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  t.match(other.failure, { message: 'no frames' })
  t.equal(logs.readersOf('topic:t'), 0)
})

t.test('a hint that was lost is made up for within 40 s, and by the next that comes', async t => {
  let isDeaf = false
  const { logs, topic, clock, store } = bed(store => Object.assign(store, {
    watch: (watch => (log: string, notify: Notify) => watch.call(store, log, (entries: readonly LogEntry[] | null) => { if (!isDeaf) notify(entries) }))(store.watch)
  }))
  t.teardown(() => logs.close())
  const sink = new TextSink()
  logs.follow(topic(), sink, 'now')
  await settle()
  isDeaf = true
  await store.append('topic:t', [event('a')], { ttl: TTL })
  await clock.advance(19_000)
  t.notMatch(sink.text, /a@1/)
  await clock.advance(21_100)
  t.match(sink.text, /a@1 $/)
  await store.append('topic:t', [event('b')], { ttl: TTL })
  isDeaf = false
  await store.append('topic:t', [event('c')], { ttl: TTL })
  await settle()
  t.match(sink.text, /a@1 b@2 c@3 $/)
})

t.test('hints that come again, or late, change nothing', async t => {
  let last: readonly LogEntry[] | null = null
  let notifyAgain!: Notify
  const { logs, topic } = bed(store => Object.assign(store, {
    watch: (watch => (log: string, notify: Notify) => {
      notifyAgain = notify
      return watch.call(store, log, (entries: readonly LogEntry[] | null) => { last = entries; notify(entries) })
    })(store.watch)
  }))
  t.teardown(() => logs.close())
  const sink = new TextSink()
  const reader = logs.follow(topic(), sink, 'now')
  await settle()
  for (const data of 'ab') {
    await logs.publish('topic:t', event(data), MANY)
    notifyAgain(last)
    notifyAgain(null)
    await settle()
  }
  t.equal(sink.text, '[now 1000000-0] a@1 b@2 ')
  reader.stop()
  await logs.close()
  notifyAgain(last)
})

t.test('a followed topic does not expire, also where nothing is published', async t => {
  const { logs, topic, clock, store } = bed()
  t.teardown(() => logs.close())
  await logs.publish('topic:t', event('a'), MANY)
  const reader = logs.follow(topic(), new TextSink(), 'now')
  await clock.advance(3 * TTL)
  t.equal((await store.read('topic:t', null, { limit: 1 })).tail?.data, 'a')
  reader.stop()
  await clock.advance(2 * TTL)
  t.equal((await store.read('topic:t', null, { limit: 1 })).tail, null)
})

t.test('the ring is cleared when nothing was published for a while; readers at the tail stay there', async t => {
  const { logs, topic, clock } = bed()
  t.teardown(() => logs.close())
  const presentation = new TextPresentation()
  const [sink, late] = [new TextSink(), new TextSink()]
  logs.follow(topic(presentation), sink, 'now')
  await settle()
  await logs.publish('topic:t', event('a'), MANY)
  await clock.advance(90_000)
  logs.follow(topic(presentation), late, 'start')
  await settle()
  t.equal(late.text, 'a@1 ')
  t.equal(presentation.framed, 2, 'from the store')
  await logs.publish('topic:t', event('b'), MANY)
  await settle()
  t.equal(sink.text, '[now 1000000-0] a@1 b@2 ')
  t.equal(late.text, 'a@1 b@2 ')
})

t.test('the store goes while readers wait: it is said once, they go on when it is back', async t => {
  let isDown = true
  const { logs, topic, clock, store, reports } = bed(store => new Proxy(store, {
    get: (target, name) => isDown && name !== 'limits' && name !== 'close' ? () => Promise.reject(new StoreError('UNAVAILABLE', 'down')) : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  t.teardown(() => logs.close())
  const sinks = Array.from({ length: 10 }, () => new TextSink())
  const readers = sinks.map((sink, i) => logs.follow(topic(), sink, i % 2 === 0 ? 'now' : 'start'))
  await clock.advance(60_000)
  t.ok(sinks.every(({ text, failure }) => text === '' && failure === undefined))
  readers.pop()!.stop()
  isDown = false
  await clock.advance(3_000)
  await logs.publish('topic:t', event('a'), MANY)
  await settle()
  t.ok(sinks.slice(0, 9).every(({ text }) => text.endsWith('a@1 ')))
  t.strictSame(reports, ['down: down', 'up'])
  t.equal((await store.read('topic:t', null, { limit: 5 })).entries.length, 2)
})

t.test('a store that fails in another way fails the readers, and the next begin anew', async t => {
  let error: Error | undefined
  const { logs, topic } = bed(store => new Proxy(store, {
    get: (target, name) => error !== undefined && (name === 'read' || name === 'append') ? () => Promise.reject(error) : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  t.teardown(() => logs.close())
  const [willing, blocked, next] = [new TextSink(), new TextSink(), new TextSink()]
  blocked.isWilling = false
  logs.follow(topic(), willing, 'now')
  const reader = logs.follow(topic(), blocked, 'now')
  const pull = logs.pull(topic(), 'now')
  await settle()
  await pull.next()
  const pulling = t.rejects(pull.next(), { message: 'a bug' })
  error = new TypeError('a bug')
  await (logs as unknown as { delete (log: string): Promise<void> }).delete('topic:t').catch(() => {})
  await settle()
  t.equal(willing.failure, error)
  reader.resume()
  await settle()
  t.equal(blocked.failure, error)
  await pulling
  error = undefined
  logs.follow(topic(), next, 'now')
  await settle()
  t.match(next.text, /^\[now /)
})

t.test('a store that cannot watch fails the readers', async t => {
  const { logs, topic } = bed(store => Object.assign(store, { watch: () => Promise.reject(new TypeError('no watch')) }))
  t.teardown(() => logs.close())
  const [now, start] = [new TextSink(), new TextSink()]
  logs.follow(topic(), now, 'now')
  logs.follow(topic(), start, 'start')
  await settle()
  t.match(now.failure, { message: 'no watch' })
  t.match(start.failure, { message: 'no watch' })
})

t.test('closed: readers fail, as they would wait for ever, and every pull is over', async t => {
  const { logs, topic, clock } = bed()
  const [willing, blocked] = [new TextSink(), new TextSink()]
  blocked.isWilling = false
  logs.follow(topic(), willing, 'now')
  const reader = logs.follow(topic(), blocked, 'now')
  const pull = logs.pull(topic(), 'now')
  await pull.next()
  const pulling = pull.next()
  await settle()
  await logs.close()
  t.equal(await pulling, null)
  reader.resume()
  reader.resume()
  await settle()
  t.equal(clock.timers, 0)
  for (const { failure } of [willing, blocked]) t.match(failure, { code: 'SSE_ERR_STORE', message: /it was closed/ })
})

t.test('closed before anything was read', async t => {
  const { logs, topic } = bed(store => Object.assign(store, { watch: () => new Promise(() => {}) }))
  const sink = new TextSink()
  logs.follow(topic(), sink, 'now')
  const pull = logs.pull(topic(), 'now')
  const pulling = pull.next()
  await settle()
  await logs.close()
  t.equal(await pulling, null)
  await settle()
  t.equal(sink.text, '')
})

t.test('closed: who comes later fails at once', async t => {
  const { logs, topic, clock } = bed()
  await logs.close()
  const sinks = Array.from({ length: 4 }, () => new TextSink())
  for (const [i, start] of (['now', 'start', { last: 1 }, { foreign: 'x' }] as const).entries()) {
    logs.follow(topic(), sinks[i]!, start)
    t.equal(await logs.pull(topic(), start).next(), null)
  }
  await settle()
  t.ok(sinks.every(({ text }) => text === ''))
  t.match(sinks.map(({ failure }) => failure), sinks.map(() => ({ code: 'SSE_ERR_STORE' })))
  t.equal(logs.readersOf('topic:t'), 0)
  t.equal(clock.timers, 0)
})

t.test('closed while readers have yet to have their turn at the store', async t => {
  const { logs, topic } = bed(store => Object.assign(store, { read: () => new Promise(() => {}) }))
  for (let n = 0; n < 64; n++) logs.peek('topic:t', null, 1_000).catch(t.error)
  const sinks = Array.from({ length: 3 }, () => new TextSink())
  for (const [i, start] of (['start', { last: 1 }, { foreign: 'x' }] as const).entries()) logs.follow(topic(), sinks[i]!, start)
  await settle()
  await logs.close()
  await settle()
  t.ok(sinks.every(({ text }) => text === ''))
  t.match(sinks.map(({ failure }) => failure), sinks.map(() => ({ code: 'SSE_ERR_STORE' })))
})

t.test('closed between two calls of a look', async t => {
  let isClosing = false
  let notify!: Notify
  const { logs, topic, store } = bed(store => new Proxy(store, {
    get: (target, name) => name === 'watch'
      ? async (_log: string, notified: Notify) => { notify = notified; return () => {} }
      : name === 'append' && isClosing
        ? async (...args: Parameters<Store['append']>) => {
          await logs.close()
          return args[1].length === 0 ? '9-9' : '9-10'
        }
        : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  const sink = new TextSink()
  logs.follow(topic(), sink, 'now')
  await settle()
  isClosing = true
  notify(null)
  await settle()
  t.equal(sink.text, '[now 1000000-0] ')
  await t.rejects(store.read('topic:t', null, { limit: 1 }), { code: 'UNAVAILABLE' })
})

t.test('the end of a run comes after its events, by live and by late readers, and frees them', async t => {
  const { logs, run, clock } = bed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  const [live, slow, late] = [new TextSink(), new TextSink(), new TextSink()]
  logs.follow(run(), live, 'start')
  const reader = logs.follow(run(), slow, 'start')
  await settle()
  slow.isWilling = false
  await writer!.append(event('a'))
  await settle()
  writer!.append(event('b')).catch(t.error)
  await writer!.end('complete')
  await settle()
  t.equal(live.text, 'a@1 b@2 [end complete]')
  t.equal(live.ended, true)
  t.equal(slow.text, 'a@1 ')
  slow.isWilling = true
  reader.resume()
  t.equal(slow.text, live.text)
  logs.follow(run(), late, 'start')
  await settle()
  t.equal(late.text, live.text)
  t.equal(logs.readersOf('run:r'), 0)
  await clock.advance(60_000)
  const another = new TextSink()
  logs.follow(run(), another, { after: '1000000-1' as Cursor })
  await settle()
  t.equal(another.text, 'b@2 [end complete]')
  await clock.advance(60_000)
  t.equal(clock.timers, 0, 'nobody looks after what has ended')
})

t.test('a dead producer: its readers see the run lost within the lease and a second, sealed by one of them', async t => {
  const { logs, run, clock, store } = bed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  const sinks = [new TextSink(), new TextSink()]
  for (const sink of sinks) logs.follow(run(), sink, 'start')
  await settle()
  await writer!.append(event('a'))
  await clock.advance(4_000)
  writer!.abandon()
  await clock.advance(LEASE - 4_000 - 100)
  t.ok(sinks.every(({ ended }) => ended === undefined))
  await clock.advance(1_100)
  for (const sink of sinks) {
    t.equal(sink.text, 'a@1 [end lost]')
    t.equal(sink.ended, false)
  }
  t.equal((await store.read('run:r', null, { limit: 100 })).entries.filter(({ kind }) => kind === 'end').length, 1)
})

t.test('a silent producer that lives is left alone, also where the store loses its lease or is down for long', async t => {
  let isDown = false
  let lost = 0
  const { logs, run, clock } = bed(store => new Proxy(store, {
    get: (target, name) => {
      if (isDown && (name === 'append' || name === 'read')) return () => Promise.reject(new StoreError('UNAVAILABLE', 'down'))
      if (name === 'read' && lost-- > 0) return async (...args: Parameters<Store['read']>) => ({ ...await target.read(...args), lease: null })
      return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
    }
  }))
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  const sink = new TextSink()
  logs.follow(run(), sink, 'start')
  await clock.advance(120_000)
  lost = 1
  await clock.advance(60_000)
  t.ok(lost < 1, 'a look found no lease')
  isDown = true
  await clock.advance(40_000)
  isDown = false
  await clock.advance(40_000)
  t.equal(sink.ended, undefined)
  await writer!.append(event('a'))
  await settle()
  t.equal(sink.text, 'a@1 ')
})

t.test('a run that does not exist, or is deleted: after 5 s its readers are told that no end will come', async t => {
  const { logs, run, clock } = bed()
  t.teardown(() => logs.close())
  const [now, start] = [new TextSink(), new TextSink()]
  logs.follow(run(), now, 'now')
  logs.follow(run(), start, 'start')
  await clock.advance(7_000)
  for (const sink of [now, start]) t.equal(sink.text, '[end gone]')

  await logs.claim('run:r', RUN)
  const [live, blocked] = [new TextSink(), new TextSink()]
  logs.follow(run(), live, 'now')
  blocked.isWilling = false
  const reader = logs.follow(run(), blocked, 'now')
  const pull = logs.pull(run(), 'now')
  await pull.next()
  await settle()
  await logs.delete('run:r', true)
  await clock.advance(7_000)
  t.match(live.text, /\[end gone\]$/)
  t.notMatch(blocked.text, /end/)
  reader.resume()
  await settle()
  t.match(blocked.text, /\[end gone\]$/)
  t.strictSame(await pull.next(), { end: null })
  t.equal(await pull.next(), null)
})

t.test('how it ends may differ by reader', async t => {
  const { logs, run } = bed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', RUN)
  const sink = new TextSink()
  logs.follow(run(), sink, 'start', (entry, id) => ({ last: Frames.of(`(${entry?.type} ${id?.slice(9)})`, 0), isGood: true }))
  await writer!.end('failed')
  await settle()
  t.equal(sink.text, '(failed 1000000-1)')
  t.equal(sink.ended, true)
})

t.test('places as presented', async t => {
  const { logs, topic } = bed()
  t.teardown(() => logs.close())
  const presentation = new TextPresentation()
  logs.follow(topic(presentation), new TextSink(), 'now')
  await settle()
  t.match(presentation.beginnings, [{ reason: 'now', gap: null, id: /^[\w-]{8}\.1000000-0$/ } satisfies Record<keyof Beginning, unknown>])
})
