import t from 'tap'
import { Alarms } from '../../lib/log/clock.ts'
import { StoreGate } from '../../lib/log/gate.ts'
import { type Slice, type Store, StoreError } from '../../lib/log/store.ts'
import { MemoryStore } from '../../lib/store/memory.ts'
import { ManualClock, settle } from './helpers.ts'

const EMPTY: Slice = { entries: [], tail: null, lease: null }
const always = (): boolean => true

/** A gate to a store whose reads settle by hand. */
function gateOf () {
  const clock = new ManualClock()
  const alarms = new Alarms(clock)
  const reports: string[] = []
  const reads: Array<{ log: string, resolve: (slice: Slice) => void, reject: (error: unknown) => void }> = []
  const store: Store = Object.assign(new MemoryStore(), {
    read: (log: string) => new Promise<Slice>((resolve, reject) => reads.push({ log, resolve, reject }))
  })
  const gate = new StoreGate(store, clock, alarms, { onDown: error => reports.push((error as Error).message), onUp: () => reports.push('up') })
  const read = (log: string, isWanted = always) => gate.read(log, null, { limit: 1 }, isWanted)
  return { clock, gate, read, reads, reports }
}

const down = new StoreError('UNAVAILABLE', 'down')

t.test('64 reads are in flight at most, the others have their turn', async t => {
  const { read, reads } = gateOf()
  const all = Array.from({ length: 200 }, (_, i) => read(`${i}`))
  t.equal(reads.length, 64)
  for (let i = 0; i < 200; i++) {
    reads[i]!.resolve(EMPTY)
    await settle()
  }
  t.strictSame(await Promise.all(all), all.map(() => EMPTY))
  t.strictSame(reads.map(({ log }) => log), all.map((_, i) => `${i}`), 'in the order of the calls')
})

t.test('down: one read at a time, less and less often, reported once; up: reported once, and all go on', async t => {
  const { clock, read, reads, reports } = gateOf()
  const all = Array.from({ length: 100 }, (_, i) => read(`${i}`))
  for (const { reject } of reads.slice()) reject(down)
  await settle()
  t.equal(reads.length, 64, 'nothing is tried at once')
  await clock.advance(200)
  t.equal(reads.length, 65, 'then one')
  for (let tries = 0; tries < 10; tries++) {
    reads.at(-1)!.reject(down)
    await settle()
    const before = reads.length
    await clock.advance(2_500)
    t.equal(reads.length, before + 1)
  }
  t.strictSame(reports, ['down'])
  reads.at(-1)!.resolve(EMPTY)
  await settle()
  t.strictSame(reports, ['down', 'up'])
  t.equal(reads.length, 75 + 64)
  for (let i = 75; i < reads.length; i++) {
    reads[i]!.resolve(EMPTY)
    await settle()
  }
  await Promise.all(all)
  t.strictSame(reports, ['down', 'up'])
})

t.test('an append that gets through ends the wait', async t => {
  const { gate, read, reads } = gateOf()
  const one = read('a')
  reads[0]!.reject(down)
  await settle()
  gate.succeeded()
  t.equal(reads.length, 2)
  reads[1]!.resolve(EMPTY)
  await one
})

t.test('a read that is not wanted any more is not made', async t => {
  const { read, reads } = gateOf()
  t.equal(await read('a', () => false), null)
  t.equal(reads.length, 0)
})

t.test('a read that hangs counts as unavailable, and its slot is free again', async t => {
  const { clock, read, reads, reports } = gateOf()
  const one = read('a')
  await clock.advance(10_100)
  t.match(reports, [/did not answer within 10000 ms/])
  await clock.advance(500)
  t.equal(reads.length, 2)
  reads[1]!.resolve(EMPTY)
  t.equal(await one, EMPTY)
  reads[0]!.resolve(EMPTY)
})

t.test('any other error goes to who asked', async t => {
  const { read, reads, reports } = gateOf()
  const one = read('a')
  reads[0]!.reject(new TypeError('a bug'))
  await t.rejects(one, { message: 'a bug' })
  t.strictSame(reports, [])
})

t.test('closed: what waits, fails or comes later resolves to null, and nothing is reported', async t => {
  const { clock, gate, read, reads, reports } = gateOf()
  const all = Array.from({ length: 70 }, (_, i) => read(`${i}`))
  gate.close()
  for (const { reject } of reads) reject(down)
  t.strictSame(await Promise.all(all), all.map(() => null))
  t.equal(await read('b'), null)
  t.strictSame(reports, [])
  t.equal(clock.timers, 1, 'that of the reads in flight')
})

t.test('closed while it waits for the store: no timer is left', async t => {
  const { clock, gate, read, reads } = gateOf()
  const one = read('a')
  reads[0]!.reject(down)
  await settle()
  gate.close()
  t.equal(await one, null)
  await clock.advance(20_000)
  t.equal(reads.length, 1)
})
