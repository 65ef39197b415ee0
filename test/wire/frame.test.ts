import t from 'tap'
import { commentLines, DATA, dataLines, END, eventLine, HEARTBEAT, positionLines, retryLine } from '../../lib/wire/frame.ts'

const LINES: Array<[what: string, made: () => string, bytes: string]> = [
  ['data', () => dataLines('a'), 'data: a'],
  ['data that is empty', () => dataLines(''), 'data: '],
  ['data that starts with a space or a colon', () => dataLines(' :a'), 'data:  :a'],
  ['data over LF', () => dataLines('a\nb'), 'data: a\ndata: b'],
  ['data over CR', () => dataLines('a\rb'), 'data: a\ndata: b'],
  ['data over CRLF', () => dataLines('a\r\nb'), 'data: a\ndata: b'],
  ['data over LF CR, which are two', () => dataLines('a\n\rb'), 'data: a\ndata: \ndata: b'],
  ['data that ends a line', () => dataLines('a\n'), 'data: a\ndata: '],
  ['data that looks like fields', () => dataLines('a\n\nevent: b\nid: 1'), 'data: a\ndata: \ndata: event: b\ndata: id: 1'],
  ['data with what is no line end', () => dataLines('\0\v\f\u0085\u2028\u2029\uFEFF'), 'data: \0\v\f\u0085\u2028\u2029\uFEFF'],
  ['a comment', () => commentLines('a'), ': a\n'],
  ['a comment over lines', () => commentLines('a\r\nb\rc\nd'), ': a\n: b\n: c\n: d\n'],
  ['a comment that is empty', () => commentLines(''), ': \n'],
  ['a name', () => eventLine('a'), 'event: a\n'],
  ['a name with all that a name may have', () => eventLine(' :\0\u2028é'), 'event:  :\0\u2028é\n'],
  ['an id', () => positionLines(undefined, 'a'), 'id: a\n'],
  ['the id 0', () => positionLines(undefined, 0), 'id: 0\n'],
  ['the longest id', () => positionLines(undefined, '€'.repeat(341) + 'a'), `id: ${'€'.repeat(341)}a\n`],
  ['an id with spaces within, and what is no control character', () => positionLines(undefined, 'a  b\u2028\u00a0'), 'id: a  b\u2028\u00a0\n'],
  ['the empty id', () => positionLines(undefined, ''), 'id: \n'],
  ['an id that is a big number', () => positionLines(undefined, 1e21), 'id: 1e+21\n'],
  ['retry, then the id', () => positionLines(5, 'a'), 'retry: 5\nid: a\n'],
  ['neither', () => positionLines(undefined, undefined), ''],
  ['retry', () => retryLine(0), 'retry: 0\n'],
  ['the longest retry', () => retryLine(Number.MAX_SAFE_INTEGER), 'retry: 9007199254740991\n'],
  ['the constants', () => HEARTBEAT + DATA + END, ':\n\ndata: \n']
]

for (const [what, made, bytes] of LINES) {
  t.test(`the bytes of ${what}`, async t => { t.equal(made(), bytes) })
}

const REFUSED: Array<[made: () => unknown, code: string, message: RegExp]> = [
  [() => eventLine(''), 'SSE_ERR_EVENT', /must not be empty/],
  [() => eventLine('a\nb'), 'SSE_ERR_EVENT', /must not contain CR or LF/],
  [() => eventLine('a\r'), 'SSE_ERR_EVENT', /must not contain CR or LF/],
  [() => eventLine(1 as never), 'SSE_ERR_EVENT', /must be a string, got number/],
  [() => eventLine(null as never), 'SSE_ERR_EVENT', /must be a string, got object/],
  [() => commentLines(1 as never), 'SSE_ERR_MESSAGE', /a comment must be a string/],
  ...['\r', '\n', '\0', 'a\nb', 'a\0', '\t', 'a\u001fb', '\u007f', '\u0085'].map((id): [() => unknown, string, RegExp] =>
    [() => positionLines(undefined, id), 'SSE_ERR_ID', /got one with a control character/]),
  ...[' ', ' a', 'a '].map((id): [() => unknown, string, RegExp] => [() => positionLines(undefined, id), 'SSE_ERR_ID', /got one with a space at an end/]),
  [() => positionLines(undefined, 'a'.repeat(1025)), 'SSE_ERR_ID', /got one of 1025 bytes/],
  [() => positionLines(undefined, '€'.repeat(342)), 'SSE_ERR_ID', /got one of 1026 bytes/],
  [() => positionLines(undefined, NaN), 'SSE_ERR_ID', /got NaN/],
  [() => positionLines(undefined, Infinity), 'SSE_ERR_ID', /got Infinity/],
  [() => positionLines(undefined, null as never), 'SSE_ERR_ID', /got object/],
  [() => positionLines(undefined, 1n as never), 'SSE_ERR_ID', /got bigint/],
  [() => positionLines(undefined, Symbol('a') as never), 'SSE_ERR_ID', /got symbol/],
  [() => retryLine(-1), 'SSE_ERR_RETRY', /got -1/],
  [() => retryLine(1.5), 'SSE_ERR_RETRY', /got 1.5/],
  [() => retryLine(NaN), 'SSE_ERR_RETRY', /got NaN/],
  [() => retryLine(2 ** 53), 'SSE_ERR_RETRY', /got 9007199254740992/],
  [() => retryLine('5' as never), 'SSE_ERR_RETRY', /got string/],
  [() => positionLines(null as never, 1), 'SSE_ERR_RETRY', /got object/]
]

t.test('what would corrupt a frame is refused with its code', async t => {
  for (const [made, code, message] of REFUSED) t.throws(made, { code, message }, `${made}`)
})
