/** Where the demo keeps its topics and runs, by the variable STORE: memory, or a file that outlives the server. */
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from 'fastify-typed-sse'
import { type SqliteDatabase, sqliteStore } from 'fastify-typed-sse/sqlite'

type Open = new (file: string) => SqliteDatabase

/** @throws Error that says what is missing */
export function openStore ({ STORE = 'memory', STORE_FILE = join(tmpdir(), 'fastify-typed-sse-demo.db') }: NodeJS.ProcessEnv) {
  if (STORE === 'memory') return { store: memoryStore(), place: 'in memory, and are gone when it stops' }
  if (STORE === 'sqlite') return { store: sqliteStore(openSqlite(STORE_FILE)), place: `in ${STORE_FILE}, and outlive it` }
  throw new Error(`STORE=${STORE} is unknown: set memory or sqlite`)
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
