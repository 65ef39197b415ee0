import t from 'tap'
import { compareCursors, cursorOf, follows, parseCursor, positionOf, successor } from '../../lib/log/cursor.ts'
import { LogIds, logName } from '../../lib/log/ids.ts'
import { storeOptions } from '../../lib/log/limits.ts'
import { type LogEntry } from '../../lib/log/store.ts'

t.test('a cursor is two numbers', async t => {
  t.strictSame(parseCursor('17-4'), { epoch: 17, seq: 4 })
  t.strictSame(parseCursor('0-0'), { epoch: 0, seq: 0 })
  t.strictSame(parseCursor('999999999999999-999999999999999'), { epoch: 999_999_999_999_999, seq: 999_999_999_999_999 })
  t.equal(cursorOf(17, 4), '17-4')
  t.strictSame(positionOf('17-4'), { epoch: 17, seq: 4 })
})

t.test('anything else is none', async t => {
  for (const text of ['', '-', '1', '1-', '-1', '1-2-3', '01-1', '1-01', '1.0-1', '1e3-1', ' 1-1', '1-1 ', '1-1\n', '1000000000000000-1', '1-1000000000000000', '١-١', '0x1-1', 'a-b', '1,1']) {
    t.equal(parseCursor(text), null, JSON.stringify(text))
  }
})

t.test('cursors compare as numbers, the epoch first', async t => {
  const sorted = ['0-0', '0-9', '0-10', '1-0', '9-99', '10-1', '100-0'] as const
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) t.equal(Math.sign(compareCursors(a, b)), Math.sign(i - j), `${a}, ${b}`)
  }
})

t.test('what follows a cursor: its successor, and an epoch that continues it', async t => {
  const entry = (id: LogEntry['id'], kind: LogEntry['kind'] = 'event', type = '') => ({ id, kind, type })
  t.equal(successor('5-9'), '5-10')
  t.equal(successor('5-9', -1), '5-8')
  t.ok(follows(entry('5-10'), '5-9'))
  t.notOk(follows(entry('5-11'), '5-9'))
  t.notOk(follows(entry('5-9'), '5-9'))
  t.notOk(follows(entry('6-10'), '5-9'))
  t.ok(follows(entry('6-0', 'open', '5-9'), '5-9'))
  t.notOk(follows(entry('6-0', 'open', '5-8'), '5-9'))
  t.notOk(follows(entry('6-0', 'open', ''), '5-9'))
  t.notOk(follows(entry('6-0', 'event', '5-9'), '5-9'), 'an event whose name looks like a cursor')
})

t.test('names of logs are apart for any kind, name and key', async t => {
  const parts = ['a', 'b', 'a:b', ':', '', '%', '%3A', 'a%3Ab', 'ä', 'A', ' ', '/', '\u0000', '1', '01']
  const names = new Set<string>()
  for (const kind of ['topic', 'run'] as const) {
    for (const name of parts) {
      names.add(logName(kind, name))
      for (const key of parts) names.add(logName(kind, name, key))
    }
  }
  t.equal(names.size, 2 * parts.length * (1 + parts.length))
})

t.test('a number is the key that its text is', async t => {
  t.equal(logName('topic', 'inbox', 42), logName('topic', 'inbox', '42'))
  t.equal(logName('topic', 'inbox', -1), logName('topic', 'inbox', '-1'))
})

t.test('keys that cannot name a log are refused', async t => {
  for (const key of ['\ud800', 'a\udc00b', 1.5, NaN, Infinity, 2 ** 53, null, {}, [], true, Symbol('s')]) {
    t.throws(() => logName('topic', 'inbox', key as string), { code: 'SSE_ERR_KEY' }, String(key))
  }
})

t.test('ids have the tag of their log', async t => {
  const ids = new LogIds('topic:inbox:42')
  t.match(ids.tag, /^[\w-]{8}$/)
  t.equal(ids.of('17-4'), `${ids.tag}.17-4`)
  t.equal(ids.parse(ids.of('17-4')), '17-4')
  t.equal(new LogIds('topic:inbox:42').tag, ids.tag, 'in every process')
})

t.test('ids of other logs, and malformed ones, are foreign', async t => {
  const ids = new LogIds('topic:inbox:42')
  for (const id of [new LogIds('topic:inbox:43').of('17-4'), '', '17-4', ids.tag, `${ids.tag}.`, `${ids.tag}17-4`, `${ids.tag}.17`, `${ids.tag}.17-4,${ids.tag}.1-1`, `${ids.tag}.017-4`]) {
    t.equal(ids.parse(id), null, id)
  }
})

t.test('limits have defaults, and bounds', async t => {
  t.strictSame(storeOptions({}, {}), { appendTimeout: 10_000, maxEventBytes: 262_144 })
  t.throws(() => storeOptions({ appendTimeout: 50_001 }, {}), { code: 'SSE_ERR_OPTION' }, 'a token is remembered for a minute')
})
