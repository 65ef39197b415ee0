import t from 'tap'
import { Item, join, MOST_JOINED, Ring } from '../../lib/log/ring.ts'
import { type Cursor, type LogEntry } from '../../lib/log/store.ts'
import { TextPresentation } from './helpers.ts'

const presentation = new TextPresentation()

function item (seq: number, data = 'x', kind: LogEntry['kind'] = 'event'): Item {
  return new Item({ kind, type: '', data, meta: '', id: `5-${seq}` }, `tag45678.5-${seq}`, presentation)
}

t.test('places are found by cursor, from the base to the head', async t => {
  const ring = new Ring('5-10')
  const { head: first } = ring
  t.equal(ring.placeOf('5-10'), first)
  for (let seq = 11; seq <= 20; seq++) ring.push(item(seq))
  for (let seq = 10; seq <= 20; seq++) t.equal(ring.placeOf(`5-${seq}`), first + seq - 10)
  t.equal(ring.placeOf('5-9'), -1)
  t.equal(ring.placeOf('5-21'), -1)
  t.equal(ring.placeOf('4-15'), -1)
  t.strictSame(ring.since(first + 8).map(({ entry }) => entry.id), ['5-19', '5-20'])
  t.equal(ring.after(first + 8).entry.id, '5-19')
})

t.test('it keeps the newest thousand items, or megabyte, and at least one', async t => {
  const ring = new Ring('5-0')
  for (let seq = 1; seq <= 10_000; seq++) ring.push(item(seq))
  t.ok(ring.has(ring.head - 1_024))
  t.notOk(ring.has(ring.head - 2_049))
  for (let seq = 10_001; seq <= 10_100; seq++) ring.push(item(seq, 'x'.repeat(100_000)))
  t.ok(ring.has(ring.head - 10))
  t.notOk(ring.has(ring.head - 22))
  ring.push(item(10_101, 'x'.repeat(3_000_000)))
  t.ok(ring.has(ring.head - 1))
  t.notOk(ring.has(ring.head - 2))
})

t.test('what is joined is bounded, and made once for a place until there is more', async t => {
  const ring = new Ring('5-0')
  const { head: first } = ring
  for (let seq = 1; seq <= 10; seq++) ring.push(item(seq, 'x'.repeat(50_000)))
  const joined = ring.joinedSince(first)
  t.equal(joined.count, Math.ceil(MOST_JOINED / 50_000))
  t.equal(ring.joinedSince(first), joined)
  ring.push(item(11))
  t.not(ring.joinedSince(first), joined)
})

const items = (from: number, to: number, data?: string) => Array.from({ length: to - from + 1 }, (_, i) => item(from + i, data))
const idsAfter = (ring: Ring, cursor: Cursor) => ring.since(ring.placeOf(cursor)).map(({ entry }) => entry.id)

t.test('what a reader has read up to the oldest item is taken before it', async t => {
  const ring = new Ring('5-10')
  ring.push(item(11))
  const place = ring.placeOf('5-10')
  ring.prepend(items(4, 7), '5-3')
  t.equal(ring.placeOf('5-4'), -1, 'a page that ends before is not')
  // Its last entry was pushed in the meantime.
  ring.prepend(items(8, 11), '5-7')
  t.strictSame(idsAfter(ring, '5-7'), ['5-8', '5-9', '5-10', '5-11'])
  t.equal(ring.placeOf('5-10'), place, 'places stay')
  ring.prepend(items(8, 11), '5-7')
  ring.prepend(items(4, 7), '5-3')
  t.strictSame(idsAfter(ring, '5-3').length, 8)
  t.equal(ring.placeOf('5-3'), place - 7)
})

t.test('there is room for a thousand items, or a megabyte, and the newest of a page are taken', async t => {
  const ring = new Ring('5-2000')
  ring.prepend(items(1, 2_000), '5-0')
  t.equal(idsAfter(ring, '5-976').length, 1_024)
  t.equal(ring.placeOf('5-975'), -1)
  ring.prepend(items(1, 976), '5-0')
  t.equal(ring.placeOf('5-975'), -1)
  const large = new Ring('5-100')
  large.prepend(items(1, 100, 'x'.repeat(100_000)), '5-0')
  t.equal(idsAfter(large, '5-89').length, 11)
  t.equal(large.placeOf('5-88'), -1)
})

t.test('no place of before a reset is in it, however much is taken before', async t => {
  const ring = new Ring('5-2000')
  const { head } = ring
  ring.reset('5-3000')
  ring.prepend(items(1_001, 3_000), '5-1000')
  t.notOk(ring.has(head))
  t.ok(ring.has(ring.placeOf('5-1976')))
})

t.test('the end of a run is not joined', async t => {
  t.match(join([item(1), item(2, 'x', 'end')], 0), { count: 1 })
  t.strictSame(join([item(2, 'x', 'end')], 0), { frames: null, count: 0 })
  t.strictSame(join([item(1, 'hidden')], 0), { frames: null, count: 1 })
})

t.test('places of an earlier epoch are found too', async t => {
  const ring = new Ring('5-0')
  for (let seq = 1; seq <= 5; seq++) ring.push(item(seq))
  ring.push(new Item({ kind: 'open', type: '5-5', data: '', meta: '', id: '9-0' }, 'tag45678.9-0', presentation))
  t.equal(idsAfter(ring, '5-3').length, 3)
  t.equal(ring.placeOf('5-6'), -1)
})
