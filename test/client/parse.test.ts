import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import t from 'tap'
import { parse } from '../../lib/client/index.ts'
import typedSse, { EventStream } from '../../lib/index.ts'
import { collect, failure, open, serve, stream } from './fixtures/server.ts'

const text = 'id: 1\ndata: {"a":"ż"}\n\nevent: b\ndata: 2\n\ndata: cut'
const expected = [{ event: 'message', data: { a: 'ż' }, id: '1' }, { event: 'b', data: 2, id: '1' }]

t.test('reads text, bytes, Node streams, web streams and iterables', async t => {
  const bytes = [...Buffer.from(text)].map(byte => Buffer.from([byte]))
  t.same(await collect(parse(text)), expected)
  t.same(await collect(parse(Readable.from(bytes))), expected)
  t.same(await collect(parse(Readable.from([text]))), expected)
  t.same(await collect(parse(new Response(text).body!)), expected)
  t.throws(() => parse(5 as never), { code: 'SSE_ERR_OPTION' })
  await t.rejects(collect(parse({} as never)), { name: 'TypeError', message: 'Expected a response, a stream or text, got object' })
})

t.test('reads a Response, and cancels it when the loop is left', async t => {
  let closed: Promise<unknown> = Promise.resolve()
  const { url } = await serve(t, stream(text), (request, response, n) => {
    closed = once(response, 'close')
    open('data: 1\n\n')(request, response, n)
  })
  t.same(await collect(parse(await fetch(url))), expected)
  const messages = parse(await fetch(url))
  t.match(await messages.next(), { value: { data: 1 } })
  await messages.return()
  await closed
})

t.test('reads a response of node:http, endless', async t => {
  let closed: Promise<unknown> = Promise.resolve()
  const { url } = await serve(t, (request, response, n) => {
    closed = once(response, 'close')
    open('data: 1\n\ndata: 2\n\n')(request, response, n)
  })
  const [response] = await once(request(url).end(), 'response') as [IncomingMessage]
  for await (const { data } of parse(response)) if (data === 2) break
  await closed
})

t.test('reads what inject gives, of text and as a stream', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  const Numbers = EventStream(Type.Number(), { sentinel: '[DONE]' })
  app.get('/', { schema: { response: { 200: Numbers } } }, (_request, reply) => reply.sse([1, 2]))
  app.get('/404', (_request, reply) => reply.callNotFound())
  app.get('/204', (_request, reply) => reply.code(204).send())
  for (const payloadAsStream of [false, true]) {
    const messages = parse<typeof Numbers>(await app.inject({ url: '/', payloadAsStream }))
    t.same((await collect(messages)).map(({ data }) => data), [1, 2])
    t.same(await collect(parse(await app.inject({ url: '/204', payloadAsStream }))), [])
    const error = await failure(parse(await app.inject({ url: '/404', payloadAsStream }))) as { code: string, response: Response }
    t.equal(error.code, 'SSE_ERR_RESPONSE')
    t.match(await error.response.json(), { statusCode: 404 })
  }
})

t.test('a Response that is no stream is an error', async t => {
  const response = new Response('{}', { headers: { 'content-type': 'application/json' } })
  t.match(await failure(parse(response)), { name: 'ResponseError', response })
  t.same(await collect(parse(new Response(null, { headers: { 'content-type': 'text/event-stream' } }))), [])
})

t.test('a failure without a content type keeps its status and bytes', async t => {
  const error = await failure(parse({ statusCode: 502, headers: {}, stream: () => Readable.from([Buffer.from('bad '), Buffer.from('gateway')]) }))
  const { response } = error as { response: Response }
  t.match(error, { name: 'ResponseError', code: 'SSE_ERR_RESPONSE' })
  t.equal(response.status, 502)
  t.equal(response.headers.get('content-type'), null)
  t.equal(await response.text(), 'bad gateway')
})

t.test('an event of an id alone gives no message, and its id holds for the next', async t => {
  t.same(await collect(parse('id: 7\ndata:\n\ndata: 1\n\n')), [{ event: 'message', data: 1, id: '7' }])
})

t.test('an error event that the contract declares is a message', async t => {
  const text = 'event: error\ndata: {"statusCode":500,"message":"mine"}\n\n'
  const contract = EventStream({ error: Type.Object({ statusCode: Type.Number(), message: Type.String() }) })
  t.same(await collect(parse(text, { contract })), [{ event: 'error', data: { statusCode: 500, message: 'mine' }, id: '' }])
  t.match(await failure(parse(text, { contract: EventStream({ a: Type.Number() }) })), { name: 'StreamError', statusCode: 500 })
})

t.test('a schema written by hand declares unnamed events, and a check may say why it refuses', async t => {
  const schema = { type: 'number' }
  const contract = { content: { 'text/event-stream': { schema } } }
  const asked: object[] = []
  const check = (given: object, data: unknown): boolean | string => {
    asked.push(given)
    return typeof data === 'number' || 'Expected a number'
  }
  const source = 'data: 1\n\ndata: "x"\n\n'
  const messages = parse(source, { contract, check })
  t.match(await messages.next(), { value: { data: 1 } })
  await t.rejects(messages.next(), { code: 'SSE_ERR_PAYLOAD', message: /has invalid data: Expected a number/ })
  t.same(asked, [schema, schema])
  t.equal(asked[0], schema)
})

t.test('reads a response of another class, as undici\'s package and polyfills have', async t => {
  const other = (type: string, status: number): Response => {
    const headers = new Map([['content-type', type]])
    return { status, headers, body: new Response(text).body } as unknown as Response
  }
  t.same(await collect(parse(other('text/event-stream', 200))), expected)
  const error = await failure(parse(other('text/plain', 502)))
  t.match(error, { name: 'ResponseError', response: { status: 502 } })
  t.equal(await (error as { response: Response }).response.text(), text)
})

t.test('a failure that may have no body is one still', async t => {
  for (const statusCode of [205, 304]) {
    t.match(await failure(parse({ statusCode, headers: { 'x-a': ['b', 'c'] }, stream: () => Readable.from([]) })), { name: 'ResponseError', response: { status: statusCode } })
  }
})

t.test('an end without the declared sentinel is a cut', async t => {
  const messages = parse('data: 1\n\n', { sentinel: 'END' })
  t.match(await messages.next(), { value: { data: 1 } })
  await t.rejects(messages.next(), { code: 'SSE_ERR_CONNECTION', message: 'The stream ended without its sentinel' })
  t.equal((await collect(parse('data: 1\n\ndata: END\n\n', { sentinel: 'END' }))).length, 1)
  t.equal((await collect(parse('data: 1\n\n'))).length, 1)
})
