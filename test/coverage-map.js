// Which files of lib/ count for the coverage of a test: all of them, because every test may cover every file. Not those of
// dist/, on which the examples run, and not a store whose service is missing here: its tests are skipped, except in CI.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'

const isSkipped = process.env.CI !== 'true' && { redis: !hasRedis(), sqlite: !hasSqlite() }

const lib = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts') && !isSkipped[/^store\/(\w+)/.exec(file)?.[1]])
  .map(file => `lib/${file}`)

export default () => lib

function hasRedis () {
  return spawnSync('redis-server', ['--version']).error === undefined
}

function hasSqlite () {
  try {
    const Database = createRequire(new URL('store/better-sqlite3/package.json', import.meta.url))('better-sqlite3')
    new Database(':memory:').close()
    return true
  } catch {
    return process.getBuiltinModule?.('node:sqlite') !== undefined
  }
}
