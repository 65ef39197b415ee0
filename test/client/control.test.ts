import t from 'tap'
import { Type } from '@sinclair/typebox'
import { connect, type Gap, GapError, parse } from '../../lib/client/index.ts'
import { EventStream, RawText } from '../../lib/index.ts'
import { collect, cut, failure, open, serve, status, stream } from './fixtures/server.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)
const GAP = 'event: $gap\ndata: {"after":"t.1-4","next":"t.2-8"}\nid: t.2-7\n\n'
const dataOf = async (messages: AsyncIterable<{ data: unknown }>): Promise<unknown[]> => (await collect(messages)).map(({ data }) => data)

t.test('$ready is not a message, and its id is where to resume from', async t => {
  for (const method of ['GET', 'POST']) {
    const { url, requests } = await serve(t, cut('event: $ready\ndata: {}\nid: t.1-4\n\n'), stream('data: 1\nid: t.1-5\n\n'), gone)
    const messages = connect(url, { method, backoff })
    t.same(await collect(messages), [{ event: 'message', data: 1, id: 't.1-5' }])
    t.match(requests, [{}, { headers: { 'last-event-id': 't.1-4' } }, { headers: { 'last-event-id': 't.1-5' } }])
  }
})

t.test('$ready is not the sentinel, whatever that is', async t => {
  t.same(await dataOf(parse('event: $ready\ndata: {}\n\ndata: 1\n\ndata: {}\n\ndata: 2\n\n', { sentinel: '{}' })), [1])
})

t.test('$ready does not count as an event: a server that sends nothing else is given up', async t => {
  const { url, requests } = await serve(t, cut('event: $ready\ndata: {}\nid: t.1-4\n\n'))
  t.match(await failure(connect(url, { backoff: { ...backoff, attempts: 2 } })), { code: 'SSE_ERR_CONNECTION' })
  t.equal(requests.length, 3)
})

t.test('a gap without onGap ends the loop, and the stream can be resumed after it', async t => {
  const { url, requests } = await serve(t, stream(`id: t.1-4\ndata: 1\n\n${GAP}id: t.2-8\ndata: 2\n\n`), stream('data: 2\nid: t.2-8\n\n'), gone)
  const messages = connect(url, { backoff })
  t.match(await messages.next(), { value: { data: 1 } })
  const error = await failure(messages)
  if (!(error instanceof GapError)) throw error
  t.match({ ...error }, { code: 'SSE_ERR_GAP', after: 't.1-4', next: 't.2-8' })
  t.match(error.message, /between the ids t\.1-4 and t\.2-8 were lost: set `onGap`/)
  t.equal(messages.lastEventId, 't.2-7')
  t.equal(messages.state, 'closed')
  t.same(await dataOf(connect(url, { lastEventId: messages.lastEventId, backoff })), [2])
  t.match(requests, [{}, { headers: { 'last-event-id': 't.2-7' } }, { headers: { 'last-event-id': 't.2-8' } }])
})

t.test('onGap gets the gap between the messages around it, and is awaited', async t => {
  const { url } = await serve(t, stream(`id: t.1-4\ndata: 1\n\n${GAP}id: t.2-8\ndata: 2\n\n`))
  const seen: unknown[] = []
  const onGap = async (gap: Gap): Promise<void> => {
    await new Promise(resolve => setImmediate(resolve))
    seen.push(gap)
  }
  for await (const { data } of connect(url, { onGap, reconnect: false })) seen.push(data)
  t.same(seen, [1, { after: 't.1-4', next: 't.2-8' }, 2])
})

t.test('parse knows gaps too', async t => {
  const gaps: Gap[] = []
  t.same(await dataOf(parse(`${GAP}data: 2\n\n`, { onGap: gap => gaps.push(gap) })), [2])
  t.same(gaps, [{ after: 't.1-4', next: 't.2-8' }])
  t.match(await failure(parse(GAP)), { name: 'GapError' })
})

