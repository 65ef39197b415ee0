import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { SqliteStore } from '../../lib/store/sqlite.ts'
import { BetterSqlite3, DatabaseSync, skipBetterSqlite3, skipNodeSqlite } from '../helpers/sqlite.ts'
import { testStore } from '../helpers/store-suite.ts'

const dir = await mkdtemp(join(tmpdir(), 'typed-sse-sqlite-'))
t.teardown(() => rm(dir, { recursive: true, force: true }))
let files = 0

for (const [name, Database, skip] of [
  ['better-sqlite3', BetterSqlite3, skipBetterSqlite3],
  ['node:sqlite', DatabaseSync, skipNodeSqlite]
] as const) {
  t.test(name, { skip }, t => testStore(t, () => {
    const file = join(dir, `${++files}.db`)
    let skew = 0
    return {
      open: () => new SqliteStore(new Database!(file), {}, () => Date.now() + skew),
      advance (ms) { skew += ms }
    }
  }))
}
