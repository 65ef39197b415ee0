import t from 'tap'
import { type LogRecord } from '../../lib/log/store.ts'
import { memoryStore, MemoryStore } from '../../lib/store/memory.ts'
import { storeCases } from '../../lib/testing/store-cases.ts'

const event = (data: string): LogRecord => ({ kind: 'event', type: '', data, meta: '' })
const TTL = 60_000

for (const { name, run } of storeCases(() => {
  let skew = 0
  const store = new MemoryStore({}, () => Date.now() + skew)
  return { stores: [store, store], advance (ms) { skew += ms } }
})) {
  t.test(name, async t => {
    const skipped = await run()
    if (skipped !== undefined) t.comment(`skipped: ${skipped}`)
  })
}

t.test('defaults', async t => {
  t.strictSame(memoryStore().limits, { appendTimeout: 10_000, maxEventBytes: 262_144 })
  t.strictSame(memoryStore({ appendTimeout: 500, maxEventBytes: 1_000 }).limits, { appendTimeout: 500, maxEventBytes: 1_000 })
})

t.test('options out of range are refused where they are given', async t => {
  for (const options of [{ maxBytes: 0 }, { maxBytes: 1.5 }, { appendTimeout: 0 }, { appendTimeout: 60_000 }, { appendTimeout: NaN }, { maxEventBytes: -1 }, { maxbytes: 1_000 }, null] as object[]) {
    t.throws(() => memoryStore(options), { code: 'SSE_ERR_OPTION' }, JSON.stringify(options))
  }
})

t.test('beyond maxBytes the log that was unused for longest goes, whole, and its watchers are told', async t => {
  const store = memoryStore({ maxBytes: 40_000 })
  const heard: string[] = []
  for (const log of ['a', 'b', 'c']) {
    await store.append(log, [event('x'.repeat(10_000))], { ttl: TTL })
    await store.watch(log, entries => { if (entries === null) heard.push(log) })
  }
  await store.read('a', null, { limit: 1 })
  await store.append('d', [event('x'.repeat(10_000))], { ttl: TTL })
  t.strictSame(heard, ['b'], 'a was read since')
  const exists = async (log: string) => (await store.read(log, null, { limit: 1 })).tail !== null
  t.strictSame(await Promise.all(['a', 'b', 'c', 'd'].map(exists)), [true, false, true, true])
})

t.test('a log larger than maxBytes stays as long as it is appended to', async t => {
  const store = memoryStore({ maxBytes: 10_000 })
  await store.append('a', [event('one')], { ttl: TTL })
  const id = await store.append('big', [event('x'.repeat(20_000))], { ttl: TTL })
  t.equal((await store.read('big', null, { limit: 1 })).tail?.id, id)
  t.equal((await store.read('a', null, { limit: 1 })).tail, null)
})

t.test('trimmed events and forgotten keys give their bytes back', async t => {
  let now = 0
  const store = new MemoryStore({ maxBytes: 100_000 }, () => now)
  await store.append('other', [event('one')], { ttl: 1e9 })
  for (let n = 0; n < 1_000; n++) {
    now += 1_000
    await store.append('a', [event('x'.repeat(1_000))], { ttl: 10_000, maxEvents: 10, idempotencyKey: `${n}` })
  }
  t.not((await store.read('other', null, { limit: 1 })).tail, null)
})

t.test('logs that expired are dropped as others are appended to', async t => {
  let now = 0
  const store = new MemoryStore({ maxBytes: 1e9 }, () => now)
  const gone = new Set<string>()
  for (let n = 0; n < 100; n++) {
    await store.append(`${n}`, [event('one')], { ttl: 1_000 })
    await store.watch(`${n}`, () => gone.add(`${n}`))
  }
  now = 1_000
  for (let n = 0; n < 60; n++) await store.append('live', [event('two')], { ttl: 1e9, maxEvents: 1 })
  t.equal(gone.size, 100)
})

t.test('a publisher that was silent for a minute is forgotten once there are many', async t => {
  let now = 0
  const store = new MemoryStore({}, () => now)
  const publish = (publisher: string) => store.append('a', [event('one')], { ttl: 1e9, token: { publisher, sequence: 1 } })
  const old = await publish('old')
  t.equal(await publish('old'), old)
  now = 60_001
  for (let n = 0; n < 64; n++) await publish(`${n}`)
  t.not(await publish('old'), old)
})