t.test('a gap may not know both of its ends', async t => {
  t.match(await failure(parse('event: $gap\ndata: {"after":null,"next":"t.1-0"}\n\n')), { name: 'GapError', after: null, next: 't.1-0' })
  t.match(await failure(parse('event: $gap\ndata: {}\n\n')), { name: 'GapError', after: null, next: null })
  t.match(await failure(parse('event: $gap\ndata: {\n\n', { onGap: t.fail, onInvalid: 'skip' })), { name: 'MessageError', code: 'SSE_ERR_JSON' })
})

t.test('what onGap throws ends the loop, and closing does while it does not settle', async t => {
  const { url } = await serve(t, open(GAP))
  const mine = new Error('mine')
  t.equal(await failure(connect(url, { onGap: () => { throw mine } })), mine)
  t.equal(await failure(connect(url, { onGap: async () => { throw mine } })), mine)
  const messages = connect(url, {
    onGap () {
      setImmediate(messages.close)
      return new Promise(() => { /* never */ })
    }
  })
  t.same(await collect(messages), [])
})

t.test('a gap with a snapshot has no id: a reader that is cut before the $ready after it starts over', async t => {
  const gap = 'event: $gap\ndata: {"after":"t.1-4","next":"t.2-8"}\n\n'
  const { url, requests } = await serve(t, cut(`id: t.1-4\ndata: 1\n\n${gap}data: "snapshot"\n\n`), cut(`${gap}data: "snapshot"\n\nevent: $ready\ndata: {}\nid: t.2-7\n\n`), gone)
  let gaps = 0
  t.same(await dataOf(connect(url, { backoff, onGap: () => gaps++ })), [1, 'snapshot', 'snapshot'])
  t.equal(gaps, 2)
  t.match(requests, [{}, { headers: { 'last-event-id': 't.1-4' } }, { headers: { 'last-event-id': 't.2-7' } }])
})

t.test('a gap without an id leaves a POST resumable from where it was', async t => {
  const gap = 'event: $gap\ndata: {"after":"t.1-4","next":"t.2-8"}\n\n'
  const { url, requests } = await serve(t, cut(`id: t.1-4\ndata: 1\n\n${gap}`), gone)
  t.same(await dataOf(connect(url, { method: 'POST', backoff, onGap: () => {} })), [1])
  t.equal(requests[1]!.headers['last-event-id'], 't.1-4')
})

t.test('other names that begin with $ are reserved: their events are ignored, their ids are not', async t => {
  const { url, requests } = await serve(t, cut('event: $later\ndata: not JSON\nid: t.1-5\n\nevent: $\ndata: 1\n\ndata: 2\n\nevent: $later\ndata: 1\nid: t.1-6\n\n'), gone)
  t.same(await collect(connect(url, { backoff, contract: EventStream(Type.Number()), check: () => true })), [{ event: 'message', data: 2, id: 't.1-5' }])
  t.equal(requests[1]!.headers['last-event-id'], 't.1-6')
})

t.test('a checkpoint moves the position without a message', async t => {
  for (const contract of [EventStream({ n: Type.Number() }), EventStream({ n: RawText() }), EventStream(Type.Number())]) {
    const { url, requests } = await serve(t, cut('data:\nid: 7\n\n'), cut('event: other\ndata:\nid: 8\n\n'), gone)
    t.same(await collect(connect(url, { method: 'POST', contract, check: () => true, backoff })), [])
    t.match(requests, [{}, { headers: { 'last-event-id': '7' } }, { headers: { 'last-event-id': '8' } }])
  }
})

t.test('a 204 ends the loop well, also at once', async t => {
  const { url, requests } = await serve(t, gone)
  t.same(await collect(connect(url)), [])
  t.same(await collect(connect(url, { lastEventId: 't.1-9', method: 'POST' })), [])
  t.equal(requests.length, 2)
})
