// Many at once, on both handles.
import assert from 'node:assert/strict'
import { compareCursors, follows, positionOf } from '../../log/cursor.ts'
import { type Cursor, type LogEntry } from '../../log/store.ts'
import { type Pair, brief, type Cases, event, open, TTL, until } from './pair.ts'

const CLAIMS = 30
const ROUNDS = 1_000

/** A reader of the least that is right: watch, then read, then apply hints that follow and read again at any other. */
async function follow (pair: Pair, log: string, count: number): Promise<LogEntry[]> {
  const got: LogEntry[] = []
  let cursor: Cursor = '0-0'
  let isDirty = true
  const take = (entries: readonly LogEntry[]): boolean => {
    for (const entry of entries) {
      if (compareCursors(entry.id, cursor) <= 0) continue
      if (got.length > 0 && !follows(entry, cursor)) return false
      cursor = entry.id
      got.push(entry)
    }
    return true
  }
  const stop = await pair.b.watch(log, entries => { if (isDirty || entries === null || got.length === 0 || !take(entries)) isDirty = true })
  await until(async () => {
    while (isDirty) {
      isDirty = false
      const { entries } = await pair.b.read(log, got.length === 0 ? null : cursor, { limit: 100 })
      assert.ok(take(entries), `a page has a hole: ${brief(entries).join(', ')} after ${cursor}`)
    }
    return got.length >= count
  })
  stop()
  return got
}

export const races: Cases = {
  [`of ${CLAIMS} claims of one log at once exactly one wins`]: async pair => {
    for (let round = 0; round < 10; round++) {
      const log = `${pair.log}:${round}`
      const claims = await Promise.allSettled(Array.from({ length: CLAIMS }, (_, i) =>
        (i % 2 === 0 ? pair.a : pair.b).append(log, [open(`nonce ${i}`)], { first: '1000-0', after: null, ttl: TTL, lease: TTL })))
      assert.equal(claims.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const claim of claims) if (claim.status === 'rejected') assert.equal(claim.reason.code, 'CONFLICT')
      assert.equal((await pair.b.read(log, null, { limit: 10 })).entries.length, 1)
    }
  },
  [`of ${CLAIMS} takeovers of one tail at once, in epochs of their own, exactly one wins`]: async pair => {
    await pair.produce('1000-0', [open('mine'), event('one')], { after: null })
    const claims = await Promise.allSettled(Array.from({ length: CLAIMS }, (_, i) =>
      pair.produce(`${2_000 + i}-0`, [open(`nonce ${i}`, '1000-1')], { after: '1000-1' }, i % 2 === 0 ? pair.a : pair.b)))
    assert.equal(claims.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.equal((await pair.readAll()).length, 3)
  },
  '50 publishers: one total order for all readers, each publisher in its own': async pair => {
    const published = await Promise.all(Array.from({ length: 50 }, async (_, publisher) => {
      const ids: Cursor[] = []
      for (let n = 0; n < 10; n++) {
        ids.push(await pair.publish([`${publisher}:${n}`], { token: { publisher: `${publisher}`, sequence: n } }, publisher % 2 === 0 ? pair.a : pair.b))
      }
      return ids
    }))
    const entries = await pair.readAll()
    assert.deepEqual(brief(entries), brief(await pair.readAll(null, { store: pair.a, limit: 7 })))
    assert.deepEqual(entries.map(({ id }) => positionOf(id).seq), Array.from({ length: 501 }, (_, i) => i))
    for (const [publisher, ids] of published.entries()) {
      assert.deepEqual(entries.filter(({ data }) => data.startsWith(`${publisher}:`)).map(({ id, data }) => `${id} ${data}`), ids.map((id, n) => `${id} ${publisher}:${n}`))
    }
  },
  'one token from both handles at once is written once': async pair => {
    for (let sequence = 1; sequence <= 20; sequence++) {
      const token = { publisher: 'p', sequence }
      const ids = await Promise.all(Array.from({ length: 6 }, (_, i) => pair.publish([`${sequence}`], { token }, i % 2 === 0 ? pair.a : pair.b)))
      assert.equal(new Set(ids).size, 1)
    }
    assert.equal((await pair.readAll()).length, 21)
  },
  'one idempotency key from both handles at once is written once': async pair => {
    const ids = await Promise.all(Array.from({ length: 30 }, (_, i) => pair.publish([`${i}`], { idempotencyKey: 'k' }, i % 2 === 0 ? pair.a : pair.b)))
    assert.equal(new Set(ids).size, 1)
    assert.equal((await pair.readAll()).length, 2)
  },
  [`${ROUNDS} rounds of subscribing while events are published: none is missed`]: async pair => {
    for (let round = 0; round < ROUNDS / 20; round++) {
      await Promise.all(Array.from({ length: 20 }, async (_, i) => {
        const log = `${pair.log}:${round}:${i}`
        const publish = async (): Promise<void> => {
          for (let n = 1; n <= 5; n++) await pair.a.append(log, [event(`${n}`)], { ttl: TTL })
        }
        const [entries] = await Promise.all([follow(pair, log, 6), publish()])
        assert.deepEqual(entries.map(({ data }) => data), ['', '1', '2', '3', '4', '5'])
        await pair.a.delete(log)
      }))
    }
  }
}
