import t from 'tap'
import { Item, join, MOST_JOINED, Ring } from '../../lib/log/ring.ts'
import { type LogEntry } from '../../lib/log/store.ts'
import { TextPresentation } from './helpers.ts'

const presentation = new TextPresentation()

function item (seq: number, data = 'x', kind: LogEntry['kind'] = 'event'): Item {
  return new Item({ kind, type: '', data, meta: '', id: `5-${seq}` }, `tag45678.5-${seq}`, presentation)
}

t.test('places are found by cursor, from the base to the head', async t => {
  const ring = new Ring('5-10')
  t.equal(ring.placeOf('5-10'), 0)
  for (let seq = 11; seq <= 20; seq++) ring.push(item(seq))
  for (let seq = 10; seq <= 20; seq++) t.equal(ring.placeOf(`5-${seq}`), seq - 10)
  t.equal(ring.placeOf('5-9'), -1)
  t.equal(ring.placeOf('5-21'), -1)
  t.equal(ring.placeOf('4-15'), -1)
  t.strictSame(ring.since(8).map(({ entry }) => entry.id), ['5-19', '5-20'])
  t.equal(ring.after(8).entry.id, '5-19')
})

t.test('it keeps the newest thousand items, or megabyte, and at least one', async t => {
  const ring = new Ring('5-0')
  for (let seq = 1; seq <= 10_000; seq++) ring.push(item(seq))
  t.ok(ring.has(10_000 - 1_024))
  t.notOk(ring.has(10_000 - 2_049))
  for (let seq = 10_001; seq <= 10_100; seq++) ring.push(item(seq, 'x'.repeat(100_000)))
  t.ok(ring.has(10_100 - 10))
  t.notOk(ring.has(10_100 - 22))
  ring.push(item(10_101, 'x'.repeat(3_000_000)))
  t.ok(ring.has(10_100))
  t.notOk(ring.has(10_099))
})

t.test('what is joined is bounded, and made once for a place until there is more', async t => {
  const ring = new Ring('5-0')
  for (let seq = 1; seq <= 10; seq++) ring.push(item(seq, 'x'.repeat(50_000)))
  const joined = ring.joinedSince(0)
  t.equal(joined.count, Math.ceil(MOST_JOINED / 50_000))
  t.equal(ring.joinedSince(0), joined)
  ring.push(item(11))
  t.not(ring.joinedSince(0), joined)
})

t.test('the end of a run is not joined', async t => {
  t.match(join([item(1), item(2, 'x', 'end')], 0), { count: 1 })
  t.strictSame(join([item(2, 'x', 'end')], 0), { frames: null, count: 0 })
  t.strictSame(join([item(1, 'hidden')], 0), { frames: null, count: 1 })
})
