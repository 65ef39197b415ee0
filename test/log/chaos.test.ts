import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { positionOf } from '../../lib/log/cursor.ts'
import { type Logs } from '../../lib/log/logs.ts'
import { type Beginning, type Presentation, type Reader, type ReaderSink, type StartAt } from '../../lib/log/reading.ts'
import { type Cursor, type LogEntry } from '../../lib/log/store.ts'
import { Frames } from '../../lib/wire/frames.ts'
import { ModelStore } from '../store/model.ts'
import { ChaosStore, randomOf } from './chaos.ts'
import { event, LEASE, ManualClock, processOf, TTL } from './helpers.ts'

/** One line for each frame: what it is, its id without the tag, and the payload. */
const presentation: Presentation = {
  hasSnapshot: false,
  entry: ({ data }, id) => Frames.of(`event ${id.slice(9)} ${data}\n`, 1),
  begin: ({ reason, id }: Beginning) => reason === 'history' ? null : Frames.of(`${reason} ${id.slice(9)}\n`, 0),
  end: (entry: LogEntry | null, id) => ({ last: Frames.of(`end ${id?.slice(9)} ${entry?.type}\n`, 0), isGood: true })
}

/** A client that comes back with its last id whenever it is cut, also in the middle of a write. */
class Client implements ReaderSink {
  readonly lines: string[] = []
  direct = null
  isEnded = false
  failure: unknown
  reader: Reader | undefined
  readonly #random: () => number
  #lastId: Cursor | undefined
  #isCut = false

  constructor (random: () => number) {
    this.#random = random
  }

