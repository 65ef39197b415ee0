// A process with a store: `log-host.ts <row> <a build of the plugin>`. It appends to the store, publishes to topics, or follows them.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type * as Plugin from '../../dist/index.js'
import type * as RedisEntry from '../../dist/store/redis.js'
import type * as SqliteEntry from '../../dist/store/sqlite.js'
import type * as TopicModule from '../../dist/topic/topic.js'
import { microseconds } from '../payload.ts'
import { serve } from '../remote.ts'
import { percentile } from '../stats.ts'
import type { Followed, PublishResult } from '../log-results.ts'
import { collect, usage } from '../usage.ts'

const [row, build] = process.argv.slice(2) as [string, string]
const load = (path: string): Promise<unknown> => import(join(dirname(build), path))
const { default: typedSse, EventStream, memoryStore } = await import(build) as typeof Plugin
const { Topic } = await load('topic/topic.js') as typeof TopicModule

type Store = Plugin.Store
type Price = { symbol: string, price: number, ts: number }
type AnyTopic = Plugin.Topic<unknown>

const DATA = JSON.stringify({ symbol: 'ABCD', price: 123.456789, volume: 100_000, at: '2026-01-01T00:00:00Z' })
const Prices = EventStream(Type.Object({ symbol: Type.String(), price: Type.Number(), ts: Type.Integer() }))

/** ms */
const WARM_UP = 200
const QUIET = 1_000

const latencies = new Float64Array(2 ** 20)
let received = 0
let onReceived = () => {}
let files = 0
let topics: AnyTopic[] = []
let prices: AnyTopic

async function openStore (port: number, folder: string): Promise<Store> {
  if (row === 'memory') return memoryStore()
  if (row.includes('redis')) {
    const { redisStore } = await load('store/redis.js') as typeof RedisEntry
    if (row.startsWith('ioredis')) return redisStore(new (await import('ioredis')).Redis(port, { lazyConnect: true }))
    return redisStore((await import('redis')).createClient({ socket: { port } }))
  }
  const { sqliteStore } = await load('store/sqlite.js') as typeof SqliteEntry
  const synchronous = row.includes('FULL') ? 'full' : 'normal'
  return sqliteStore(new (sqlite())(join(folder, `${files++}.db`)), { synchronous })
}

function sqlite (): new (file: string) => never {
  if (row.startsWith('better-sqlite3')) return createRequire(new URL('../../test/store/better-sqlite3/package.json', import.meta.url))('better-sqlite3')
  return (process.getBuiltinModule('node:sqlite' as 'node:fs') as unknown as { DatabaseSync: new (file: string) => never }).DatabaseSync
}

/** Appends per second, of producers that wait for each of theirs, for `ms`. */
async function appends ({ port, folder, producers, ms }: { port: number, folder: string, producers: number, ms: number }): Promise<number> {
  const store = await openStore(port, folder)
  let sequence = Date.now() * 1000
  const produce = async (producer: number, until: number) => {
    let appended = 0
    for (; performance.now() < until; appended++) {
      await store.append(`log:${producers}:${producer}`, [{ kind: 'event', type: 'tick', data: DATA, meta: 'x' }], {
        ttl: 3_600_000, maxEvents: 1000, token: { publisher: 'p', sequence: sequence++ }
      })
    }
    return appended
  }
  try {
    await produce(0, performance.now() + WARM_UP)
    const started = performance.now()
    const counts = await Promise.all(Array.from({ length: producers }, (_, producer) => produce(producer, started + ms)))
    return counts.reduce((sum, count) => sum + count) / (performance.now() - started) * 1000
  } finally {
    await store.close()
  }
}

/** An app that never listens, and its topics. */
async function open ({ port, logs }: { port: number, logs: number }): Promise<void> {
  const app = Fastify()
  await app.register(typedSse, { store: await openStore(port, '') })
  prices = app.sse.topic('prices', Prices) as unknown as AnyTopic
  await app.ready()
  topics = Array.from({ length: logs }, (_, key) => prices.of(key))
}

/** Follows all topics as responses would, without them; resolves when each has had its first frame, and is quiet. */
async function follow (): Promise<void> {
  let waiting = topics.length
  await new Promise<void>((resolve, reject) => {
    const sink = {
      direct: null,
      writeFrames ({ bytes, events }: { bytes: Buffer, events: number }) {
        if (events > 0) receive(bytes.toString('latin1'), microseconds())
        else if (--waiting === 0) resolve()
        return true
      },
      onBlocked () {},
      end () { reject(new Error('a topic has ended')) },
      fail: reject
    }
    const reading = { lastEventId: undefined, from: undefined, filter: undefined, sentinel: undefined, failure: () => null }
    for (const topic of topics) Promise.resolve(Topic.open(topic, reading)).then(feed => feed.follow(sink as never)).catch(reject)
  })
  // Opening a topic appends a record, so its follower reads once more.
  await setTimeout(QUIET)
}

function receive (frames: string, now: number): void {
  for (const [, ts] of frames.matchAll(/"ts":(\d+)/g)) latencies[received++ % latencies.length] = now - Number(ts)
  onReceived()
}

/** Publishes to the topics in turn, at a rate in events per second; resolves when all are acknowledged. */
async function publish ({ rate, ms }: { rate: number, ms: number }): Promise<PublishResult> {
  const before = usage()
  const started = performance.now()
  const pending: Array<Promise<string>> = []
  for (let published = 0; published < rate * ms / 1000;) {
    const due = Math.min(rate * ms / 1000, Math.floor((performance.now() - started) / 1000 * rate))
    for (; published < due; published++) {
      const price: Price = { symbol: 'ABCD', price: published / 7, ts: microseconds() }
      pending.push((topics[published % topics.length] as AnyTopic).publish(price as never))
    }
    await setTimeout(1)
  }
  await Promise.all(pending)
  const after = usage()
  return { published: pending.length, ms: performance.now() - started, busy: (after.cpu - before.cpu) / (after.at - before.at) }
}

/** Resolves when so many events were received since the last time, us from `publish` to here. */
async function take ({ expected }: { expected: number }): Promise<Followed> {
  await new Promise<void>((resolve, reject) => {
    onReceived = () => {
      if (received === expected) resolve()
      else if (received > expected) reject(new Error(`received ${received} of ${expected} events`))
    }
    onReceived()
  })
  onReceived = () => {}
  const seen = latencies.slice(0, Math.min(received, latencies.length))
  received = 0
  return { p50: percentile(seen, 0.5), p99: percentile(seen, 0.99) }
}

serve({ appends, open, follow, publish, take, usage, collect })
