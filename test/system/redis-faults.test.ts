import { rm } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { type LogRecord } from '../../lib/log/store.ts'
import { redisStore } from '../../lib/store/redis.ts'
import { randomOf } from '../log/chaos.ts'
import { LogProcess, readable, ResumingReader } from '../helpers/log-process.ts'
import { RedisServer, skipRedis } from '../helpers/redis.ts'
import { ReplyCutter } from '../helpers/reply-cutter.ts'

// What may happen to a Redis while a run is produced, a topic is published to, and readers on two processes come and go.
// FAULT_ROUNDS multiplies the rounds of each.

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 1)
const TTL = 600_000
const READERS = 4

const event = (n: number): LogRecord => ({ kind: 'event', type: '', data: `${n}`, meta: '' })

/** Two processes on a server: one with ioredis, one with node-redis. */
function processesOn (t: Test, port: number): readonly [LogProcess, LogProcess] {
  return [
    new LogProcess(t, redisStore(new Redis(port, { lazyConnect: true }))),
    new LogProcess(t, redisStore(createClient({ socket: { port } })))
  ]
}

function readersOf (processes: readonly LogProcess[], log: string, lease?: number): ResumingReader[] {
  return Array.from({ length: READERS }, (_, seed) => new ResumingReader(processes, readable(log, lease), randomOf(seed + 1)))
}

/** Counts up, and lets a test wait until it has come so far. */
class Progress {
  count = 0
  readonly #waiting = new Set<{ readonly at: number, readonly resolve: () => void }>()

  step (): void {
    this.count++
    for (const one of this.#waiting) {
      if (one.at > this.count) continue
      this.#waiting.delete(one)
      one.resolve()
    }
  }

  /** Resolves after so many steps more. */
  after (steps: number): Promise<void> {
    return new Promise(resolve => { this.#waiting.add({ at: this.count + steps, resolve }) })
  }
}

/** A run whose producer lives while faults happen: every reader sees every event once, in order, and is told of no gap. */
async function runThrough (t: Test, [producing, other]: readonly [LogProcess, LogProcess], faults: (progress: Progress) => Promise<void>) {
  const started = performance.now()
  const lease = 15_000
  const { writer } = await producing.logs.claim('run', { ttl: TTL, lease })
  const readers = readersOf([producing, other], 'run', lease)
  const reading = readers.map(reader => reader.read())
  const progress = new Progress()
  const work = { isOver: false }
  const produce = async () => {
    while (!work.isOver) {
      await writer!.append(event(progress.count))
      progress.step()
    }
    await writer!.end('complete')
  }
  await Promise.all([produce(), faults(progress).finally(() => { work.isOver = true })])
  await Promise.all(reading)
  for (const { seen, end } of readers) {
    t.equal(end, 'complete')
    t.strictSame(seen, Array.from({ length: progress.count }, (_, n) => n))
  }
  report(t, progress.count, readers, started)
}

/** A topic that is published to while faults happen: no reader misses an acknowledged event without a gap. */
async function topicThrough (t: Test, [publishing, other]: readonly [LogProcess, LogProcess], faults: (progress: Progress) => Promise<void>) {
  const started = performance.now()
  const readers = readersOf([publishing, other], 'topic')
  const progress = new Progress()
  const options = { ttl: TTL, maxEvents: 100_000 }
  await publishing.logs.publish('topic', event(progress.count), options)
  progress.step()
  const acknowledged = [0]
  const work = { isOver: false }
  const publish = async () => {
    while (!work.isOver) {
      await publishing.logs.publish('topic', event(progress.count), options)
      acknowledged.push(progress.count)
      progress.step()
    }
  }
  const last = 1e9
  const reading = readers.map(reader => reader.read(last))
  await Promise.all([publish(), faults(progress).finally(() => { work.isOver = true })])
  await publishing.logs.publish('topic', event(last), options)
  await Promise.all(reading)
  for (const reader of readers) t.strictSame(reader.silent(acknowledged), [])
  report(t, acknowledged.length, readers, started)
  return { readers, acknowledged }
}

function report (t: Test, events: number, readers: readonly ResumingReader[], started: number): void {
  const sum = (of: (reader: ResumingReader) => number) => readers.reduce((total, reader) => total + of(reader), 0)
  t.comment(`${events} events, ${readers.length} readers, ${sum(({ reconnects }) => reconnects)} reconnects, ` +
    `${sum(({ seen }) => seen.filter(one => one === null).length)} gaps, ${Math.round((performance.now() - started) / 1_000)} s`)
}

const killed = (server: RedisServer) => async (progress: Progress) => {
  for (let round = 0; round < 5 * ROUNDS; round++) {
    await progress.after(200)
    await server.stop('SIGKILL')
    await server.start()
  }
  await progress.after(50)
}

for (const [name, args] of [['AOF everysec', ['--appendonly', 'yes']], ['no persistence', []]] as const) {
  t.test(`kill -9 of Redis, ${name}: a run whose producer lives loses nothing`, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t, args)
    await runThrough(t, processesOn(t, server.port), killed(server))
  })

  t.test(`kill -9 of Redis, ${name}: what a topic loses is a gap`, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t, args)
    await topicThrough(t, processesOn(t, server.port), killed(server))
  })
}

