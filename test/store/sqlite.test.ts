import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type LogRecord, type Store } from '../../lib/log/store.ts'
import { type SqliteDatabase, sqliteStore, SqliteStore } from '../../lib/store/sqlite.ts'
import { isBusy } from '../../lib/store/sqlite-database.ts'
import { Sqlite, skipSqlite } from '../helpers/sqlite.ts'

const event = (data: string): LogRecord => ({ kind: 'event', type: '', data, meta: '' })
const TTL = 600_000
const UNAVAILABLE = { name: 'StoreError', code: 'UNAVAILABLE' }

/** A raw connection, for what the store does not show. */
interface Raw extends SqliteDatabase {
  prepare (sql: string): { run (...values: unknown[]): unknown, get (...values: unknown[]): Record<string, unknown>, all (): unknown[], iterate (): Iterable<unknown> }
}

async function fileOf (t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'typed-sse-sqlite-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return join(dir, 'events.db')
}

function open (t: Test, file: string): Raw {
  const database = new Sqlite!(file) as Raw
  t.teardown(() => { try { database.close() } catch { /* closed already */ } })
  return database
}

/** A store with a clock that the test moves. */
async function clocked (t: Test) {
  const file = await fileOf(t)
  const clock = { now: 1_000_000 }
  const store = new SqliteStore(open(t, file), {}, () => clock.now)
  t.teardown(() => store.close())
  const raw = open(t, file)
  const count = (table: string) => Number(raw.prepare(`SELECT count(*) AS n FROM ${table}`).get()['n'])
  return { store, clock, count, file, raw }
}

/** A store, and its database. */
async function opened (t: Test) {
  const database = open(t, await fileOf(t))
  const store = sqliteStore(database)
  t.teardown(() => store.close())
  return { database, store }
}

/** A store whose commits are counted, and one of which can be made to fail. */
async function counted (t: Test) {
  const file = await fileOf(t)
  const database = open(t, file)
  const prepare = database.prepare.bind(database)
  let commits = 0
  let isFailing = false
  database.prepare = sql => {
    const statement = prepare(sql)
    if (sql !== 'COMMIT') return statement
    return {
      ...statement,
      run () {
        commits++
        if (isFailing) {
          isFailing = false
          throw new Error('disk I/O error')
        }
        return statement.run()
      }
    }
  }
  const store = sqliteStore(database)
  t.teardown(() => store.close())
  return { store, raw: open(t, file), commits: () => commits, failCommit: () => { isFailing = true } }
}

/** The store's timers do not keep a process alive. */
function keepAlive (t: Test) {
  const timer = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(timer))
}

const publish = (store: Store, log: string, data = 'x', options = {}) => store.append(log, [event(data)], { ttl: TTL, ...options })

t.test('only a database with a file of its own is taken', { skip: skipSqlite }, async t => {
  for (const wrong of [undefined, null, 'events.db', {}, { exec () {}, prepare () {} }]) {
    t.throws(() => sqliteStore(wrong as unknown as SqliteDatabase), { code: 'SSE_ERR_OPTION', message: /`database` must be/ })
  }
  const later = open(t, await fileOf(t))
  later.exec('PRAGMA user_version = 9')
  t.throws(() => sqliteStore(later), { code: 'SSE_ERR_OPTION', message: /user_version 9 with 0 tables/ })
  const foreign = open(t, await fileOf(t))
  foreign.exec('CREATE TABLE users (id INTEGER)')
  t.throws(() => sqliteStore(foreign), { code: 'SSE_ERR_OPTION', message: /user_version 0 with 1 tables/ })
  t.throws(() => sqliteStore(open(t, ':memory:'), { synchronous: 'off' as 'full' }), { code: 'SSE_ERR_OPTION' })
  for (const options of [{ appendTimeout: -1 }, { synchronus: 'full' }]) t.throws(() => sqliteStore(open(t, ':memory:'), options as object), { code: 'SSE_ERR_OPTION' }, JSON.stringify(options))
})

t.test('a database that cannot use write-ahead logging is refused', { skip: skipSqlite }, async t => {
  const database = open(t, await fileOf(t))
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; CREATE TABLE a (b); DROP TABLE a')
  const prepare = database.prepare.bind(database)
  database.prepare = sql => prepare(sql.replace('journal_mode = WAL', 'journal_mode'))
  t.throws(() => sqliteStore(database), { code: 'SSE_ERR_OPTION', message: /one in journal mode \w+/ })
})

