import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import t from 'tap'
import { documentResponse } from '../../lib/openapi/route.ts'
import { ComponentNames } from '../../lib/openapi/components.ts'
import typedSse, { EventStream, RawText } from '../../lib/index.ts'
import { documentOf, mediaTypeOf, QUIET } from './document.ts'

const Token = { type: 'object', required: ['text'], properties: { text: { type: 'string', examples: ['Hello'] } } }
const token = { type: 'object', required: ['text'], properties: { text: { type: 'string', examples: ['Hello'] } } }
const token30 = { type: 'object', required: ['text'], properties: { text: { type: 'string', example: 'Hello' } } }
const Usage = { type: 'object', description: 'What it took.', properties: { tokens: { type: 'integer' } } }
const json = (contentSchema: object, description: string) => ({ type: 'string', contentMediaType: 'application/json', contentSchema, description })
const TEXT = 'JSON:\n\n- `text`: string'

t.test('one unnamed payload', async t => {
  const item = (data: object) => ({ title: 'message', type: 'object', required: ['data'], properties: { data } })
  t.same(await mediaTypeOf('3.2.0', EventStream(Token), QUIET), {
    itemSchema: item(json(token, TEXT)),
    examples: { stream: { summary: 'The stream on the wire', value: 'data: {"text":"Hello"}\n\n' } }
  })
  t.same(await mediaTypeOf('3.1.0', EventStream(Token), QUIET), {
    schema: token,
    'x-oai-itemSchema': item(json(token, TEXT)),
    examples: { message: { summary: 'data', value: { text: 'Hello' } } }
  })
  t.same(await mediaTypeOf('3.0.3', EventStream(Token), QUIET), {
    schema: token30,
    'x-oai-itemSchema': item({ type: 'string', 'x-jsonschema-contentMediaType': 'application/json', 'x-jsonschema-contentSchema': token30, description: TEXT }),
    examples: { message: { summary: 'data', value: { text: 'Hello' } } }
  })
})

t.test('named events', async t => {
  const branch = (name: string, data: object, more?: object) => ({
    title: name, ...more, type: 'object', required: ['event', 'data'], properties: { event: { type: 'string', const: name }, data }
  })
  const anyOf = [branch('token', json(token, TEXT)), branch('usage', json(Usage, 'JSON:\n\n- `tokens`: integer, optional'), { description: 'What it took.' })]
  const Chat = EventStream({ token: Token, usage: Usage })
  t.same(await mediaTypeOf('3.2.0', Chat, QUIET), {
    itemSchema: { anyOf },
    examples: { stream: { summary: 'The stream on the wire', value: 'event: token\ndata: {"text":"Hello"}\n\nevent: usage\ndata: {"tokens":0}\n\n' } }
  })
  t.same(await mediaTypeOf('3.1.0', Chat, QUIET), {
    schema: { anyOf: [{ title: 'token', ...token }, { title: 'usage', ...Usage }] },
    'x-oai-itemSchema': { anyOf },
    examples: { token: { summary: 'event: token', value: { text: 'Hello' } }, usage: { summary: 'event: usage', value: { tokens: 0 } } }
  })
  const { 'x-oai-itemSchema': item } = await mediaTypeOf('3.0.3', Chat, QUIET)
  t.match(item, { anyOf: [{ properties: { event: { type: 'string', enum: ['token'] } } }, { properties: { event: { enum: ['usage'] } } }] })
  const { paths } = await documentOf('3.2.0', { '/': Chat, '/own': EventStream({ a: Token }, { description: 'Own.' }) })
  t.equal(paths['/']!.get!.responses['200']!.description, 'Server-sent events: `token`, `usage`.')
  t.equal(paths['/own']!.get!.responses['200']!.description, 'Own.')
})

t.test('equal payloads of several events are one', async t => {
  t.same((await mediaTypeOf('3.1.0', EventStream({ a: Token, b: { ...Token } }), QUIET)).schema, token)
  const { schema } = await mediaTypeOf('3.1.0', EventStream({ a: Token, b: { ...Token }, c: Usage, d: { title: 'Own', type: 'null' } }), QUIET)
  t.same(schema, { anyOf: [{ title: 'a, b', ...token }, { title: 'c', ...Usage }, { title: 'Own', type: 'null' }] })
})

t.test('raw text', async t => {
  const { itemSchema, examples } = await mediaTypeOf('3.2.0', EventStream(RawText({ type: 'string', examples: ['a\nb'] })), QUIET)
  t.same(itemSchema, { title: 'message', type: 'object', required: ['data'], properties: { data: { type: 'string', examples: ['a\nb'] } } })
  t.same(examples!.stream!.value, 'data: a\ndata: b\n\n')
  t.same((await mediaTypeOf('3.1.0', EventStream(RawText()), QUIET)).schema, { type: 'string' })
})

t.test('a sentinel', async t => {
  const end = { title: '[DONE]', description: 'The last message of a stream that ended well.', type: 'object', required: ['data'] }
  const Stream = EventStream(Token, { sentinel: '[DONE]' })
  const { itemSchema, examples } = await mediaTypeOf('3.2.0', Stream, QUIET)
  t.match(itemSchema, { anyOf: [{ title: 'message' }, { ...end, properties: { data: { type: 'string', const: '[DONE]' } } }] })
  t.equal(examples!.stream!.value, 'data: {"text":"Hello"}\n\ndata: [DONE]\n\n')
  const { schema, 'x-oai-itemSchema': item } = await mediaTypeOf('3.1.0', Stream, QUIET)
  t.same(schema, { anyOf: [{ title: 'message', ...token }, { title: '[DONE]', type: 'string', enum: ['[DONE]'] }] }, 'no const, which orval 8 takes for all there is')
  t.match(item, { anyOf: [{ title: 'message' }, { ...end, properties: { data: { type: 'string', const: '[DONE]' } } }] })
  t.same((await mediaTypeOf('3.0.3', Stream, QUIET)).schema, { anyOf: [{ title: 'message', ...token30 }, { title: '[DONE]', type: 'string', enum: ['[DONE]'] }] })
})

