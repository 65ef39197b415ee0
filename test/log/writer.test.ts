import t from 'tap'
import { RepairWindow } from '../../lib/log/repair.ts'
import { type LogRecord, StoreError } from '../../lib/log/store.ts'
import { type Writer } from '../../lib/log/writer.ts'
import { ModelStore } from '../store/model.ts'
import { type Bed, event, LEASE, ManualClock, processOf, settle, TTL } from './helpers.ts'

const RUN = { ttl: TTL, lease: LEASE }

interface Fault { append: 'down' | 'hangs' | undefined, read: 'down' | undefined, watch: Error | undefined }

/** Two processes on one store, the first of which has claimed a run; its connection may be cut. */
async function claimed (): Promise<Bed & { model: ModelStore, writer: Writer, other: Bed, fault: Fault }> {
  const clock = new ManualClock()
  const model = new ModelStore(clock.now)
  const fault: Fault = { append: undefined, read: undefined, watch: undefined }
  const down = () => Promise.reject(new StoreError('UNAVAILABLE', 'down'))
  const store = {
    limits: model.limits,
    append: (...args: Parameters<ModelStore['append']>) => fault.append === 'hangs' ? new Promise<never>(() => {}) : fault.append === 'down' ? down() : model.append(...args),
    read: (...args: Parameters<ModelStore['read']>) => fault.read === 'down' ? down() : model.read(...args),
    watch: (...args: Parameters<ModelStore['watch']>) => fault.watch === undefined ? model.watch(...args) : Promise.reject(fault.watch),
    delete: (log: string) => model.delete(log),
    close: () => model.close()
  }
  const bed = processOf(store, clock)
  const { writer } = await bed.logs.claim('run:r', RUN)
  return { ...bed, model, writer: writer!, other: processOf(model, clock), fault }
}

const dataOf = async (model: ModelStore) => (await model.read('run:r', null, { limit: 1_000 })).entries.map(({ kind, type, data }) => kind === 'event' ? data : kind === 'end' ? type : kind)

t.test('records are appended in order, and what waits goes in one append', async t => {
  const { writer, model } = await claimed()
  t.equal(writer.last, '1000000-0')
  t.strictSame(await Promise.all(Array.from('abc', data => writer.append(event(data)))), ['1000000-1', '1000000-2', '1000000-3'])
  t.equal(writer.last, '1000000-3')
  t.strictSame(await dataOf(model), ['open', 'a', 'b', 'c'])
})

t.test('the end is one append with the last events, and nothing follows it', async t => {
  const { writer, model } = await claimed()
  const hints: number[] = []
  await model.watch('run:r', entries => hints.push(entries!.length))
  writer.append(event('a')).catch(t.error)
  writer.append(event('b')).catch(t.error)
  t.equal(await writer.end('complete', '{"ok":true}'), '1000000-3')
  t.strictSame(hints, [1, 2])
  await t.rejects(writer.append(event('c')), { code: 'ENDED' })
  t.notOk(writer.signal.aborted)
  t.strictSame(await dataOf(model), ['open', 'a', 'b', 'complete'])
})

t.test('a batch has at most 500 records, or about half a megabyte; a source that is faster waits', async t => {
  const { writer, model } = await claimed()
  const hints: number[] = []
  await model.watch('run:r', entries => hints.push(entries!.length))
  t.equal(await writer.drained(), undefined)
  const all = Array.from({ length: 1_100 }, () => writer.append(event('x')))
  t.ok(writer.isFull)
  await writer.drained()
  t.ok(hints.length >= 2 && hints.length < 4, 'drained when the rest is one batch')
  await Promise.all(all)
  t.strictSame(hints, [1, 500, 500, 99])
  await Promise.all(Array.from({ length: 4 }, () => writer.append(event('x'.repeat(200_000)))))
  t.strictSame(hints.slice(4), [1, 2, 1])
})

t.test('the lease is renewed while the source is silent, and only then', async t => {
  const { writer, model, clock } = await claimed()
  const leaseOf = async () => (await model.read('run:r', null, { limit: 1 })).lease
  for (let n = 0; n < 10; n++) {
    await clock.advance(5_100)
    t.ok((await leaseOf())! > LEASE / 2)
  }
  await writer.append(event('a'))
  await clock.advance(4_000)
  t.equal(await leaseOf(), LEASE - 4_000, 'by an append too')
  await writer.end('complete')
  await clock.advance(60_000)
  t.equal(clock.timers, 0, 'no timer is left')
})