t.test('an error of SQLite while opening is thrown', { skip: skipSqlite }, async t => {
  const database = open(t, await fileOf(t))
  database.close()
  t.throws(() => sqliteStore(database))
  const failing = open(t, await fileOf(t))
  const prepare = failing.prepare.bind(failing)
  failing.prepare = sql => {
    if (sql.includes('DELETE')) throw new Error('disk I/O error')
    return prepare(sql)
  }
  t.throws(() => sqliteStore(failing), /disk I\/O error/)
  const third = open(t, await fileOf(t))
  const exec = third.exec.bind(third)
  third.exec = sql => {
    if (sql === 'BEGIN IMMEDIATE') throw new Error('disk I/O error')
    return exec(sql)
  }
  t.throws(() => sqliteStore(third), /disk I\/O error/)
})

t.test('the codes of both packages say that the file is busy', async t => {
  t.ok(isBusy({ code: 'SQLITE_BUSY' }))
  t.ok(isBusy({ code: 'SQLITE_BUSY_SNAPSHOT' }))
  t.ok(isBusy({ code: 'ERR_SQLITE_ERROR', errcode: 5 }))
  t.ok(isBusy({ code: 'ERR_SQLITE_ERROR', errcode: 517 }))
  t.notOk(isBusy({ code: 'ERR_SQLITE_ERROR', errcode: 13 }))
  t.notOk(isBusy({ code: 'SQLITE_FULL' }))
  t.notOk(isBusy(new Error('other')))
})

t.test('synchronous is NORMAL unless FULL is asked for', { skip: skipSqlite }, async t => {
  for (const [options, value] of [[{}, 1], [{ synchronous: 'full' }, 2]] as const) {
    const database = open(t, await fileOf(t))
    const store = sqliteStore(database, options)
    t.equal(Number(database.prepare('PRAGMA synchronous').get()['synchronous']), value)
    await store.close()
  }
})

t.test('a database in memory will do', { skip: skipSqlite }, async t => {
  const store = sqliteStore(open(t, ':memory:'))
  const id = await publish(store, 'log')
  t.equal((await store.read('log', null, { limit: 9 })).tail?.id, id)
  await store.close()
})

t.test('the generation begins with the first who opens the file, not with others', { skip: skipSqlite }, async t => {
  const file = await fileOf(t)
  const first = sqliteStore(open(t, file))
  const ids = [await publish(first, 'log')]
  const second = sqliteStore(open(t, file))
  ids.push(await publish(second, 'log'))
  await first.close()
  const third = sqliteStore(open(t, file))
  ids.push(await publish(third, 'log'))
  t.strictSame(ids.map(id => id.split('-')[1]), ['1', '2', '3'])
  await second.close()
  await third.close()
  const again = sqliteStore(open(t, file))
  t.teardown(() => again.close())
  t.match(await publish(again, 'log'), /-1$/, 'another epoch')
  const { entries } = await again.read('log', ids[2]!, { limit: 9 })
  t.match(entries, [{ kind: 'open', type: ids[2] }, { kind: 'event' }], 'that continues the old one')
})

t.test('after another boot of the machine an epoch continues nothing: its power may have failed', { skip: skipSqlite }, async t => {
  const file = await fileOf(t)
  const typesAfter = async (bootedAt: number) => {
    const store = new SqliteStore(open(t, file), {}, Date.now, bootedAt)
    await publish(store, 'log')
    const { entries } = await store.read('log', null, { limit: 99 })
    await store.close()
    const tail = entries.findLast(({ kind }) => kind === 'open')!
    return tail.type === '' ? 'nothing' : entries.at(entries.indexOf(tail) - 1)!.id === tail.type ? 'the tail' : tail.type
  }
  t.equal(await typesAfter(1_000_000), 'nothing')
  t.equal(await typesAfter(1_001_000), 'the tail', 'the same boot, by a clock that was adjusted')
  t.equal(await typesAfter(1_400_000), 'nothing', 'another boot')
  t.equal(await typesAfter(1_400_000), 'the tail')
})