t.test('ids, retry and the header that resumes', async t => {
  const document = await documentOf('3.2.0', { '/': EventStream(Token, { id: true, retry: true }), '/plain': EventStream(Token) })
  const { responses, parameters } = document.paths['/']!.get!
  const { itemSchema, examples } = responses['200']!.content!['text/event-stream']!
  const [message, error] = (itemSchema as { anyOf: Array<{ properties: object }> }).anyOf
  t.match(message!.properties, { id: { type: 'string' }, retry: { type: 'integer', minimum: 0, examples: [3000] } })
  t.same(Object.keys(error!.properties), ['event', 'data'], 'the error event has neither')
  t.equal(examples!.stream!.value, 'data: {"text":"Hello"}\nid: 1\n\n')
  t.match(parameters, [{ in: 'header', name: 'Last-Event-ID', required: false, schema: { type: 'string' } }])
  t.notOk('parameters' in document.paths['/plain']!.get!)
  const { 'x-oai-itemSchema': older } = await mediaTypeOf('3.0.3', EventStream(Token, { id: true, retry: true }), QUIET)
  t.match(older, { properties: { id: { type: 'string' }, retry: { type: 'integer', minimum: 0, example: 3000 } } })
})

t.test('the error event', async t => {
  const failure = { $ref: '#/components/schemas/StreamFailure' }
  const { schema, examples, 'x-oai-itemSchema': item } = await mediaTypeOf('3.1.0', EventStream(Token), { sse: { errorEvent: 'oops' } })
  t.same(schema, { anyOf: [{ title: 'message', ...token }, failure] })
  t.match(item, { anyOf: [{ required: ['data'], properties: { event: { const: 'message' } } }, { title: 'oops', properties: { event: { const: 'oops' }, data: { contentSchema: failure } } }] })
  t.match(examples!.oops, { summary: 'event: oops', value: { statusCode: 500 } })
  const StreamFailure = { type: 'string' }
  const document = await documentOf('3.1.0', { '/': EventStream(Token) }, { openapi: { components: { schemas: { StreamFailure } } } })
  t.same(document.components.schemas.StreamFailure, StreamFailure, "a schema of the user's keeps its name")
  t.match(document.paths['/']!.get!.responses['200']!.content!['text/event-stream']!.schema, { anyOf: [{}, { required: ['statusCode', 'error', 'message'] }] })
})

t.test('what stands beside a stream', async t => {
  const response = { description: 'Both', content: { 'application/json': { schema: Token }, 'Text/Event-Stream; charset=utf-8': { schema: Token, 'x-own': 1, example: { text: 'own' } } } }
  const both = async (version: string) => (await documentOf(version, { '/': response }, QUIET)).paths['/']!.get!.responses
  const { 200: answer, 406: refused } = await both('3.2.0')
  t.notOk(refused, 'a route with another answer refuses none')
  t.same(answer, {
    description: 'Both',
    content: {
      'application/json': { schema: token },
      'Text/Event-Stream; charset=utf-8': {
        'x-own': 1,
        itemSchema: { title: 'message', type: 'object', required: ['data'], properties: { data: json(token, TEXT) } },
        examples: { stream: { summary: 'The stream on the wire', value: 'data: {"text":"own"}\n\n' } }
      }
    }
  })
  const { 200: older } = await both('3.1.0')
  t.match(older!.content!['Text/Event-Stream; charset=utf-8'], { example: { text: 'own' }, 'x-own': 1 })
  t.notOk('examples' in older!.content!['Text/Event-Stream; charset=utf-8']!, 'never beside an example')
  const named = { ...response, content: { 'text/event-stream': { schema: Token, examples: { own: { value: { text: 'named' } } } } } }
  t.equal((await mediaTypeOf('3.2.0', named, QUIET)).examples!.stream!.value, 'data: {"text":"named"}\n\n')
})

t.test('a media type that only begins like that of a stream is another one', async t => {
  const response = { description: 'Both', content: { 'text/event-streaming': { schema: Usage }, ' text/event-stream': { schema: Token } } }
  const { content } = (await documentOf('3.1.0', { '/': response }, QUIET)).paths['/']!.get!.responses['200']!
  t.same(content!['text/event-streaming'], { schema: Usage })
  t.match(content![' text/event-stream'], { schema: token, 'x-oai-itemSchema': { title: 'message' } })
})

t.test('a 204 without words gets some', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: {} })
  await app.register(typedSse)
  app.get('/', { schema: { response: { 200: EventStream(Token), 204: { type: 'null' } } } }, () => null)
  await app.ready()
  t.match(app.swagger(), { paths: { '/': { get: { responses: { 204: { description: 'There is nothing more to come: clients stop reconnecting.' } } } } } })
  t.equal((await app.inject('/')).statusCode, 204)
})

t.test('a schema that takes anything', t => {
  const route = { errorEvent: false, isRefusable: true, logsOf: () => ({ hasTopic: false, hasRun: false }), names: new ComponentNames(), shared: {} } as const
  t.match(documentResponse({ content: { 'text/event-stream': { schema: true } } }, route), {
    content: { 'text/event-stream': { schema: {}, 'x-oai-itemSchema': { properties: { data: { contentSchema: {} } } } } }
  })
  t.end()
})
