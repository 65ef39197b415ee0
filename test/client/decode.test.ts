import t from 'tap'
import { Type } from '@sinclair/typebox'
import { connect, type MessageError, parse, StreamError } from '../../lib/client/index.ts'
import { z } from 'zod'
import { EventStream, RawText } from '../../lib/index.ts'
import { collect, failure, open, serve, stream } from './fixtures/server.ts'

t.test('an error event is a StreamError', async t => {
  const { url } = await serve(t, stream('id: 4\ndata: 1\n\nevent: error\ndata: {"statusCode":503,"code":"E","error":"Service Unavailable","message":"no"}\n\n'))
  const messages = connect(url)
  const error = await failure(messages)
  if (!(error instanceof StreamError)) throw error
  t.match({ ...error, message: error.message }, { statusCode: 503, code: 'E', error: 'Service Unavailable', message: 'no' })
  t.equal(messages.lastEventId, '4')
})

t.test('an event of that name with other data is a message', async t => {
  const { url } = await serve(t, stream('event: error\ndata: {"type":"overloaded"}\n\nevent: error\ndata: null\n\n'))
  t.equal((await collect(connect(url, { reconnect: false }))).length, 2)
})

t.test('raw events stay text', async t => {
  const Raw = EventStream({ text: RawText(), json: Type.Number() })
  const answer = stream('event: text\ndata: 1\n\nevent: json\ndata: 1\n\nevent: text\ndata:\n\n')
  const expected = ['1', 1, '']
  const { url } = await serve(t, answer)
  t.same((await collect(connect(url, { contract: Raw, reconnect: false }))).map(({ data }) => data), expected)
  t.same((await collect(connect<typeof Raw>(url, { raw: { text: true }, reconnect: false }))).map(({ data }) => data), expected)
  const unnamed = await serve(t, stream('data: 1\n\ndata: [DONE]\n\n'))
  t.same((await collect(connect(unnamed.url, { contract: EventStream(RawText()), reconnect: false }))).map(({ data }) => data), ['1', '[DONE]'])
})

t.test('what is no JSON, and what the check refuses, fails, is skipped, or as a function says', async t => {
  const contract = EventStream({ a: Type.Number() })
  const { url } = await serve(t, stream('event: a\ndata: 1\n\nevent: a\ndata: {\n\nevent: a\ndata: "x"\n\nevent: b\ndata: 1\n\nevent: a\ndata: 2\n\n'))
  const check = (schema: object, data: unknown): boolean => (schema as { type: string }).type === 'number' && typeof data === 'number'
  const seen: MessageError[] = []
  const skipped = connect(url, { contract, check, reconnect: false, onInvalid: error => { seen.push(error); return 'skip' } })
  t.same((await collect(skipped)).map(({ data }) => data), [1, 2])
  t.same(seen.map(({ code }) => code), ['SSE_ERR_JSON', 'SSE_ERR_PAYLOAD', 'SSE_ERR_EVENT'])
  t.same((await collect(connect(url, { contract, check, reconnect: false, onInvalid: 'skip' }))).length, 2)
  t.match(await failure(connect(url, { contract, check })), { name: 'MessageError', code: 'SSE_ERR_JSON', event: 'a', text: '{' })
})

t.test('reads every way to end lines, and characters cut in two', async t => {
  const { url } = await serve(t, (request, response, n) => {
    const bytes = Buffer.from('\uFEFFdata: "ż"\r\rdata: 2\r\n\r\ndata: 3\n\ndata: 4\r\r')
    open('')(request, response, n)
    let at = 0
    const next = (): void => {
      if (at === bytes.length) response.end()
      else response.write(bytes.subarray(at, ++at), () => setImmediate(next))
    }
    next()
  })
  t.same((await collect(connect(url, { reconnect: false }))).map(({ data }) => data), ['ż', 2, 3, 4])
})

t.test('raw unnamed events leave the others what they are', async t => {
  const Text = EventStream(RawText())
  const report = 'data: 1\n\nevent: error\ndata: {"statusCode":503,"error":"Service Unavailable","message":"no"}\n\n'
  for (const options of [{ raw: true }, { contract: Text }] as const) {
    const messages = parse<typeof Text>(report, options)
    t.match(await messages.next(), { value: { data: '1' } })
    await t.rejects(messages.next(), { name: 'StreamError', statusCode: 503 })
    t.same((await collect(parse<typeof Text>('event: other\ndata: 1\n\n', options))).map(({ data }) => data), [1])
  }
  t.match(await failure(parse('event: other\ndata: 1\n\n', { contract: Text, check: () => true })), { code: 'SSE_ERR_EVENT' })
})

t.test('data of a declared event is not the sentinel, though it may look like it', async t => {
  const dataOf = async (messages: AsyncIterable<{ data: unknown }>): Promise<unknown[]> => (await collect(messages)).map(({ data }) => data)
  const Lines = EventStream({ line: RawText(), n: Type.Number() }, { sentinel: '1' })
  t.same(await dataOf(parse('event: line\ndata: 1\n\nevent: n\ndata: 1\n\ndata: 1\n\nevent: n\ndata: 2\n\n', { contract: Lines })), ['1', 1])
  t.same(await dataOf(parse('event: line\ndata: [DONE]\n\ndata: [DONE]\n\ndata: 1\n\n', { raw: { line: true } })), ['[DONE]'])
  t.same(await dataOf(parse('data: [DONE]\n\ndata: END\n\ndata: 1\n\n', { raw: true, sentinel: 'END' })), ['[DONE]'])
})

t.test('the check gets a Standard Schema as it was declared', async t => {
  const Price = z.object({ price: z.number() })
  const given: unknown[] = []
  const check = (schema: unknown) => { given.push(schema); return true }
  for await (const { data } of parse('data: {"price":1}\n\n', { contract: EventStream(Price), check })) t.strictSame(data, { price: 1 })
  t.equal(given[0], Price)
})