  writeFrames (frames: Frames): boolean {
    if (this.#isCut) return true
    const lines = frames.bytes.toString().split('\n').slice(0, -1)
    const isCut = this.#random() < 0.05
    const count = isCut ? Math.floor(this.#random() * lines.length) : lines.length
    this.lines.push(...lines.slice(0, count))
    const last = this.lines.at(-1)
    if (last !== undefined) this.#lastId = last.split(' ')[1] as Cursor
    if (isCut) this.#isCut = true
    return this.#random() < 0.8
  }

  onBlocked (): void {}

  end (last: Frames | null): void {
    if (this.#isCut) return
    this.lines.push(last!.bytes.toString().trim())
    this.isEnded = true
  }

  fail (error: unknown): void {
    this.failure = error
  }

  /** Reads on, from wherever it was. */
  step (follow: (sink: ReaderSink, start: StartAt) => Reader, start: StartAt): void {
    if (this.isEnded) return
    if (this.reader === undefined || this.#isCut) {
      this.reader?.stop()
      this.#isCut = false
      this.reader = follow(this, this.#lastId === undefined ? start : { after: this.#lastId })
    } else if (this.reader.isBlocked) {
      this.reader.resume()
    } else if (this.#random() < 0.02) {
      this.#isCut = true
    }
  }
}

/** Fails where two events in a row have others between them and no gap, or one came twice. */
function assertWhole ({ lines }: Client, opened: ReadonlyMap<number, string>): void {
  let place: Cursor | undefined
  for (const [i, line] of lines.entries()) {
    const [kind, id] = line.split(' ') as [string, Cursor]
    if (place !== undefined && (kind === 'event' || kind === 'end')) {
      const { epoch, seq } = positionOf(id)
      const before = positionOf(place)
      const isNext = (before.epoch === epoch && seq === before.seq + 1) || (seq === 1 && opened.get(epoch) === place)
      assert.ok(isNext, `${id} after ${place}: ${lines.slice(Math.max(0, i - 8), i + 3).join(', ')}`)
    }
    place = id
  }
}

async function until (condition: () => boolean, step: () => Promise<void>, limit = 3_000): Promise<boolean> {
  for (let n = 0; n < limit; n++) {
    if (condition()) return true
    await step()
  }
  return condition()
}

/** Waits for promises as the clock moves on; rejects as they do. */
async function settled (promises: ReadonlyArray<Promise<unknown>>, clock: ManualClock): Promise<void> {
  let isSettled = false
  const all = Promise.all(promises).finally(() => { isSettled = true })
  all.catch(() => {})
  await until(() => isSettled, () => clock.advance(100))
  await all
}

const gapsOf = (client: Client) => client.lines.filter(line => line.startsWith('gap'))
const eventsOf = (client: Client) => client.lines.filter(line => line.startsWith('event')).map(line => line.split(' ')[2]!)

async function close (processes: ReadonlyArray<{ readonly logs: Logs }>): Promise<void> {
  for (const { logs } of processes) await logs.close()
}

interface World {
  readonly model: ModelStore
  readonly clock: ManualClock
  readonly processes: Array<{ readonly chaos: ChaosStore, readonly logs: Logs }>
  readonly random: () => number
}

function worldOf (seed: number): World {
  const clock = new ManualClock()
  const model = new ModelStore(clock.now)
  const random = randomOf(seed)
  const processes = [1, 2].map(() => {
    const chaos = new ChaosStore(model, random)
    return { chaos, logs: processOf(chaos, clock).logs }
  })
  return { model, clock, processes, random }
}

/** Rounds of each property; ten times as many in the long form. */
const numRuns = process.env.LONG_TESTS === undefined ? 20 : 200

t.test('a topic over connections on which anything is lost: no reader loses, doubles or reorders an event', async t => {
  await fc.assert(fc.asyncProperty(fc.integer(), async seed => {
    const { model, clock, processes, random } = worldOf(seed)
    const log = { log: 'topic:t', ttl: TTL, lease: undefined, presentation }
    const clients = Array.from({ length: 6 }, () => new Client(random))
    const published: Array<Promise<unknown>> = []
    const step = async (): Promise<void> => {
      for (const [i, client] of clients.entries()) client.step((sink, start) => processes[i % 2]!.logs.follow(log, sink, start), 'start')
      await clock.advance(random() < 0.1 ? 10_000 : 100)
    }
    for (let n = 0; n < 60; n++) {
      published.push(processes[n % 2]!.logs.publish('topic:t', event(`${n}`), { ttl: TTL, maxEvents: 1_000 }))
      if (random() < 0.3) await step()
    }
    await until(() => false, step, 20)
    for (const { chaos } of processes) chaos.rate = 0
    assert.ok(await until(() => clients.every(client => eventsOf(client).length >= 60), step), 'all events arrive')
    await settled(published, clock)
    const all = (await model.read('topic:t', null, { limit: 1_000 })).entries.filter(({ kind }) => kind === 'event').map(({ data }) => data)
    assert.equal(all.length, 60, 'every event is published once')
    for (const parity of [0, 1]) {
      const own = all.filter(data => Number(data) % 2 === parity)
      assert.deepEqual(own, own.toSorted((a, b) => Number(a) - Number(b)), 'in the order of the calls')
    }
    for (const client of clients) {
      assert.equal(client.failure, undefined)
      assert.deepEqual(eventsOf(client), all)
      assert.deepEqual(gapsOf(client), [])
      assertWhole(client, model.opened)
    }
    await close(processes)
  }), { numRuns })
  t.pass(`${numRuns} rounds`)
})

t.test('a topic whose store is rolled back: every loss is a gap, and no id is given out again', async t => {
  let gaps = 0
  await fc.assert(fc.asyncProperty(fc.integer(), async seed => {
    const { model, clock, processes, random } = worldOf(seed)
    const log = { log: 'topic:t', ttl: TTL, lease: undefined, presentation }
    const clients = Array.from({ length: 6 }, () => new Client(random))
    const published: Array<Promise<unknown>> = []
    const step = async (): Promise<void> => {
      for (const [i, client] of clients.entries()) client.step((sink, start) => processes[i % 2]!.logs.follow(log, sink, start), 'start')
      await clock.advance(random() < 0.1 ? 10_000 : 100)
    }
    let restore = model.save()
    for (let n = 0; n < 80; n++) {
      published.push(processes[n % 2]!.logs.publish('topic:t', event(`${n}`), { ttl: TTL, maxEvents: 1_000 }))
      if (random() < 0.5) await step()
      if (random() < 0.05) restore = model.save()
      if (random() < 0.04) model.rollBack(restore)
    }
    for (const { chaos } of processes) chaos.rate = 0
    await settled(published, clock)
    await processes[0]!.logs.publish('topic:t', event('last'), { ttl: TTL, maxEvents: 1_000 })
    assert.ok(await until(() => clients.every(client => eventsOf(client).at(-1) === 'last'), step), 'the last event arrives')
    const contents = new Map<string, string>()
    for (const client of clients) {
      assert.equal(client.failure, undefined)
      assertWhole(client, model.opened)
      gaps += gapsOf(client).length
      for (const line of client.lines) {
        const [kind, id, data] = line.split(' ') as [string, string, string]
        if (kind !== 'event') continue
        assert.equal(contents.get(id) ?? data, data, `${id} is one event`)
        contents.set(id, data)
      }
    }
    await close(processes)
  }), { numRuns })
  t.ok(gaps > 0, `${gaps} gaps in ${numRuns} rounds`)
})

t.test('a run whose store is rolled back while its producer lives: nothing is lost, nothing doubled, no gap', async t => {
  await fc.assert(fc.asyncProperty(fc.integer(), async seed => {
    const { model, clock, processes, random } = worldOf(seed)
    const log = { log: 'run:r', ttl: TTL, lease: LEASE, presentation }
    const clients = Array.from({ length: 6 }, () => new Client(random))
    const step = async (): Promise<void> => {
      for (const [i, client] of clients.entries()) client.step((sink, start) => processes[i % 2]!.logs.follow(log, sink, start), 'start')
      await clock.advance(random() < 0.1 ? 1_000 : 100)
    }
    const claiming = Promise.all([0, 1, 0, 1].map(process => processes[process]!.logs.claim('run:r', { ttl: TTL, lease: LEASE })))
    let claims: Awaited<typeof claiming> | undefined
    claiming.then(result => { claims = result }, () => {})
    await until(() => claims !== undefined, () => clock.advance(100))
    const started = claims!.filter(({ outcome }) => outcome === 'started')
    assert.equal(started.length, 1, 'one producer')
    const { writer } = started[0]!
    let restore = model.save()
    const appended: Array<Promise<Cursor>> = []
    for (let n = 0; n < 60; n++) {
      appended.push(writer!.append(event(`${n}`)))
      if (random() < 0.6) await step()
      if (random() < 0.05) restore = model.save()
      if (random() < 0.03) model.rollBack(restore)
    }
    appended.push(writer!.end('complete'))
    await until(() => false, step, 20)
    for (const { chaos } of processes) chaos.rate = 0
    assert.ok(await until(() => clients.every(({ isEnded }) => isEnded), step), 'the end arrives')
    await settled(appended, clock)
    for (const client of clients) {
      assert.equal(client.failure, undefined)
      assert.deepEqual(eventsOf(client), Array.from({ length: 60 }, (_, n) => `${n}`))
      assert.deepEqual(gapsOf(client), [])
      assert.match(client.lines.at(-1)!, / complete$/)
      assertWhole(client, model.opened)
    }
    await close(processes)
  }), { numRuns })
  t.pass(`${numRuns} rounds`)
})

t.test('a run whose producer dies, in a store that is rolled back: every loss is a gap, and every reader sees the run end as lost', async t => {
  await fc.assert(fc.asyncProperty(fc.integer(), async seed => {
    const { model, clock, processes, random } = worldOf(seed)
    const log = { log: 'run:r', ttl: TTL, lease: LEASE, presentation }
    const clients = Array.from({ length: 6 }, () => new Client(random))
    const readers = processOf(new ChaosStore(model, random), clock).logs
    const step = async (): Promise<void> => {
      for (const client of clients) client.step((sink, start) => readers.follow(log, sink, start), 'start')
      await clock.advance(random() < 0.1 ? 1_000 : 100)
    }
    processes[0]!.chaos.rate = 0
    const { writer } = await processes[0]!.logs.claim('run:r', { ttl: TTL, lease: LEASE })
    const restore = model.save()
    for (let n = 0; n < 20; n++) {
      await writer!.append(event(`${n}`))
      await step()
    }
    writer!.abandon()
    if (random() < 0.5) model.rollBack(restore)
    assert.ok(await until(() => clients.every(({ isEnded }) => isEnded), step), 'the end arrives')
    for (const client of clients) {
      assert.equal(client.failure, undefined)
      assert.match(client.lines.at(-1)!, / lost$/)
      assertWhole(client, model.opened)
    }
    assert.equal((await model.read('run:r', null, { limit: 100 })).entries.filter(({ kind }) => kind === 'end').length, 1, 'one end')
    await close([...processes, { logs: readers }])
  }), { numRuns })
  t.pass(`${numRuns} rounds`)
})
