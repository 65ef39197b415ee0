import t from 'tap'
import { type AppendOptions, type Cursor, type LogRecord, type Store, StoreError } from '../../lib/log/store.ts'
import { bed, event, settle, TTL } from './helpers.ts'

const MANY = { ttl: TTL, maxEvents: 1_000 }
const down = new StoreError('UNAVAILABLE', 'down')

interface Call { readonly records: readonly LogRecord[], readonly options: AppendOptions }

/** A store whose appends go through a function; it keeps the calls. */
function through (append: (call: Call, go: () => Promise<Cursor>, n: number) => Promise<Cursor>): { calls: Call[], wrap: (store: Store) => Store } {
  const calls: Call[] = []
  return {
    calls,
    wrap: store => new Proxy(store, {
      get (target, name) {
        if (name !== 'append') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
        return (log: string, records: readonly LogRecord[], options: AppendOptions) => {
          calls.push({ records, options })
          return append(calls.at(-1)!, () => target.append(log, records, options), calls.length)
        }
      }
    })
  }
}

const textsOf = (calls: readonly Call[]) => calls.map(({ records }) => records.map(({ data }) => data).join(' '))

t.test('one append in flight for a log: of what was published in one turn, then of what came meanwhile, in the order of the calls', async t => {
  const { calls, wrap } = through(async (_, go) => {
    await settle()
    return go()
  })
  const { logs } = bed(wrap)
  t.teardown(() => logs.close())
  const publish = (texts: string) => Array.from(texts, data => logs.publish('topic:t', event(data), MANY))
  const first = publish('ab')
  await Promise.resolve()
  t.strictSame(textsOf(calls), ['a b'])
  const ids = await Promise.all([...first, ...publish('cde')])
  t.strictSame(ids, [1, 2, 3, 4, 5].map(seq => `1000000-${seq}`))
  t.strictSame(textsOf(calls), ['a b', 'c d e'])
})

t.test('logs do not wait for each other', async t => {
  const { calls, wrap } = through((_, go) => settle().then(go))
  const { logs } = bed(wrap)
  t.teardown(() => logs.close())
  await Promise.all(['x', 'y'].map(log => logs.publish(log, event(log), MANY)))
  t.strictSame(textsOf(calls), ['x', 'y'])
})

t.test('batches are bounded, by records and by text', async t => {
  const { calls, wrap } = through((_, go) => settle().then(go))
  const { logs } = bed(wrap)
  t.teardown(() => logs.close())
  await Promise.all([
    ...Array.from({ length: 1_202 }, () => logs.publish('topic:t', event('x'), MANY)),
    ...Array.from({ length: 4 }, () => logs.publish('topic:t', event('x'.repeat(200_000)), MANY))
  ])
  t.strictSame(calls.map(({ records }) => records.length), [500, 500, 204, 2])
})

t.test('an append with an idempotency key is alone', async t => {
  const { calls, wrap } = through((_, go) => settle().then(go))
  const { logs } = bed(wrap)
  t.teardown(() => logs.close())
  const publish = (data: string, idempotencyKey?: string) => logs.publish('topic:t', event(data), { ...MANY, idempotencyKey })
  const ids = await Promise.all([publish('a'), publish('b'), publish('c', 'k'), publish('d', 'k'), publish('e'), publish('f')])
  t.strictSame(textsOf(calls), ['a b', 'c', 'd', 'e f'])
  t.equal(ids[2], ids[3])
  t.strictSame(ids.map(id => id.split('-')[1]), ['1', '2', '3', '3', '4', '5'])
})

t.test('an append whose answer was lost is repeated with its token, and is written once', async t => {
  const { calls, wrap } = through(async (_, go, n) => {
    const id = await go()
    if (n < 4) throw down
    return id
  })
  const { logs, clock, store, reports } = bed(wrap)
  t.teardown(() => logs.close())
  const publishing = logs.publish('topic:t', event('a'), MANY)
  await Promise.resolve()
  const next = logs.publish('topic:t', event('b'), MANY)
  await clock.advance(1_000)
  t.equal(await publishing, '1000000-1')
  t.equal(await next, '1000000-2')
  t.strictSame(textsOf(calls), ['a', 'a', 'a', 'a', 'b'])
  t.equal(new Set(calls.map(({ options }) => JSON.stringify(options.token))).size, 2)
  t.strictSame((await store.read('topic:t', null, { limit: 10 })).entries.map(({ data }) => data), ['', 'a', 'b'])
  t.strictSame(reports, ['down: down', 'up'])
})

t.test('a store that stays down: SSE_ERR_STORE within appendTimeout', async t => {
  const { calls, wrap } = through(() => Promise.reject(down))
  const { logs, clock } = bed(wrap)
  t.teardown(() => logs.close())
  const start = clock.time
  let failedAt = 0
  const publishing = logs.publish('topic:t', event('a'), MANY)
  publishing.catch(() => { failedAt = clock.time })
  await clock.advance(20_000)
  await t.rejects(publishing, { code: 'SSE_ERR_STORE', statusCode: 503, cause: down, message: /within its appendTimeout of 10000 ms; what was to be written may be in it all the same/ })
  t.ok(failedAt - start > 9_000 && failedAt - start <= 10_000, `after ${failedAt - start} ms`)
  t.ok(calls.length > 15 && calls.length < 40, `${calls.length} tries`)
})

t.test('a store that hangs: SSE_ERR_STORE within appendTimeout, and what waited behind has a fair try', async t => {
  const { wrap } = through((_, go, n) => n === 1 ? new Promise(() => {}) : go())
  const { logs, clock } = bed(wrap)
  t.teardown(() => logs.close())
  const first = logs.publish('topic:t', event('a'), MANY)
  await Promise.resolve()
  const second = logs.publish('topic:t', event('b'), MANY)
  const check = t.rejects(first, { code: 'SSE_ERR_STORE' })
  await clock.advance(10_100)
  await check
  t.equal(await second, '1010000-1')
})

t.test('what the store refuses is thrown as it is, and the next goes on', async t => {
  const { wrap } = through((_, go, n) => n === 1 ? Promise.reject(new TypeError('a bug')) : go())
  const { logs } = bed(wrap)
  t.teardown(() => logs.close())
  const first = logs.publish('topic:t', event('a'), MANY)
  await Promise.resolve()
  const second = logs.publish('topic:t', event('b'), MANY)
  await t.rejects(first, { message: 'a bug' })
  t.equal(await second, '1000000-1')
})

t.test('closed: what waits fails, and what comes later', async t => {
  const { wrap } = through(() => Promise.reject(down))
  const { logs, clock } = bed(wrap)
  const isRefused = (publishing: Promise<Cursor>) => t.rejects(publishing, { code: 'SSE_ERR_STORE', message: /closed/ })
  const checks = [isRefused(logs.publish('topic:t', event('a'), MANY))]
  await settle()
  checks.push(isRefused(logs.publish('topic:t', event('b'), MANY)))
  await logs.close()
  await clock.advance(1_000)
  await Promise.all(checks)
  await t.rejects(logs.publish('topic:t', event('c'), MANY), { code: 'SSE_ERR_STORE' })
})
