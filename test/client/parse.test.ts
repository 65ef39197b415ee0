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
  t.rejects(collect(parse(5 as never)), TypeError)
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