t.test('a lock that another process holds: calls wait for it, and fail when it stays', { skip: skipSqlite }, async t => {
  const { store, raw } = await clocked(t)
  raw.exec('BEGIN IMMEDIATE')
  const waiting = publish(store, 'log')
  setImmediate(() => raw.exec('COMMIT'))
  t.match(await waiting, /-1$/)
  raw.exec('BEGIN IMMEDIATE')
  t.equal((await store.read('log', null, { limit: 9 })).entries.length, 2, 'reading needs no lock')
  await t.rejects(publish(store, 'log'), { ...UNAVAILABLE, message: /locked/ })
  const aborted = new AbortController()
  const aborting = publish(store, 'log', 'x', { signal: aborted.signal })
  aborted.abort(new Error('no longer wanted'))
  await t.rejects(aborting, /no longer wanted/)
  raw.exec('COMMIT')
})

t.test('a read that finds the file locked is repeated, and one that fails is unavailable', { skip: skipSqlite }, async t => {
  const database = open(t, await fileOf(t))
  const prepare = database.prepare.bind(database)
  const errors = [Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }), new Error('disk I/O error')]
  database.prepare = sql => {
    const statement = prepare(sql)
    if (sql !== 'BEGIN') return statement
    return {
      ...statement,
      run () {
        const error = errors.shift()
        if (error !== undefined) throw error
        return statement.run()
      }
    }
  }
  const store = sqliteStore(database)
  t.teardown(() => store.close())
  const id = await publish(store, 'log')
  await t.rejects(store.read('log', null, { limit: 9 }), { ...UNAVAILABLE, message: /disk/ }, 'the second try')
  t.equal((await store.read('log', null, { limit: 9 })).tail?.id, id)
  t.strictSame(errors, [])
})

t.test('a lock while the file is opened is waited for', { skip: skipSqlite }, async t => {
  const file = await fileOf(t)
  const other = open(t, file)
  other.exec('PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; CREATE TABLE a (b)')
  const database = open(t, file)
  const exec = database.exec.bind(database)
  let attempts = 0
  database.exec = sql => {
    if (sql === 'BEGIN IMMEDIATE' && ++attempts === 2) other.exec('ROLLBACK')
    return exec(sql)
  }
  const store = sqliteStore(database)
  t.equal(attempts, 2)
  await store.close()
  const held = open(t, file)
  held.exec('BEGIN IMMEDIATE')
  t.throws(() => sqliteStore(open(t, file)), /locked/, 'for so long')
})

t.test('a full disk: nothing is written, and what is there is read', { skip: skipSqlite }, async t => {
  const { database, store } = await opened(t)
  await publish(store, 'log', 'one')
  database.exec('PRAGMA max_page_count = 20')
  await t.rejects(store.append('log', Array.from({ length: 50 }, () => event('x'.repeat(4_000))), { ttl: TTL }), { ...UNAVAILABLE, message: /full/ })
  database.exec('PRAGMA max_page_count = 100000')
  await publish(store, 'log', 'two')
  t.strictSame((await store.read('log', null, { limit: 99 })).entries.map(({ data }) => data), ['', 'one', 'two'])
})

t.test('appends of one turn share a commit, and each has its own answer', { skip: skipSqlite }, async t => {
  const { store, commits } = await counted(t)
  const sealed = await store.append('sealed', [{ kind: 'open', type: '', data: 'a', meta: '' }, { kind: 'end', type: 'complete', data: '', meta: '' }], { first: '5-0', after: null, ttl: TTL })
  const token = { publisher: 'p', sequence: 1 }
  const before = commits()
  const answers = await Promise.allSettled([
    publish(store, 'log', 'one', { token }), publish(store, 'sealed'), publish(store, 'log', 'one', { token }), publish(store, 'other'),
    store.append('log', [event('x')], { first: '1-1', ttl: TTL }), publish(store, 'log', 'two'), store.delete('other'), publish(store, 'other')
  ])
  t.equal(commits() - before, 1)
  t.match(answers, [
    { value: /-1$/ }, { reason: { code: 'ENDED', tail: sealed } }, { value: /-1$/ }, { value: /-1$/ }, { reason: { code: 'FENCED' } }, { value: /-2$/ }, { value: undefined }, { value: /-1$/ }
  ])
  t.strictSame((await store.read('log', null, { limit: 9 })).entries.map(({ data }) => data), ['', 'one', 'two'])
  t.not((await store.read('other', null, { limit: 9 })).tail!.id, (answers[3] as { value: string }).value, 'deleted in between')
  await Promise.all(Array.from({ length: 1_000 }, (_, n) => publish(store, `log ${n}`)))
  t.equal(commits() - before, 5, 'two for a thousand, so that others get the lock; the two reads have one each')
})