t.test('a renewal while the store is down is tried until it is back, and does not hold up an append', async t => {
  const { writer, model, clock, fault, reports } = await claimed()
  fault.append = 'down'
  await clock.advance(8_000)
  t.match(reports, [/down/])
  const appending = writer.append(event('a'))
  await clock.advance(3_000)
  fault.append = undefined
  await clock.advance(1_000)
  t.equal(await appending, '1000000-1')
  t.match(reports, [/down/, 'up'])
  t.strictSame(await dataOf(model), ['open', 'a'])
})

t.test('an append that the store does not acknowledge within appendTimeout fails the run', async t => {
  for (const fault of ['down', 'hangs'] as const) {
    const bed = await claimed()
    bed.fault.append = fault
    const appending = bed.writer.append(event('a'))
    const next = bed.writer.append(event('b'))
    const checks = [appending, next].map(async one => t.rejects(one, { code: 'SSE_ERR_STORE' }))
    await bed.clock.advance(11_000)
    await Promise.all(checks)
    t.match(bed.writer.signal.reason, { code: 'SSE_ERR_STORE' })
    await t.rejects(bed.writer.append(event('c')), { code: 'SSE_ERR_STORE' })
    await bed.clock.advance(60_000)
    t.equal(bed.clock.timers, 0)
  }
})

t.test('stopped from another process: its signal fires at once, also while it is silent', async t => {
  const { writer, other, model } = await claimed()
  await writer.append(event('a'))
  t.equal(await other.logs.stop('run:r', RUN), true)
  await settle()
  t.match(writer.signal.reason, { name: 'AbortError', code: 'SSE_ERR_STOPPED' })
  await t.rejects(writer.append(event('b')), { code: 'SSE_ERR_STOPPED' })
  t.strictSame(await dataOf(model), ['open', 'a', 'open', 'stopped'])
})

t.test('fenced by another epoch: SSE_ERR_LOST, with the refusal as the cause', async t => {
  const { writer, model } = await claimed()
  await model.append('run:r', [{ kind: 'open', type: '1000000-0', data: 'other', meta: '' }], { ...RUN, first: '2000000-0', after: '1000000-0' })
  await settle()
  t.match(writer.signal.reason, { code: 'SSE_ERR_LOST', cause: { code: 'FENCED' } })
})

t.test('fenced, and the store cannot say by whom: SSE_ERR_LOST', async t => {
  const { writer, model, fault, clock } = await claimed()
  fault.read = 'down'
  await model.append('run:r', [{ kind: 'open', type: '1000000-0', data: 'other', meta: '' }], { ...RUN, first: '2000000-0', after: '1000000-0' })
  await clock.advance(3_000)
  t.match(writer.signal.reason, { code: 'SSE_ERR_LOST' })
})

t.test('what the store lost is appended again under the same ids', async t => {
  for (const saved of [0, 2, 5]) {
    const { writer, model } = await claimed()
    let restore = model.save()
    for (let n = 1; n <= 5; n++) {
      await writer.append(event(`${n}`))
      if (n === saved) restore = model.save()
    }
    model.rollBack(restore)
    await settle()
    t.strictSame(await dataOf(model), ['open', '1', '2', '3', '4', '5'], `rolled back to ${saved}`)
    t.equal(await writer.append(event('6')), '1000000-6')
    t.notOk(writer.signal.aborted)
  }
})

t.test('a store that forgot the log gets all of it', async t => {
  const { writer, model } = await claimed()
  await writer.append(event('1'))
  await model.delete('run:r')
  t.equal(await writer.append(event('2')), '1000000-2')
  t.strictSame(await dataOf(model), ['open', '1', '2'])
})

t.test('a run that another process deleted is not written again: its producer is stopped', async t => {
  const { writer, other, model, clock } = await claimed()
  await writer.append(event('1'))
  await other.logs.delete('run:r', true)
  await settle()
  t.match(writer.signal.reason, { code: 'SSE_ERR_STOPPED' })
  await t.rejects(writer.append(event('2')), { code: 'SSE_ERR_STOPPED' })
  t.strictSame(await dataOf(model), [])
  await clock.advance(1)
  const { writer: next } = await other.logs.claim('run:r', RUN)
  await next!.append(event('3'))
  await model.delete('run:r')
  t.equal(await next!.append(event('4')), '1000001-2', 'a run that was started afterwards is repaired as ever')
})

