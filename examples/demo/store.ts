/** Where the demo keeps its topics and runs, by the variable STORE: memory, a file that outlives the server, or a Redis that instances share. */
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from 'fastify-typed-sse'
import { redisStore } from 'fastify-typed-sse/redis'
import { type SqliteDatabase, sqliteStore } from 'fastify-typed-sse/sqlite'
import { Redis } from 'ioredis'

type Open = new (file: string) => SqliteDatabase

/** @throws Error that says what is missing */
export function openStore ({ STORE = 'memory', STORE_FILE = join(tmpdir(), 'fastify-typed-sse-demo.db'), REDIS_URL = 'redis://127.0.0.1:6379' }: NodeJS.ProcessEnv) {
  if (STORE === 'memory') return { store: memoryStore(), place: 'in memory, and are gone when it stops' }
  if (STORE === 'sqlite') return { store: sqliteStore(openSqlite(STORE_FILE)), place: `in ${STORE_FILE}, and outlive it` }
  // The store connects copies of the client that it is given.
  if (STORE === 'redis') return { store: redisStore(new Redis(REDIS_URL, { lazyConnect: true })), place: `at ${REDIS_URL}` }
  throw new Error(`STORE=${STORE} is unknown: set memory, sqlite or redis`)
}

function openSqlite (file: string): SqliteDatabase {
  const builtIn = process.getBuiltinModule('node:sqlite' as string) as { DatabaseSync: Open } | undefined
  try {
    const Database = builtIn?.DatabaseSync ?? createRequire(import.meta.url)('better-sqlite3') as Open
    return new Database(file)
  } catch (error) {
    throw new Error(`STORE=sqlite found neither node:sqlite, which Node.js ${process.version} lacks (22.13 and later have it), nor better-sqlite3: npm install --no-save better-sqlite3`, { cause: error })
  }
}
