// Topics and runs without HTTP: their stores, and the way of an event to another process.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startGuarded, type Guarded } from '../guarded.ts'
import type { Followed, PublishResult } from '../log-results.ts'
import type { Usage } from '../usage.ts'
import { MB, type Case, type Context } from './case.ts'

const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0
const HAS_BETTER_SQLITE3 = existsSync(fileURLToPath(new URL('../../test/store/better-sqlite3/node_modules', import.meta.url)))
const HAS_NODE_SQLITE = process.getBuiltinModule?.('node:sqlite' as 'node:fs') !== undefined
const NO_REDIS = 'Redis is left out: apt-get install redis-server'

const WARM_UP = 1000
const MEASURED = 4000
const APPENDING = 1000
const SCRIPT = 'servers/log-host.ts'

let servers = 0

/** A Redis of its own for each sample; it appends to a file, and flushes that every second. */
function startRedis (): Promise<Guarded & { port: number }> {
  // none of those that the system gives to whoever asks for any
  const port = 20_000 + (process.pid + servers++) % 12_000
  return startGuarded(port, folder => ['redis-server', '--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--dir', folder])
    .then(redis => ({ ...redis, port }))
}

function follow (logs: number, rate: number): Case {
  return {
    name: `follow-${logs}-${rate}`,
    title: `Over Redis, from publish to another process: ${rate.toLocaleString('en')} events/s to ${logs.toLocaleString('en')} topics that it follows`,
    servers: HAS_REDIS ? ['ioredis', ...logs === 1000 ? ['node-redis'] : []] : [],
    rounds: 3,
    brief: 1,
    ...!HAS_REDIS && { note: NO_REDIS },
    script: SCRIPT,
    metrics: [
      { key: 'p50', label: 'p50 us', digits: 0, better: 'lower' },
      { key: 'p99', label: 'p99 us', digits: 0, better: 'lower' },
      { key: 'rate', label: 'events/s', digits: 0 },
      { key: 'busy', label: 'follower CPU %', digits: 1 },
      { key: 'redisBusy', label: 'Redis CPU %', digits: 1 },
      { key: 'publisherBusy', label: 'publisher CPU %', digits: 1 },
      { key: 'rss', label: 'follower RSS MB', digits: 0 },
      { key: 'heap', label: 'heap B/idle topic', digits: 0 }
    ],
    measure: context => measureFollow(context, logs, rate)
  }
}

async function measureFollow ({ server, client }: Context, logs: number, rate: number) {
  const redis = await startRedis()
  try {
    await Promise.all([server, client].map(one => one.call('open', { port: redis.port, logs })))
    const idle = await server.call<Usage>('collect')
    await server.call('follow')
    const following = await server.call<Usage>('collect')
    const { published: warm } = await client.call<PublishResult>('publish', { rate, ms: WARM_UP })
    await server.call('take', { expected: warm })
    const before = await server.call<Usage>('usage')
    const redisBefore = redis.cpu()
    const { published, ms, busy } = await client.call<PublishResult>('publish', { rate, ms: MEASURED })
    const redisAfter = redis.cpu()
    const after = await server.call<Usage>('usage')
    const { p50, p99 } = await server.call<Followed>('take', { expected: published })
    const share = (cpu: number) => cpu / (after.at - before.at) * 100
    return {
      p50,
      p99,
      rate: published / ms * 1000,
      busy: share(after.cpu - before.cpu),
      redisBusy: share(redisAfter - redisBefore),
      publisherBusy: busy * 100,
      rss: after.rss / MB,
      heap: (following.heap - idle.heap) / logs
    }
  } finally {
    await redis.stop()
  }
}

/** Appends that are awaited one after the other, by one producer, and by 500 with a log each. */
const appends: Case = {
  name: 'appends',
  title: 'Appends to the stores, awaited, of 80 bytes',
  servers: [
    'memory',
    ...HAS_BETTER_SQLITE3 ? ['better-sqlite3', 'better-sqlite3, FULL'] : [],
    ...HAS_NODE_SQLITE ? ['node:sqlite'] : [],
    ...HAS_REDIS ? ['ioredis', 'node-redis'] : []
  ],
  rounds: 3,
  brief: 1,
  note: [
    'SQLite is in WAL mode, with synchronous = NORMAL unless the row says otherwise.',
    ...!HAS_BETTER_SQLITE3 ? ['better-sqlite3 is left out: npm run test:setup.'] : [],
    ...!HAS_NODE_SQLITE ? ['node:sqlite is left out: it needs Node 22.13.'] : [],
    ...!HAS_REDIS ? [NO_REDIS + '.'] : []
  ].join(' '),
  script: SCRIPT,
  metrics: [
    { key: 'one', label: 'appends/s of one', digits: 0 },
    { key: 'many', label: 'appends/s of 500', digits: 0 }
  ],
  async measure ({ row, server }) {
    const redis = row.includes('redis') ? await startRedis() : undefined
    const folder = mkdtempSync(join(tmpdir(), 'typed-sse-bench-'))
    try {
      const rate = (producers: number) => server.call<number>('appends', { port: redis?.port, folder, producers, ms: APPENDING })
      return { one: await rate(1), many: await rate(500) }
    } finally {
      rmSync(folder, { recursive: true, force: true })
      await redis?.stop()
    }
  }
}

export const logCases = [
  ...[100, 1000, 10_000].flatMap(logs => [2000, 10_000].map(rate => follow(logs, rate))),
  appends
]