t.test('nothing is acknowledged before its commit, and a commit that fails is repeated for each', { skip: skipSqlite }, async t => {
  const { store, raw, failCommit } = await counted(t)
  const heard: unknown[] = []
  await store.watch('one', entries => heard.push(entries?.map(({ data }) => data)))
  failCommit()
  const stored = () => raw.prepare("SELECT data FROM sse_entry WHERE kind = 'event' ORDER BY log, seq").all().map(row => (row as { data: string }).data)
  await Promise.all(['one', 'two', 'three'].map(async log => {
    await publish(store, log, log)
    t.ok(stored().includes(log))
  }))
  t.strictSame(stored(), ['one', 'two', 'three'], 'each is there once')
  t.strictSame(heard, [['', 'one']], 'and was told once')
})

t.test('an append that SQLite refuses fails alone', { skip: skipSqlite }, async t => {
  const { database, store } = await opened(t)
  await publish(store, 'log', 'zero')
  database.exec('PRAGMA max_page_count = 30')
  const answers = await Promise.allSettled([publish(store, 'log', 'one'), publish(store, 'log', 'x'.repeat(200_000)), publish(store, 'log', 'two'), publish(store, 'log', 'x'.repeat(200_000))])
  t.match(answers, [{ value: /-2$/ }, { reason: { ...UNAVAILABLE, message: /full/ } }, { value: /-3$/ }, { reason: UNAVAILABLE }])
  t.strictSame((await store.read('log', null, { limit: 9 })).entries.map(({ data }) => data), ['', 'zero', 'one', 'two'])
})

t.test('what was appended before the store is closed is written, unless the file is locked', { skip: skipSqlite }, async t => {
  const { store, raw, file } = await clocked(t)
  const appended = publish(store, 'log', 'one')
  await store.close()
  t.match(await appended, /-1$/)
  await t.rejects(publish(store, 'log'), { ...UNAVAILABLE, message: /was closed/ })
  const other = sqliteStore(open(t, file))
  raw.exec('BEGIN IMMEDIATE')
  const [locked, later] = [publish(other, 'log'), publish(other, 'log')]
  await other.close()
  await t.rejects(locked, { ...UNAVAILABLE, message: /was closed/ })
  await t.rejects(later, UNAVAILABLE)
  raw.exec('COMMIT')
  t.equal(Number(raw.prepare('SELECT count(*) AS n FROM sse_entry').get()['n']), 2)
})

t.test('retention over many short epochs keeps maxEvents, and not everything', { skip: skipSqlite }, async t => {
  const { store } = await clocked(t)
  let after = null
  for (let epoch = 1; epoch <= 400; epoch++) {
    const open: LogRecord = { kind: 'open', type: after ?? '', data: `${epoch}`, meta: '' }
    after = await store.append('log', [open, event(`${epoch}`)], { first: `${epoch}-0`, after, ttl: TTL, maxEvents: 100 })
  }
  const events = (await store.read('log', null, { limit: 1_000 })).entries.filter(({ kind }) => kind === 'event').map(({ data }) => data)
  t.ok(events.length >= 100 && events.length < 400, `${events.length} are kept`)
  t.strictSame(events.slice(-100), Array.from({ length: 100 }, (_, n) => `${n + 301}`))
})

