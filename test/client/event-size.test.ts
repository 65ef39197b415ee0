import t from 'tap'
import fc from 'fast-check'
import { connect, parse } from '../../lib/client/index.ts'
import { type Answer, collect, failure, open, serve, stream } from './fixtures/server.ts'

const MEGABYTE = 2 ** 20
const TOTAL = 64 * MEGABYTE

/** Repeats a text of 64 KB until the client leaves, or 64 MB are written. */
function endless (first: string, line: string, written: { bytes: number }): Answer {
  const piece = line.repeat(Math.ceil(65_536 / line.length))
  return (request, response) => {
    open(first)(request, response, 0)
    const write = (): void => {
      while (written.bytes < TOTAL) {
        written.bytes += piece.length
        if (!response.write(piece)) {
          response.once('drain', write)
          return
        }
      }
      response.end()
    }
    write()
  }
}

for (const [what, first, line] of [
  ['a line without an end', 'data: ', 'x'],
  ['a comment without an end', ':', 'x'],
  ['an id without an end', 'id: ', 'x'],
  ['an event without an end', '', `data: ${'x'.repeat(1000)}\n`],
  ['an event of empty lines without an end', '', 'data\n']
] as const) {
  t.test(`${what} ends the loop, and is not read on`, async t => {
    const written = { bytes: 0 }
    const { url, requests } = await serve(t, endless(first, line, written))
    const error = await failure(connect(url, { maxEventSize: MEGABYTE, backoff: { delay: 1 } }))
    t.match(error, { name: 'EventSizeError', code: 'SSE_ERR_EVENT_SIZE', maxEventSize: MEGABYTE })
    // Sockets hold some of it on the way; a megabyte of empty lines takes five on the wire.
    t.ok(written.bytes < TOTAL / 2, `${written.bytes} bytes were written`)
    t.equal(requests.length, 1)
  })
}

t.test('without maxEventSize an event may have 4 MiB', async t => {
  const text = `"${'x'.repeat(4 * MEGABYTE - 2)}"`
  t.equal((await collect(parse(`data: ${text}\n\n`))).length, 1)
  t.match(await failure(parse(`data: ${text} \n\n`)), { code: 'SSE_ERR_EVENT_SIZE', maxEventSize: 4 * MEGABYTE })
})

t.test('messages before an event that is too large are delivered', async t => {
  const { url } = await serve(t, stream('data: 1\n\ndata: 2\n\ndata: "too large"\n\ndata: 3\n\n'))
  const got: unknown[] = []
  const messages = connect(url, { maxEventSize: 5 })
  await t.rejects(async () => { for await (const { data } of messages) got.push(data) }, { code: 'SSE_ERR_EVENT_SIZE' })
  t.same(got, [1, 2])
})

t.test('an event may have just as many characters, however it is cut into lines and chunks', async t => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'ż', '😀'), maxLength: 20 }), { minLength: 1, maxLength: 4 })
  await fc.assert(fc.asyncProperty(lines, fc.integer({ min: 1, max: 30 }), fc.constantFrom('\n', '\r', '\r\n'), async (lines, chunk, end) => {
    const data = lines.join('\n')
    const wire = `${lines.map(line => `data: ${line}${end}`).join('')}id: 1${end}event: text${end}${end}`
    const chunks = (): string[] => Array.from({ length: Math.ceil(wire.length / chunk) }, (_, i) => wire.slice(i * chunk, (i + 1) * chunk))
    const source = (): AsyncIterable<string> => (async function * () { yield * chunks() })()
    const read = (maxEventSize: number): Promise<unknown> => collect(parse(source(), { raw: { text: true }, maxEventSize }))
    t.match(await read(Math.max(1, data.length)), [{ data }])
    if (data.length > 1) await t.rejects(read(data.length - 1), { code: 'SSE_ERR_EVENT_SIZE' })
  }), { numRuns: 300 })
})