t.test('Redis is rolled back: a topic goes on in another epoch, and what is lost is a gap', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t)
  await topicThrough(t, processesOn(t, server.port), async progress => {
    for (let round = 0; round < 3 * ROUNDS; round++) {
      await progress.after(100)
      await server.command('SAVE')
      // The ids of these would be given out again.
      await progress.after(100)
      await server.stop('SIGKILL')
      await server.start()
    }
    await progress.after(50)
  })
})

t.test('Redis is rolled back and the producer is dead: readers get a gap, and the run ends as lost', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t)
  const processes = processesOn(t, server.port)
  const lease = 1_500
  const { writer } = await processes[0].logs.claim('run', { ttl: TTL, lease })
  const readers = readersOf(processes, 'run', lease)
  const reading = readers.map(reader => reader.read())
  for (let n = 0; n < 100; n++) await writer!.append(event(n))
  await server.command('SAVE')
  for (let n = 100; n < 200; n++) await writer!.append(event(n))
  while (readers.some(({ seen }) => seen.at(-1) !== 199)) await new Promise(setImmediate)
  writer!.abandon()
  await server.stop('SIGKILL')
  await server.start()
  await Promise.all(reading)
  for (const { seen, end } of readers) {
    t.equal(end, 'lost')
    t.strictSame(seen.slice(0, 201), [...Array.from({ length: 200 }, (_, n) => n), null])
  }
})

for (const type of ['pubsub', 'normal']) {
  t.test(`CLIENT KILL TYPE ${type}: a run and a topic lose nothing, and there is no gap`, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t)
    const processes = processesOn(t, server.port)
    const kills = async (progress: Progress) => {
      for (let round = 0; round < 20 * ROUNDS; round++) {
        await progress.after(30)
        await server.command('CLIENT', 'KILL', 'TYPE', type)
      }
      await progress.after(30)
    }
    await runThrough(t, processes, kills)
    const { readers } = await topicThrough(t, processes, kills)
    for (const { seen } of readers) t.notOk(seen.includes(null))
  })
}

t.test('Redis is stopped for 5 s: appends and readers wait, nothing is lost, and it is reported once', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t)
  const processes = processesOn(t, server.port)
  const stops = async (progress: Progress) => {
    await progress.after(100)
    server.signal('SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 5_000))
    server.signal('SIGCONT')
    await progress.after(100)
  }
  await runThrough(t, processes, stops)
  const { readers } = await topicThrough(t, processes, stops)
  for (const { seen } of readers) t.notOk(seen.includes(null))
  for (const { reports } of processes) t.ok(reports.every((report, i) => report === (i % 2 === 0 ? 'down' : 'up')), reports.join(' '))
})

t.test('replies that are lost after the commit: appends are repeated, and written once', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t)
  const cutter = await ReplyCutter.listen(t, server.port)
  const processes = [processesOn(t, cutter.port)[0], processesOn(t, server.port)[1]] as const
  const cuts = async (progress: Progress) => {
    for (let round = 0; round < 50 * ROUNDS; round++) {
      await progress.after(3)
      cutter.cutAfter(1)
    }
    await progress.after(10)
  }
  await runThrough(t, processes, cuts)
  const { readers, acknowledged } = await topicThrough(t, processes, cuts)
  for (const { seen } of readers) t.strictSame(seen.slice(0, -1), acknowledged)
  t.ok(cutter.cuts >= 50, `${cutter.cuts} replies were cut`)
})

t.test('MISCONF: Redis that cannot save refuses what is appended, and nothing is lost when it can again', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t)
  const store = redisStore(new Redis(server.port, { lazyConnect: true }))
  t.teardown(() => store.close())
  let sequence = 0
  const publish = () => store.append('topic', [event(sequence)], { ttl: TTL, token: { publisher: 'p', sequence } })
  await publish()
  await rm(server.dir, { recursive: true })
  await server.command('CONFIG', 'SET', 'save', '1 1')
  let refused: unknown
  while (refused === undefined) {
    sequence++
    await publish().catch(error => { refused = error })
  }
  t.match(refused, { code: 'UNAVAILABLE', message: /MISCONF/ })
  await server.command('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')
  await publish()
  const { tail } = await store.read('topic', null, { limit: 1 })
  t.equal(tail?.data, `${sequence}`)
  t.match(tail?.id, new RegExp(`-${sequence + 1}$`), 'each once')
})

t.test('the clock was set back: a new epoch is later than the last all the same', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t, ['--appendonly', 'yes'])
  const store = redisStore(new Redis(server.port, { lazyConnect: true }))
  t.teardown(() => store.close())
  // As by a clock that was ahead by centuries.
  const tail = await store.append('topic', [{ kind: 'open', type: '', data: 'nonce', meta: '' }, event(0)], { first: '99999999999999-0', after: null, ttl: TTL })
  await server.restart()
  await store.append('topic', [], { ttl: TTL }).catch(() => { /* the connection was lost */ })
  t.equal(await store.append('topic', [event(1)], { ttl: TTL }), '100000000000000-1')
  t.match((await store.read('topic', tail, { limit: 9 })).entries, [{ kind: 'open', type: '' }, { data: '1' }])
})