t.test('rows of expired and deleted logs go as others are appended to', { skip: skipSqlite }, async t => {
  const { store, clock, count } = await clocked(t)
  await store.append('large', Array.from({ length: 2_500 }, () => event('x')), { ttl: 1_000 })
  for (let n = 0; n < 10; n++) await publish(store, `short ${n}`, 'x', { ttl: 1_000, token: { publisher: 'p', sequence: 1 }, idempotencyKey: 'k' })
  await publish(store, 'renewed', 'x', { ttl: 1_000 })
  await publish(store, 'deleted')
  await store.delete('deleted')
  await publish(store, 'renewed', 'x', { ttl: 1e9 })
  for (let n = 0; n < 60; n++) {
    clock.now += 10_000
    await publish(store, 'live', 'x', { ttl: 1e9, maxEvents: 1 })
  }
  t.equal(count('sse_log'), 2)
  t.equal(count('sse_token') + count('sse_key'), 0)
  t.equal((await store.read('renewed', null, { limit: 9 })).entries.length, 3)
})

t.test('a log that expired is another when its name comes again, also after the clock was set back', { skip: skipSqlite }, async t => {
  const { store, clock } = await clocked(t)
  const before = await publish(store, 'log', 'x', { ttl: 1_000 })
  clock.now += 1_000
  const after = await publish(store, 'log')
  t.not(after.split('-')[0], before.split('-')[0])
  clock.now -= 500_000
  await store.delete('log')
  const again = await publish(store, 'log')
  t.ok(Number(again.split('-')[0]) > Number(after.split('-')[0]), `${again} after ${after}`)
})

t.test('a publisher that was silent for long is forgotten when another comes', { skip: skipSqlite }, async t => {
  const { store, clock, count } = await clocked(t)
  const by = (publisher: string) => publish(store, 'log', 'x', { token: { publisher, sequence: 1 } })
  const first = await by('one')
  clock.now += 59_000
  await by('two')
  t.equal(await by('one'), first)
  clock.now += 2_000
  await by('three')
  t.equal(count('sse_token'), 1, 'that of the second; the third has its own in the row of the log')
})

t.test('what others write is heard, and a renewal of theirs is not', { skip: skipSqlite }, async t => {
  keepAlive(t)
  const { store, file, clock } = await clocked(t)
  const other = new SqliteStore(open(t, file), {}, () => clock.now)
  t.teardown(() => other.close())
  const heard: unknown[] = []
  let resolve: () => void
  const once = new Promise<void>(_resolve => { resolve = _resolve })
  await publish(other, 'log')
  const stop = await store.watch('log', entries => {
    heard.push(entries)
    resolve()
  })
  await other.append('log', [], { ttl: TTL })
  await publish(other, 'unwatched')
  const own = await publish(store, 'own')
  await store.watch('own', entries => heard.push(entries))
  t.not(await publish(store, 'own'), own)
  heard.length = 0
  const polled = new Promise<void>(resolve => { store.watch('signal', () => resolve()).catch(t.error) })
  await publish(other, 'signal')
  await polled
  t.strictSame(heard, [])
  await publish(other, 'log')
  await once
  t.strictSame(heard, [null])
  stop()
  stop()
})

t.test('a look that fails is repeated', { skip: skipSqlite }, async t => {
  keepAlive(t)
  const file = await fileOf(t)
  const database = open(t, file)
  const prepare = database.prepare.bind(database)
  let looks = 0
  let tell: () => void
  const idle = new Promise<void>(resolve => { tell = resolve })
  database.prepare = sql => {
    const statement = prepare(sql)
    if (sql !== 'PRAGMA data_version') return statement
    return { ...statement, get }
    function get () {
      if (++looks === 2) throw new Error('disk I/O error')
      if (looks === 5) tell()
      return statement.get()
    }
  }
  const store = sqliteStore(database)
  t.teardown(() => store.close())
  const other = sqliteStore(open(t, file))
  t.teardown(() => other.close())
  const heard = new Promise<void>(resolve => { store.watch('log', () => resolve()).catch(t.error) })
  // Most looks see no change.
  await idle
  await publish(other, 'log')
  await heard
  t.ok(looks > 5)
})

t.test('a deletion notifies the watchers of its own process', { skip: skipSqlite }, async t => {
  const { store } = await clocked(t)
  const heard: unknown[] = []
  await publish(store, 'log')
  await store.watch('log', entries => heard.push(entries))
  await store.delete('log')
  await store.delete('log')
  await publish(store, 'unwatched')
  await store.delete('unwatched')
  t.strictSame(heard, [null])
})
