import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { type AppendOptions, type Cursor, type LogRecord, type Store } from '../../lib/log/store.ts'
import { MemoryStore } from '../../lib/store/memory.ts'
import { SqliteStore } from '../../lib/store/sqlite.ts'
import { Sqlite, skipSqlite } from '../helpers/sqlite.ts'
import { ModelStore } from './model.ts'

// Any sequence of calls does the same to a store as to its model, which says the rules of a store a second time.

const TTL = 1_000
const text = fc.constantFrom('a', 'b', 'c')
const cursor = fc.tuple(fc.constantFrom(1, 2, 3), fc.integer({ min: 0, max: 4 })).map(([epoch, seq]): Cursor => `${epoch}-${seq}`)
const record: fc.Arbitrary<LogRecord> = fc.record({ kind: fc.constantFrom('event', 'event', 'event', 'end', 'open'), type: fc.constant(''), data: text, meta: text })

/** An append of a producer often follows the tail, which only the run knows: `next` stands for that. */
const append = fc.record({
  records: fc.array(record, { maxLength: 3 }),
  first: fc.oneof(fc.constant(undefined), fc.constant('next' as const), cursor),
  after: fc.oneof(fc.constant(undefined), fc.constant(null), fc.constant('tail' as const), fc.constant('any' as const), cursor),
  token: fc.option(fc.record({ publisher: text, sequence: fc.integer({ min: 1, max: 3 }) }), { nil: undefined }),
  idempotencyKey: fc.option(text, { nil: undefined }),
  lease: fc.option(fc.constantFrom(100, 500), { nil: undefined })
})
const command = fc.oneof(
  { weight: 8, arbitrary: append.map(options => ({ name: 'append' as const, options })) },
  { weight: 3, arbitrary: fc.record({ name: fc.constant('read' as const), after: fc.option(cursor), limit: fc.integer({ min: 1, max: 5 }), maxText: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }), last: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }) }) },
  { weight: 1, arbitrary: fc.constant({ name: 'delete' as const }) },
  { weight: 2, arbitrary: fc.constantFrom(50, 600).map(ms => ({ name: 'elapse' as const, ms })) }
)

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

async function perform (store: Store, command: Command, tail: Cursor | null): Promise<unknown> {
  try {
    if (command.name === 'read') return await store.read('log', command.last === undefined ? command.after : null, { limit: command.limit, maxText: command.maxText, last: command.last })
    if (command.name === 'delete') return await store.delete('log')
    if (command.name === 'elapse') return undefined
    const { records, first, after, token, idempotencyKey, lease } = command.options
    const [epoch, seq] = (tail ?? '0-0').split('-').map(Number) as [number, number]
    const options: AppendOptions = first === undefined
      ? { ttl: TTL, token, idempotencyKey: records.length === 1 ? idempotencyKey : undefined }
      : { ttl: TTL, lease, first: first === 'next' ? `${epoch}-${seq + 1}` : first, after: after === 'tail' ? tail : after }
    // An epoch begins with an open record, and has no other; an end comes last. The layers above see to that.
    const opens = options.first === undefined ? false : options.first.endsWith('-0')
    const shaped = records.map(({ kind, ...others }, i): LogRecord => ({
      ...others, kind: opens && i === 0 ? 'open' : (kind === 'end' && i === records.length - 1 && options.first !== undefined) ? 'end' : 'event'
    }))
    return await store.append('log', shaped, options)
  } catch (error) {
    const { code, tail } = error as { code?: string, tail?: unknown }
    if (code === undefined) throw error
    return { code, tail }
  }
}

t.test('memory store', async t => {
  await fc.assert(fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 40 }), async commands => {
    let time = 10
    const now = (): number => time
    const stores = [new ModelStore(now), new MemoryStore({}, now)] as const
    for (const [i, command] of commands.entries()) {
      if (command.name === 'elapse') time += command.ms
      const tail = (await stores[0].read('log', null, { limit: 1 })).tail?.id ?? null
      const [expected, found] = await Promise.all(stores.map(store => perform(store, command, tail)))
      assert.deepEqual(found, expected, `command ${i}`)
    }
    const [expected, found] = await Promise.all(stores.map(store => store.read('log', null, { limit: 1_000 })))
    assert.deepEqual(found, expected)
  }), { numRuns: 500 })
  t.pass('500 sequences')
})

t.test('SQLite store: what is written in one turn shares a commit, and is as if each had come after the one before', { skip: skipSqlite }, async t => {
  const write = command.filter(({ name }) => name === 'append' || name === 'delete')
  const turn = fc.oneof({ weight: 3, arbitrary: fc.array(write, { minLength: 1, maxLength: 6 }) }, { weight: 1, arbitrary: fc.tuple(command) })
  await fc.assert(fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 15 }), async turns => {
    let time = 10
    const now = (): number => time
    const model = new ModelStore(now)
    const store = new SqliteStore(new Sqlite!(':memory:'), {}, now)
    try {
      for (const [i, commands] of turns.entries()) {
        if (commands[0]!.name === 'elapse') time += commands[0]!.ms
        const tail = (await model.read('log', null, { limit: 1 })).tail?.id ?? null
        const found = await Promise.all(commands.map(command => perform(store, command, tail)))
        const expected = []
        for (const command of commands) expected.push(await perform(model, command, tail))
        assert.deepEqual(found, expected, `turn ${i}`)
      }
      const [expected, found] = await Promise.all([model, store].map(store => store.read('log', null, { limit: 1_000 })))
      assert.deepEqual(found, expected)
    } finally {
      await store.close()
    }
  }), { numRuns: 300 })
  t.pass('300 sequences')
})
