// Pages, cursors, retention.
import assert from 'node:assert/strict'
import { cursorOf, positionOf } from '../../log/cursor.ts'
import { type Cursor } from '../../log/store.ts'
import { type Pair, brief, type Cases, end, event, open } from './pair.ts'

async function publishMany (pair: Pair, count: number, options: { maxEvents?: number, batch?: number } = {}): Promise<number> {
  const { maxEvents, batch = 100 } = options
  let last: Cursor = '0-0'
  for (let n = 0; n < count; n += batch) {
    last = await pair.publish(Array.from({ length: Math.min(batch, count - n) }, (_, i) => `${n + i + 1}`), { maxEvents })
  }
  return positionOf(last).epoch
}

/** Fails where a page has a hole, or anything twice. */
function assertContiguous (ids: readonly Cursor[]): void {
  for (let i = 1; i < ids.length; i++) {
    const { epoch, seq } = positionOf(ids[i - 1]!)
    assert.equal(ids[i], cursorOf(epoch, seq + 1))
  }
}

export const reading: Cases = {
  'a log that does not exist has no entries, no tail, no lease': async pair => {
    const none = { entries: [], tail: null, lease: null }
    assert.deepEqual(await pair.a.read(pair.log, null, { limit: 10 }), none)
    assert.deepEqual(await pair.a.read(pair.log, '1000-5', { limit: 10 }), none)
    assert.deepEqual(await pair.a.read(pair.log, null, { limit: 10, last: 3 }), none)
  },
  'a read has every append that was acknowledged before it': async pair => {
    for (let n = 1; n <= 50; n++) {
      const id = await pair.publish([`${n}`], {}, n % 2 === 0 ? pair.a : pair.b)
      const { tail } = await (n % 3 === 0 ? pair.a : pair.b).read(pair.log, null, { limit: 1 })
      assert.equal(tail!.id, id)
      assert.equal(tail!.data, `${n}`)
    }
  },
  'entries are strictly after the cursor': async pair => {
    const epoch = await publishMany(pair, 5)
    assert.deepEqual(brief(await pair.readAll(`${epoch}-3`)), [`${epoch}-4 4`, `${epoch}-5 5`])
    assert.deepEqual(await pair.readAll(`${epoch}-5`), [])
  },
  'a cursor after the tail, or of a later epoch, has nothing after it, and the tail says why': async pair => {
    const epoch = await publishMany(pair, 5)
    for (const after of [cursorOf(epoch, 6), cursorOf(epoch, 1_000), cursorOf(epoch + 1, 0)]) {
      const { entries, tail } = await pair.b.read(pair.log, after, { limit: 10 })
      assert.deepEqual(entries, [])
      assert.equal(tail!.id, `${epoch}-5`)
    }
  },
  'a cursor of an earlier epoch, or between two, begins with what is after it': async pair => {
    await pair.produce('1000-0', [open('a'), event('one')], { after: null })
    await pair.produce('3000-0', [open('b', '1000-1'), event('two')], { after: '1000-1' })
    assert.deepEqual(brief(await pair.readAll('1-1')), ['1000-0 open', '1000-1 one', '3000-0 open', '3000-1 two'])
    assert.deepEqual(brief(await pair.readAll('1000-7')), ['3000-0 open', '3000-1 two'])
    assert.deepEqual(brief(await pair.readAll('2000-0')), ['3000-0 open', '3000-1 two'])
  },
  'a page has at most its limit, and the tail is that of the log': async pair => {
    const epoch = await publishMany(pair, 10)
    const { entries, tail } = await pair.b.read(pair.log, null, { limit: 4 })
    assert.deepEqual(brief(entries), [`${epoch}-0 open`, `${epoch}-1 1`, `${epoch}-2 2`, `${epoch}-3 3`])
    assert.equal(tail!.id, `${epoch}-10`)
  },
  'a page ends with the entry that brings it to maxText': async pair => {
    const epoch = positionOf(await pair.publish(Array.from({ length: 300 }, () => 'x'.repeat(100)))).epoch
    const page = async (limit: number, maxText: number, after: Cursor = cursorOf(epoch, 0)) => (await pair.b.read(pair.log, after, { limit, maxText })).entries
    for (const [limit, maxText, length] of [[500, 1, 1], [500, 100, 1], [500, 101, 2], [500, 2_000, 20], [500, 29_950, 300], [500, 1e9, 300], [7, 2_000, 7]] as const) {
      const entries = await page(limit, maxText)
      assert.equal(entries.length, length, `limit ${limit}, maxText ${maxText}`)
      assertContiguous(entries.map(({ id }) => id))
    }
    assert.equal((await page(500, 500, cursorOf(epoch, 298))).length, 2)
    assert.equal((await pair.b.read(pair.log, null, { limit: 500, maxText: 250, last: 10 })).entries.length, 3)
  },
  '2,503 events come whole, in pages of any size': async pair => {
    const epoch = await publishMany(pair, 2_503)
    for (const limit of [999, 1_000, 1_001, 5_000]) {
      const entries = await pair.readAll(null, { limit })
      assert.equal(entries.length, 2_504, `pages of ${limit}`)
      assertContiguous(entries.map(({ id }) => id))
    }
    const { entries } = await pair.b.read(pair.log, `${epoch}-0`, { limit: 1_001 })
    assert.equal(entries.length, 1_001)
  },
  'an append of 1,001 records is one': async pair => {
    const epoch = positionOf(await pair.publish(Array.from({ length: 1_001 }, (_, i) => `${i}`))).epoch
    const entries = await pair.readAll(`${epoch}-0`, { limit: 2_000 })
    assert.equal(entries.length, 1_001)
    assert.equal(entries.at(-1)!.data, '1000')
  },
  'last: from the newest n events': async pair => {
    const epoch = await publishMany(pair, 5)
    const { entries, tail } = await pair.b.read(pair.log, null, { limit: 10, last: 2 })
    assert.deepEqual(brief(entries), [`${epoch}-4 4`, `${epoch}-5 5`])
    assert.equal(tail!.id, `${epoch}-5`)
  },
  'last: more than there are begins with the first event': async pair => {
    const epoch = await publishMany(pair, 3)
    assert.deepEqual(brief((await pair.b.read(pair.log, null, { limit: 10, last: 100 })).entries), [1, 2, 3].map(n => `${epoch}-${n} ${n}`))
  },
  'last: the limit cuts at the newer end': async pair => {
    const epoch = await publishMany(pair, 5)
    assert.deepEqual(brief((await pair.b.read(pair.log, null, { limit: 2, last: 4 })).entries), [`${epoch}-2 2`, `${epoch}-3 3`])
  },
  'last: open and end records do not count, earlier epochs do': async pair => {
    await pair.produce('1000-0', [open('a'), event('one'), event('two')], { after: null })
    await pair.produce('2000-0', [open('b', '1000-2'), event('three'), event('four'), end()], { after: '1000-2' })
    const last = async (n: number) => brief((await pair.b.read(pair.log, null, { limit: 10, last: n })).entries)
    assert.deepEqual(await last(1), ['2000-2 four', '2000-3 end'])
    assert.deepEqual(await last(2), ['2000-1 three', '2000-2 four', '2000-3 end'])
    assert.deepEqual(await last(3), ['1000-2 two', '2000-0 open', '2000-1 three', '2000-2 four', '2000-3 end'])
    const all = ['1000-1 one', '1000-2 two', '2000-0 open', '2000-1 three', '2000-2 four', '2000-3 end']
    assert.deepEqual(await last(4), all)
    assert.deepEqual(await last(100), all)
  },
  'last: a newest epoch without events does not hide those of earlier ones': async pair => {
    await pair.produce('1000-0', [open('a'), ...Array.from({ length: 150 }, (_, i) => event(`${i + 1}`))], { after: null })
    for (let epoch = 1_001; epoch <= 1_150; epoch++) {
      const tail = epoch === 1_001 ? '1000-150' : cursorOf(epoch - 1, 0)
      await pair.produce(cursorOf(epoch, 0), [open('b', tail)], { after: tail })
    }
    const { entries } = await pair.b.read(pair.log, null, { limit: 3, last: 120 })
    assert.deepEqual(brief(entries), ['1000-31 31', '1000-32 32', '1000-33 33'])
  },
  'last: a log without events has none': async pair => {
    await pair.publish([])
    assert.deepEqual((await pair.b.read(pair.log, null, { limit: 10, last: 3 })).entries, [])
  },
  'retention keeps at least maxEvents, and what is kept has no hole': async pair => {
    for (const batch of [1, 7]) {
      for (let n = 0; n < 700; n += batch) {
        const id = await pair.publish(Array.from({ length: batch }, (_, i) => `${n + i}`), { maxEvents: 10 })
        if (n % 35 !== 0) continue
        const entries = await pair.readAll()
        const events = entries.filter(({ kind }) => kind === 'event')
        assert.ok(events.length >= Math.min(positionOf(id).seq, 10), `${events.length} events at ${id}`)
        assertContiguous(entries.map(entry => entry.id))
      }
    }
    assert.ok((await pair.readAll()).length < 700, 'what is older goes at last')
  },
  'retention of more events than there are keeps all, with the open record': async pair => {
    const epoch = await publishMany(pair, 10, { maxEvents: 10, batch: 1 })
    assert.equal((await pair.readAll())[0]!.id, `${epoch}-0`)
  },
  'a cursor whose successor is kept reads on without a gap': async pair => {
    const epoch = await publishMany(pair, 400, { maxEvents: 5, batch: 1 })
    const oldest = positionOf((await pair.readAll())[0]!.id).seq
    assert.equal((await pair.readAll(cursorOf(epoch, oldest - 1)))[0]!.id, cursorOf(epoch, oldest))
    assert.deepEqual(brief(await pair.readAll(`${epoch}-395`)), [396, 397, 398, 399, 400].map(n => `${epoch}-${n} ${n}`))
  },
  'an append larger than maxEvents keeps its newest': async pair => {
    const id = await pair.publish(Array.from({ length: 50 }, (_, i) => `${i}`), { maxEvents: 3 })
    const entries = (await pair.readAll()).filter(({ kind }) => kind === 'event')
    assert.ok(entries.length >= 3)
    assert.equal(entries.at(-1)!.id, id)
  },
  'a new epoch counts for retention as one log with the old': async pair => {
    await pair.produce('1000-0', [open('a'), ...Array.from({ length: 5 }, (_, i) => event(`${i + 1}`))], { after: null, maxEvents: 5 })
    await pair.produce('2000-0', [open('b', '1000-5'), event('6')], { after: '1000-5', maxEvents: 5 })
    const events = (await pair.readAll()).filter(({ kind }) => kind === 'event')
    assert.deepEqual(events.slice(-5).map(({ data }) => data), ['2', '3', '4', '5', '6'])
  },
  'a deleted log is gone, whole, for both handles': async pair => {
    await pair.publish(['one'], { idempotencyKey: 'k', token: { publisher: 'p', sequence: 1 }, lease: 10_000 })
    await pair.b.delete(pair.log)
    assert.deepEqual(await pair.a.read(pair.log, null, { limit: 10 }), { entries: [], tail: null, lease: null })
    const id = await pair.publish(['one again'], { idempotencyKey: 'k', token: { publisher: 'p', sequence: 1 } })
    assert.deepEqual((await pair.readAll()).map(({ data }) => data), ['', 'one again'], `keys and tokens went with it: ${id}`)
  },
  'a log that is opened again after a deletion never gets an epoch that it had': async pair => {
    let before = 0
    for (let round = 0; round < 20; round++) {
      const { epoch } = positionOf(await pair.publish(['one'], {}, round % 2 === 0 ? pair.a : pair.b))
      assert.ok(epoch > before, `epoch ${epoch} after ${before}`)
      before = epoch
      await pair.a.delete(pair.log)
    }
  },
  'deleting a log that does not exist is no error': pair => pair.a.delete(pair.log),
  'logs are apart': async pair => {
    await pair.publish(['one'])
    const other = `${pair.log}:other`
    await pair.a.append(other, [event('two')], { ttl: 60_000 })
    await pair.a.delete(other)
    assert.equal((await pair.readAll()).length, 2)
  }
}
