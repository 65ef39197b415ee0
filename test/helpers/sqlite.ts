import { createRequire } from 'node:module'
import type { SqliteDatabase } from '../../lib/store/sqlite.ts'

type Constructor = new (file: string) => SqliteDatabase

// It compiles when it is installed, so it has a package of its own, and `npm ci` needs no compiler.
const require = createRequire(new URL('../store/better-sqlite3/package.json', import.meta.url))

/** better-sqlite3's Database; undefined where it is not installed. */
export const BetterSqlite3: Constructor | undefined = load()

/** The DatabaseSync of node:sqlite, from Node.js 22.13 on. */
export const DatabaseSync: Constructor | undefined = (process.getBuiltinModule?.('node:sqlite' as string) as { DatabaseSync: Constructor } | undefined)?.DatabaseSync

/** Why tests that need better-sqlite3 are skipped; false where they are not. In CI nothing is skipped: they fail. */
export const skipBetterSqlite3: string | false = BetterSqlite3 === undefined && process.env.CI !== 'true' &&
  'better-sqlite3 is not installed, or for another Node.js: npm run test:setup'

/** The other Nodes of CI run the same tests. */
export const skipNodeSqlite: string | false = DatabaseSync === undefined && 'node:sqlite needs Node.js 22.13'

/** Whichever there is. */
export const Sqlite: Constructor | undefined = BetterSqlite3 ?? DatabaseSync

/** Why tests that need either are skipped. */
export const skipSqlite: string | false = Sqlite === undefined && skipBetterSqlite3

function load (): Constructor | undefined {
  try {
    const Database = require('better-sqlite3') as Constructor
    // Its binary is for one version of Node.js, and is loaded with the first database.
    new Database(':memory:').close()
    return Database
  } catch {
    return undefined
  }
}