t.test('of a run that its producer has ended, no deletion is remembered', async t => {
  const { writer, other, model } = await claimed()
  const kept = async () => (await model.read('deleted:run:r', null, { limit: 1 })).tail
  await writer.end('complete')
  await other.logs.delete('run:r', true)
  t.equal(await kept(), null)
  const { writer: next } = await other.logs.claim('run:r', RUN)
  await next!.append(event('1'))
  await other.logs.delete('run:r', true)
  t.not(await kept(), null)
})

t.test('a store that cannot say whether a run was deleted has lost it', async t => {
  const { writer, model, fault } = await claimed()
  await writer.append(event('1'))
  fault.read = 'down'
  await model.delete('run:r')
  await settle()
  t.strictSame(await dataOf(model), ['open', '1'])
  t.notOk(writer.signal.aborted)
})

t.test('what was lost is too long ago to be appended again: SSE_ERR_LOST', async t => {
  const { writer, model, clock } = await claimed()
  for (let n = 0; n < 12; n++) {
    await writer.append(event('x'.repeat(10_000)))
    await clock.advance(1_000)
  }
  await model.delete('run:r')
  await t.rejects(writer.append(event('2')), { code: 'SSE_ERR_LOST', cause: { code: 'LOST' } })
})

t.test('an error that is not a StoreError is passed on as it is', async t => {
  const { writer, model } = await claimed()
  model.append = () => Promise.reject(new TypeError('a bug'))
  await t.rejects(writer.append(event('1')), { message: 'a bug' })
  t.match(writer.signal.reason, { message: 'a bug' })
})

t.test('a store that cannot watch fails the run', async t => {
  const bed = await claimed()
  bed.fault.watch = new TypeError('no watch')
  const { writer } = await bed.logs.claim('run:other', RUN)
  await settle()
  t.match(writer!.signal.reason, { message: 'no watch' })
})

t.test('abandoned: no more is appended, waiting appends fail, and no timer is left', async t => {
  const { writer, model, fault, clock } = await claimed()
  fault.append = 'hangs'
  const appending = writer.append(event('a'))
  await settle()
  writer.abandon()
  writer.abandon()
  await t.rejects(appending, { code: 'SSE_ERR_STORE' })
  await clock.advance(60_000)
  t.strictSame(await dataOf(model), ['open'])
  t.equal(clock.timers, 0)
})

t.test('a source that waits for room goes on when the run fails', async t => {
  const { writer, fault } = await claimed()
  fault.append = 'hangs'
  for (let n = 0; n < 600; n++) writer.append(event('x')).catch(() => {})
  const waiting = writer.drained()
  writer.abandon()
  t.equal(await waiting, undefined)
  t.equal(await writer.drained(), undefined)
})

t.test('abandoned before it watches: nothing is watched', async t => {
  const { logs, clock, model } = await claimed()
  let watched = 0
  const watch = model.watch.bind(model)
  model.watch = async (...args) => {
    await settle()
    const stop = await watch(...args)
    watched++
    return () => { watched--; stop() }
  }
  const { writer } = await logs.claim('run:other', RUN)
  writer!.abandon()
  await clock.advance(100)
  t.equal(watched, 0)
})

t.test('the repair window keeps all of a short run, 5 s of a longer one, and a megabyte of a fast one', async t => {
  const window = new RepairWindow()
  const record = (length: number): LogRecord => event('x'.repeat(length))
  for (let n = 0; n < 10; n++) window.add([record(1_000)], n * 60_000)
  t.strictSame([window.first, window.next], [0, 10])
  for (let n = 0; n < 200; n++) window.add([record(1_000)], 600_000 + n * 100)
  t.ok(window.next - window.first >= 50 && window.next - window.first < 65, `${window.next - window.first} of 50 within 5 s`)
  t.equal(window.since(window.next - 3).length, 3)
  for (let n = 0; n < 3_000; n++) window.add([record(1_000)], 700_000)
  t.ok(window.next - window.first < 1_000, `${window.next - window.first} KB`)
})
