import fc from 'fast-check'
import t from 'tap'
import { connect, ConnectionError, ResumeError } from '../../lib/client/index.ts'
import { isSendable } from '../../lib/client/cursor.ts'
import { positionLines } from '../../lib/wire/frame.ts'
import { collect, cut, failure, serve, status } from './fixtures/server.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)

const UNSENDABLE: [string, string][] = [
  ['an id of 1,025 bytes', 'ż'.repeat(512) + 'x'],
  ['an id of 20 KB', 'x'.repeat(20_000)],
  ['an id of 200 KB', 'x'.repeat(200_000)],
  ['an id with a control character', 'a\x01b'],
  ['an id with DEL', 'a\x7F'],
  ['an id with a tab at its end', 'a\t'],
  ['an id with a space in front', ' a'],
  ['an id with a space at its end', 'a ']
]

for (const [what, id] of UNSENDABLE) {
  const answer = cut(`id: 1\ndata: 1\n\nid: ${id}\ndata: 2\n\n`)

  t.test(`${what} is delivered, and a cut after it ends the loop`, async t => {
    const { url, requests } = await serve(t, answer, gone)
    const messages = connect(url, { backoff })
    const ids: string[] = []
    const error = await messages.next().then(async function read ({ done, value }): Promise<unknown> {
      if (done) return undefined
      ids.push(value.id)
      return messages.next().then(read, error => error)
    })
    t.same(ids, ['1', id])
    if (!(error instanceof ResumeError)) throw error
    t.equal(error.code, 'SSE_ERR_ID')
    t.equal(error.id, id)
    t.type(error.cause, ConnectionError)
    t.ok(error.message.length < 300)
    t.equal(messages.lastEventId, '1', 'the last one that can be sent')
    t.equal(requests.length, 1)
  })

  t.test(`${what}: told to reconnect, the client resumes from the last good id`, async t => {
    const { url, requests } = await serve(t, answer, gone)
    t.equal((await collect(connect(url, { reconnect: true, backoff }))).length, 2)
    t.match(requests, [{}, { headers: { 'last-event-id': '1' } }])
  })

  t.test(`${what} is refused as lastEventId`, async t => {
    t.throws(() => connect('/any', { lastEventId: id }), { name: 'ResumeError', code: 'SSE_ERR_ID', id })
  })
}

t.test('a later event with a good id makes the stream resumable again', async t => {
  const { url, requests } = await serve(t, cut('id: a \ndata: 1\n\nid: 2\ndata: 2\n\n'), gone)
  t.equal((await collect(connect(url, { backoff }))).length, 2)
  t.equal(requests[1]!.headers['last-event-id'], '2')
})

t.test('an event without an id after an unsendable one leaves the place unknown', async t => {
  const { url, requests } = await serve(t, cut('id: a \ndata: 1\n\ndata: 2\n\n'), gone)
  t.match(await failure(connect(url, { backoff })), { code: 'SSE_ERR_ID', id: 'a ' })
  t.equal(requests.length, 1)
})

t.test('a POST is not repeated after an id that cannot be sent', async t => {
  const { url, requests } = await serve(t, cut('id: 1\ndata: 1\n\nid: a \ndata: 2\n\n'), gone)
  t.type(await failure(connect(url, { method: 'POST', backoff })), ConnectionError)
  t.equal(requests.length, 1)
})

t.test('a lone surrogate is refused: it has no UTF-8', async t => {
  for (const lastEventId of ['\uD800', 'a\uDC00b']) t.throws(() => connect('/any', { lastEventId }), { code: 'SSE_ERR_ID' })
})

t.test('every id that the client keeps comes back to the server as it was sent', async t => {
  let id = ''
  const { url, requests } = await serve(t, (request, response) => {
    if (request.headers['last-event-id'] === undefined) cut(`id: ${id}\ndata: 1\n\n`)(request, response, 0)
    else gone(request, response, 1)
  })
  const unit = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constantFrom(' ', 'a', '\u0080', '\u00A0', 'à', '\u0085', '\uFEFF', '\u3000', ',', '"'))
  const ids = fc.oneof(fc.string({ unit, minLength: 1, maxLength: 20 }), fc.constantFrom('x'.repeat(1024), 'ż'.repeat(512), 'a b', '0')).filter(isSendable)
  await fc.assert(fc.asyncProperty(ids, async sent => {
    id = sent
    t.equal((await collect(connect(url, { backoff }))).length, 1)
    t.equal(Buffer.from(requests.at(-1)!.headers['last-event-id'] as string, 'latin1').toString(), sent)
  }), { numRuns: 200 })
})

t.test('every id that the server sends can be sent back', async t => {
  const isSent = (id: string): boolean => {
    try {
      return positionLines(undefined, id) !== ''
    } catch {
      return false
    }
  }
  const any = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(' ', '\t', '\x7F', '\x80', 'a', 'ż', '\uD800') }), fc.integer({ min: 1, max: 400 }).map(n => '😀'.repeat(n)))
  let sent = 0
  fc.assert(fc.property(any, id => {
    if (!isSent(id)) return true
    sent++
    // The wire is UTF-8, in which a lone surrogate is U+FFFD.
    return isSendable(Buffer.from(id).toString())
  }), { numRuns: 2000 })
  t.ok(sent > 500, `${sent} of 2000`)
})
