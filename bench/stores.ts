// How many appends a second the stores take, from one producer and from 500. Each number is the median of three runs.
// Rows whose service is missing say so. `npm run bench:stores`.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, type Store } from '../lib/index.ts'
import { redisStore } from '../lib/store/redis.ts'
import { sqliteStore } from '../lib/store/sqlite.ts'
import { percentile } from './stats.ts'

const DATA = JSON.stringify({ symbol: 'ABCD', price: 123.456789, volume: 100_000, at: '2026-01-01T00:00:00Z' })
const APPENDS = 20_000
const ROUNDS = 3
const PORT = 20_000 + process.pid % 12_000

const dir = mkdtempSync(join(tmpdir(), 'typed-sse-bench-'))
const require = createRequire(new URL('../test/store/better-sqlite3/package.json', import.meta.url))
let files = 0

const SQLITE: { [name: string]: () => new (file: string) => never } = {
  'better-sqlite3': () => require('better-sqlite3'),
  'node:sqlite': () => (process.getBuiltinModule('node:sqlite' as 'node:fs') as unknown as { DatabaseSync: new (file: string) => never }).DatabaseSync
}

async function openRedis (name: 'ioredis' | 'redis') {
  const { Redis } = await import('ioredis')
  const { createClient } = await import('redis')
  return redisStore(name === 'ioredis' ? new Redis(PORT, { lazyConnect: true }) : createClient({ socket: { port: PORT } }))
}

const STORES: { [name: string]: () => Store | Promise<Store> } = {
  memory: () => memoryStore(),
  'better-sqlite3, WAL NORMAL': () => sqliteStore(new (SQLITE['better-sqlite3']!())(join(dir, `${++files}.db`))),
  'better-sqlite3, WAL FULL': () => sqliteStore(new (SQLITE['better-sqlite3']!())(join(dir, `${++files}.db`)), { synchronous: 'full' }),
  'node:sqlite, WAL NORMAL': () => sqliteStore(new (SQLITE['node:sqlite']!())(join(dir, `${++files}.db`))),
  'Redis, ioredis': () => openRedis('ioredis'),
  'Redis, node-redis': () => openRedis('redis')
}

async function appendsPerSecond (store: Store, producers: number) {
  const options = { ttl: 3_600_000, maxEvents: 1_000 }
  const each = Math.ceil(APPENDS / producers)
  const produce = async (producer: number, count: number) => {
    for (let sequence = 0; sequence < count; sequence++) {
      await store.append(`log:${producers}:${producer}`, [{ kind: 'event', type: 'tick', data: DATA, meta: 'x' }], { ...options, token: { publisher: 'p', sequence: Date.now() * 1_000 + sequence } })
    }
  }
  await produce(0, 500)
  const started = performance.now()
  await Promise.all(Array.from({ length: producers }, (_, producer) => produce(producer, each)))
  return each * producers / (performance.now() - started) * 1_000
}

const redis = spawn('redis-server', ['--port', String(PORT), '--save', '', '--appendonly', 'yes', '--dir', dir], { stdio: ['ignore', 'pipe', 'ignore'] })
await new Promise<void>(resolve => {
  redis.once('error', () => resolve())
  redis.stdout.on('data', text => String(text).includes('Ready to accept') && resolve())
})
try {
  console.log(`appends/s of ${DATA.length} bytes of data, Node ${process.version}`)
  for (const [name, open] of Object.entries(STORES)) {
    try {
      const cells: string[] = []
      for (const producers of [1, 500]) {
        const rates: number[] = []
        for (let round = 0; round < ROUNDS; round++) {
          const store = await open()
          rates.push(await appendsPerSecond(store, producers))
          await store.close()
        }
        cells.push(`${Math.round(percentile(rates, 0.5)).toLocaleString('en').padStart(10)} from ${producers}`)
      }
      console.log(name.padEnd(28) + cells.join('   '))
    } catch (error) {
      console.log(`${name.padEnd(28)}not measured: ${(error as Error).message.split('\n')[0]}`)
    }
  }
} finally {
  redis.kill()
  rmSync(dir, { recursive: true, force: true })
}
