import t from 'tap'
import { type Cursor, type Store, StoreError } from '../../lib/log/store.ts'
import { ChaosStore, randomOf } from './chaos.ts'
import { ModelStore } from '../store/model.ts'
import { bed, event, LEASE, ManualClock, processOf, TTL } from './helpers.ts'

const RUN = { ttl: TTL, lease: LEASE }

/** Two processes on one store. */
function two (wrap: (store: Store) => Store = store => store) {
  const clock = new ManualClock()
  const model = new ModelStore(clock.now)
  const [one, other] = [processOf(wrap(model), clock), processOf(model, clock)]
  return { clock, model, one: one.logs, other: other.logs }
}

const kindsOf = async (model: ModelStore) => (await model.read('run:r', null, { limit: 100 })).entries.map(({ kind, type }) => kind === 'end' ? type : kind)

t.test('of any number of claims in two processes exactly one starts, over a connection on which anything is lost', async t => {
  for (let seed = 0; seed < 30; seed++) {
    const clock = new ManualClock()
    const model = new ModelStore(clock.now)
    const processes = [1, 2].map(n => processOf(new ChaosStore(model, randomOf(seed * n)), clock).logs)
    const claims = Array.from({ length: 20 }, (_, i) => processes[i % 2]!.claim('run:r', RUN))
    await clock.advance(9_000)
    const outcomes = (await Promise.all(claims)).map(({ outcome }) => outcome)
    if (outcomes.filter(outcome => outcome === 'started').length !== 1) t.fail(`seed ${seed}`, { outcomes })
    for (const logs of processes) await logs.close()
  }
  t.pass('30 rounds of 20 claims')
})

t.test('a run that ended is not started again', async t => {
  const { one, other } = two()
  const { writer } = await one.claim('run:r', RUN)
  t.strictSame(await other.claim('run:r', RUN), { outcome: 'running' })
  await writer!.end('complete')
  t.strictSame(await other.claim('run:r', RUN), { outcome: 'ended' })
  t.strictSame(await one.claim('run:r', RUN), { outcome: 'ended' })
})

t.test('a run that was deleted may be started again, in a later epoch, also within the same ms', async t => {
  const { one, model } = two()
  const first = await one.claim('run:r', RUN)
  await one.delete('run:r', true)
  t.match(first.writer!.signal.reason, { code: 'SSE_ERR_STOPPED' }, 'its producer is told')
  const second = await one.claim('run:r', RUN)
  t.equal(second.outcome, 'started')
  t.strictSame(await kindsOf(model), ['open'])
  t.equal(second.writer!.last, '1000001-0')
})

t.test('stop, in the process of the producer: its signal fires at once, what was appended before is kept', async t => {
  const { one, other, model } = two()
  const { writer } = await one.claim('run:r', RUN)
  writer!.append(event('a')).catch(t.error)
  const stopping = one.stop('run:r', RUN)
  t.match(writer!.signal.reason, { code: 'SSE_ERR_STOPPED', name: 'AbortError' })
  t.equal(await stopping, true)
  t.strictSame(await kindsOf(model), ['open', 'event', 'stopped'])
  t.equal(await other.stop('run:r', RUN), false)
  t.equal(await one.stop('run:r', RUN), false)
})

t.test('stop: a run that does not exist was not running', async t => {
  const { one } = two()
  t.equal(await one.stop('run:r', RUN), false)
})

t.test('stop: an end that is on its way comes first, or is fenced', async t => {
  const { one, model } = two()
  const { writer } = await one.claim('run:r', RUN)
  const ending = writer!.end('complete').then(() => 'complete', () => 'stopped')
  const stopping = one.stop('run:r', RUN)
  const state = await ending
  t.equal(await stopping, state === 'stopped')
  t.equal((await kindsOf(model)).at(-1), state)
})

t.test('stop from elsewhere while the producer appends: it is stopped all the same', async t => {
  const { one, other, model } = two()
  const { writer } = await one.claim('run:r', RUN)
  // The tail has always moved on since it was looked at.
  const append = model.append.bind(model)
  model.append = async (log, records, options) => {
    if (records[0]?.kind === 'open') await writer!.append(event('more'))
    return append(log, records, options)
  }
  t.equal(await other.stop('run:r', RUN), true)
  t.strictSame(await kindsOf(model), ['open', 'event', 'open', 'stopped'])
  const { entries } = await model.read('run:r', null, { limit: 9 })
  t.equal(entries[2]!.type, entries[1]!.id, 'readers go on without a gap')
})

t.test('stop from elsewhere, when another epoch was opened, or the log deleted, since it looked', async t => {
  const { one, other, model } = two()
  await one.claim('run:r', RUN)
  const read = model.read.bind(model)
  const meanwhile = (act: (tail: Cursor) => Promise<unknown>) => {
    model.read = async (...args) => {
      const slice = await read(...args)
      model.read = read
      await act(slice.tail!.id)
      return slice
    }
  }
  meanwhile(after => model.append('run:r', [{ kind: 'open', type: after, data: 'x', meta: '' }], { ...RUN, first: '9000000-0', after }))
  t.equal(await other.stop('run:r', RUN), true)
  t.strictSame(await kindsOf(model), ['open', 'open', 'open', 'stopped'])
  await one.delete('run:r', true)
  await one.claim('run:r', RUN)
  meanwhile(() => one.delete('run:r', true))
  t.equal(await other.stop('run:r', RUN), false)
})

t.test('stop from elsewhere, as the run ends: it was not running', async t => {
  const { one, other, model } = two()
  const { writer } = await one.claim('run:r', RUN)
  const read = model.read.bind(model)
  let isFirst = true
  model.read = async (...args) => {
    const slice = await read(...args)
    if (isFirst) {
      isFirst = false
      await writer!.end('complete')
    }
    return slice
  }
  t.equal(await other.stop('run:r', RUN), false)
  t.strictSame(await kindsOf(model), ['open', 'complete'])
})

t.test('calls fail with SSE_ERR_STORE where the store is down', async t => {
  let isDown = false
  const { one, clock } = two(store => new Proxy(store, {
    get: (target, name) => isDown && ['append', 'read', 'delete'].includes(String(name)) ? () => Promise.reject(new StoreError('UNAVAILABLE', 'down')) : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  await one.claim('run:r', RUN)
  isDown = true
  for (const call of [() => one.stop('run:r', RUN), () => one.stop('run:other', RUN), () => one.delete('run:other', true), () => one.look('run:other', RUN), () => one.claim('run:other', RUN)]) {
    const check = t.rejects(async () => { await call() }, { code: 'SSE_ERR_STORE' })
    await clock.advance(11_000)
    await check
  }
})

t.test('errors that are none of a store\'s come out as they are', async t => {
  const { one, model } = two()
  const append = model.append.bind(model)
  model.append = () => Promise.reject(new TypeError('a bug'))
  await t.rejects(one.claim('run:r', RUN), { message: 'a bug' })
  model.append = append
  await append('run:r', [{ kind: 'open', type: '', data: 'x', meta: '' }], { ...RUN, first: '5-0', after: null })
  model.append = () => Promise.reject(new TypeError('a bug'))
  await t.rejects(one.stop('run:r', RUN), { message: 'a bug' })
})

t.test('a producer without a lease at two looks is sealed as lost, also where nobody reads', async t => {
  const { one, other, model, clock } = two()
  const { writer } = await one.claim('run:r', RUN)
  await writer!.append(event('a'))
  writer!.abandon()
  await clock.advance(LEASE + 1)
  const looking = other.look('run:r', RUN)
  await clock.advance(LEASE / 3 + 1)
  t.match((await looking)!.tail, { kind: 'end', type: 'lost' })
  t.strictSame(await kindsOf(model), ['open', 'event', 'open', 'lost'])
})

t.test('a claim of a run whose producer is dead finds it ended', async t => {
  const { one, other, clock } = two()
  const { writer } = await one.claim('run:r', RUN)
  writer!.abandon()
  await clock.advance(LEASE + 1)
  const claiming = other.claim('run:r', RUN)
  await clock.advance(LEASE / 3 + 1)
  t.strictSame(await claiming, { outcome: 'ended' })
})

t.test('a lease that only the store lost: the producer renews it between two looks', async t => {
  const { one, other, model, clock } = two()
  await one.claim('run:r', RUN)
  model.rollBack(model.save())
  model.read = (read => async (...args: Parameters<typeof read>) => ({ ...await read(...args), ...clock.time < 1_000_010 ? { lease: null } : {} }))(model.read.bind(model))
  const looking = other.look('run:r', RUN)
  await clock.advance(LEASE / 3 + 100)
  t.equal((await looking)!.tail.kind, 'open')
})

t.test('a producer that appends between two looks is alive', async t => {
  const { one, other, model, clock } = two()
  const { writer } = await one.claim('run:r', RUN)
  model.read = (read => async (...args: Parameters<typeof read>) => ({ ...await read(...args), lease: null }))(model.read.bind(model))
  const looking = other.look('run:r', RUN)
  await writer!.append(event('a'))
  await clock.advance(LEASE / 3 + 100)
  t.equal((await looking)!.tail.kind, 'event')
})

t.test('of two that seal a lost run one does', async t => {
  const { one, other, model, clock } = two()
  const { writer } = await one.claim('run:r', RUN)
  writer!.abandon()
  await clock.advance(LEASE + 1)
  const looks = [one.look('run:r', RUN), other.look('run:r', RUN)]
  await clock.advance(LEASE / 3 + 1)
  for (const look of looks) t.match((await look)!.tail, { type: 'lost' })
  t.strictSame(await kindsOf(model), ['open', 'open', 'lost'])
})

t.test('peek shows where a reader would be, or null when the store takes too long', async t => {
  let hangs = false
  const { logs, clock } = bed(store => new Proxy(store, {
    get: (target, name) => hangs && name === 'read' ? () => new Promise(() => {}) : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
  }))
  await logs.publish('topic:t', event('a'), { ttl: TTL, maxEvents: 10 })
  t.match(await logs.peek('topic:t', '1000000-0', 2_000), { entries: [{ data: 'a' }], tail: { data: 'a' } })
  t.match(await logs.peek('topic:other', null, 2_000), { entries: [], tail: null })
  hangs = true
  const peeking = logs.peek('topic:t', null, 2_000)
  await clock.advance(2_000)
  t.equal(await peeking, null)
  t.strictSame(logs.limits, { appendTimeout: 10_000, maxEventBytes: 262_144 })
})

t.test('closed: runs of this process are left to their lease', async t => {
  const { one } = two()
  const { writer } = await one.claim('run:r', RUN)
  await one.close()
  t.match(writer!.signal.reason, { code: 'SSE_ERR_STORE' })
})

t.test('a producer that appends just before it is sealed as lost goes on', async t => {
  const { other, model, clock } = two()
  await model.append('run:r', [{ kind: 'open', type: '', data: 'x', meta: '' }], { ttl: TTL, first: '5-0', after: null })
  const append = model.append.bind(model)
  model.append = async (log, records, options) => {
    model.append = append
    await append(log, [event('a')], { ...RUN, first: '5-1' })
    return append(log, records, options)
  }
  const looking = other.look('run:r', RUN)
  await clock.advance(LEASE / 3)
  t.equal((await looking)!.tail.id, '5-1')
  t.strictSame(await kindsOf(model), ['open', 'event'])
})

t.test('a seal that fails as no store should fails the look', async t => {
  const { other, model, clock } = two()
  await model.append('run:r', [{ kind: 'open', type: '', data: 'x', meta: '' }], { ttl: TTL, first: '5-0', after: null })
  model.append = () => Promise.reject(new TypeError('a bug'))
  const check = t.rejects(other.look('run:r', RUN), { message: 'a bug' })
  await clock.advance(LEASE / 3)
  await check
})
