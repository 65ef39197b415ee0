import swagger from '@fastify/swagger'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { documentResponse } from '../../lib/contract/document.ts'
import { Names } from '../../lib/contract/document/bundle.ts'
import typedSse, { EventStream, RawText, type SseOptions } from '../../lib/index.ts'
import { type Document, type MediaType, type Schema } from '../openapi/app.ts'

interface Making {
  sse?: SseOptions
  shared?: Schema[]
  openapi?: object
  convertConstToEnum?: boolean
}

/** The document of an app with the routes of the map, by path. */
async function documentOf (version: string, routes: Record<string, object>, { sse, shared = [], openapi, ...options }: Making = {}): Promise<Document> {
  const app = Fastify() as FastifyInstance
  const settings = { openapi: { openapi: version, ...openapi }, refResolver: { buildLocalReference: (json: Schema) => String(json.$id) }, ...options }
  await app.register(swagger, settings as never)
  await app.register(typedSse, sse ?? {})
  for (const schema of shared) app.addSchema(schema)
  for (const [path, response] of Object.entries(routes)) {
    app.get(path, { schema: { response: { 200: response } } }, () => [])
  }
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger()))
  await app.close()
  return document
}

async function mediaTypeOf (version: string, response: object, making?: Making): Promise<MediaType> {
  const { paths } = await documentOf(version, { '/': response }, making)
  return paths['/']!.get!.responses['200']!.content!['text/event-stream']!
}

const QUIET = { sse: { errorEvent: false } } as const
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
    examples: { stream: { summary: 'The stream on the wire', value: 'event: token\ndata: {"text":"Hello"}\n\nevent: usage\ndata: {"tokens":1}\n\n' } }
  })
  t.same(await mediaTypeOf('3.1.0', Chat, QUIET), {
    schema: { anyOf: [{ title: 'token', ...token }, { title: 'usage', ...Usage }] },
    'x-oai-itemSchema': { anyOf },
    examples: { token: { summary: 'event: token', value: { text: 'Hello' } }, usage: { summary: 'event: usage', value: { tokens: 1 } } }
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
  const { itemSchema: quiet } = await mediaTypeOf('3.2.0', EventStream(Token), { sse: { retry: 5, errorEvent: false } })
  const { 'x-oai-itemSchema': older } = await mediaTypeOf('3.0.3', EventStream(Token, { id: true, retry: true }), QUIET)
  t.match(older, { properties: { id: { type: 'string' }, retry: { type: 'integer', minimum: 0, example: 3000 } } })
  t.match(quiet, { properties: { retry: { type: 'integer' } } }, "the plugin's retry is on the first event")
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

t.test('payloads in words, where viewers show no schema of them', async t => {
  const shared = [
    { $id: 'Point', type: 'object', required: ['x'], properties: { x: { type: 'number', description: 'To the\nright.' } } },
    { $id: 'Titled', title: 'A shape', type: 'object', properties: {} }
  ]
  const { $ref } = Type.Ref('Point')
  const events = {
    point: { $ref },
    all: { type: 'object', allOf: [{ $ref }, { type: 'object', properties: { y: { $ref: 'Titled' } } }], properties: { z: { type: 'array', items: { type: ['number', 'null'] } }, any: true } },
    kinds: Type.Union([Type.Literal('a'), Type.Literal('b'), Type.Array(Type.Ref('Point')), Type.Object({}, { title: 'Own' }), Type.Object({}), Type.Object({}), Type.Any()]),
    part: { $ref: 'Point#/properties/x' },
    text: RawText()
  }
  const wordsOf = async (version: string) => {
    const { itemSchema, 'x-oai-itemSchema': older = itemSchema } = await mediaTypeOf(version, EventStream(events), { ...QUIET, shared })
    return (older as { anyOf: Array<{ properties: { data: { description?: string } } }> }).anyOf.map(({ properties }) => properties.data.description)
  }
  const expected = [
    'JSON:\n\n- `x`: number. To the right.',
    'JSON:\n\n- `x`: number. To the right.\n- `y`: A shape, optional\n- `z`: array of number or null, optional\n- `any`: any, optional',
    'JSON: `"a"` or `"b"` or array of Point or Own or object or any',
    'JSON: number',
    undefined
  ]
  for (const version of ['3.0.3', '3.1.0', '3.2.0']) t.same(await wordsOf(version), expected, version)
  const { itemSchema } = await mediaTypeOf('3.2.0', EventStream({ type: 'number' }))
  t.match(itemSchema, { anyOf: [{ properties: { data: { description: 'JSON: number' } } }, { properties: { data: { description: /- `code`: string, optional\n/ } } }] })
})

t.test("the user's own examples are told of the events that they are of", async t => {
  const { content } = EventStream({ token: Token, usage: Usage }) as unknown as { content: { 'text/event-stream': object } }
  const stream = (examples: object) => ({ description: 'Own', content: { 'text/event-stream': { ...content['text/event-stream'], examples } } })
  const payloads = { usage: { summary: 'own', value: { tokens: 7 } } }
  const wire = { own: { value: 'event: token\ndata: {"text":"own"}\n\n' } }
  t.same((await mediaTypeOf('3.1.0', stream(payloads), QUIET)).examples, payloads)
  t.equal((await mediaTypeOf('3.2.0', stream(payloads), QUIET)).examples!.stream!.value, 'event: token\ndata: {"text":"Hello"}\n\nevent: usage\ndata: {"tokens":7}\n\n')
  t.same((await mediaTypeOf('3.2.0', stream(wire), QUIET)).examples, wire, 'how the stream looks stays as it was written')
})

t.test('what a schema that is referred to says of itself is said of the event', async t => {
  const shared = [{ $id: 'Tick', type: 'object', description: 'A price.', properties: { price: { type: 'number', examples: [7] } } }]
  const { itemSchema, examples } = await mediaTypeOf('3.2.0', EventStream({ tick: { $ref: 'Tick#' }, last: { $ref: 'Tick#', description: 'The last.' } }), { ...QUIET, shared })
  t.match(itemSchema, { anyOf: [{ title: 'tick', description: 'A price.' }, { title: 'last', description: 'The last.' }] })
  t.match(examples!.stream!.value, '{"price":7}')
})

t.test('events may be called as what every object has', async t => {
  const { examples } = await mediaTypeOf('3.1.0', EventStream({ constructor: Token, toString: Usage }), QUIET)
  t.same(examples, { constructor: { summary: 'event: constructor', value: { text: 'Hello' } }, toString: { summary: 'event: toString', value: { tokens: 1 } } })
})

t.test('schemas that no stream refers to stay what they are', async t => {
  const shared = [{ $id: 'Mine', type: 'array', items: [{ type: 'null' }] }, { $id: 'Ours', type: 'array', items: [{ $ref: 'Mine' }] }, { $id: 'Other', type: 'array', items: [{ type: 'null' }] }]
  const { components } = await documentOf('3.1.0', { '/': EventStream({ a: { $ref: 'Ours#/items/0' } }) }, { ...QUIET, shared })
  t.match(components.schemas, { Ours: { prefixItems: [{ $ref: '#/components/schemas/Mine' }] }, Mine: { prefixItems: [{ type: 'null' }] }, Other: { items: [{ type: 'null' }] } })
})

t.test('an example of a tuple fits, where the version cannot tell its items apart', async t => {
  const { examples } = await mediaTypeOf('3.0.3', EventStream({ pair: Type.Tuple([Type.String(), Type.Number()]) }), QUIET)
  t.same(examples!.pair!.value, ['string', 0])
})

t.test('a pattern that only some engines read is no end of the document', async t => {
  const Phone = Type.String({ pattern: '^\\d\\-\\d$' })
  t.notOk('examples' in await mediaTypeOf('3.2.0', EventStream(Phone), QUIET))
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

t.test('the words of each version', async t => {
  const Odd = Type.Object({
    tuple: Type.Tuple([Type.String(), Type.Number()]),
    same: Type.Tuple([Type.Number(), Type.Number()]),
    empty: Type.Tuple([]),
    open: { type: 'array' } as never,
    more: { type: 'array', items: [{ type: 'string' }], example: ['own'], examples: [['other']] } as never,
    only: Type.Literal('x'),
    price: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 10 }),
    maybe: Type.Union([Type.String(), Type.Null()]),
    map: Type.Record(Type.String(), Type.Number()),
    date: Type.String({ format: 'date-time', examples: ['2026-01-31T12:00:00Z'], $comment: 'c' }),
    unsafe: Type.Unsafe<'a'>({ type: 'string', enum: ['a'] })
  })
  const properties = async (version: string, making?: Making) => {
    const { schema } = await mediaTypeOf(version, EventStream(Odd), { ...QUIET, ...making })
    const { properties } = schema as { properties: Record<string, object> }
    const routes = { '/': EventStream({ a: Type.Array(Type.Ref('Odd')) }), '/b': EventStream({ b: Type.Ref('Odd') }) }
    const { components } = await documentOf(version, routes, { ...QUIET, ...making, shared: [{ ...Odd, $id: 'Odd' }] })
    const { more, ...others } = components.schemas.Odd!.properties as Record<string, object>
    t.same({ ...others, more: properties.more }, properties, 'a component has them too')
    t.match(more, version === '3.0.3' ? { items: { type: 'string' } } : { prefixItems: [{ type: 'string' }] })
    return properties
  }
  t.match(await properties('3.1.0', { convertConstToEnum: false }), {
    tuple: { prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
    open: { type: 'array' },
    more: { type: 'array', prefixItems: [{ type: 'string' }] },
    only: { const: 'x', type: 'string' },
    price: { exclusiveMinimum: 0 },
    maybe: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    map: { additionalProperties: { type: 'number' } },
    date: { format: 'date-time', examples: ['2026-01-31T12:00:00Z'] },
    unsafe: { enum: ['a'] }
  })
  t.same(await properties('3.0.3', { convertConstToEnum: false }), {
    tuple: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'number' }] }, minItems: 2, maxItems: 2 },
    same: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
    empty: { type: 'array', items: {}, minItems: 0, maxItems: 0 },
    open: { type: 'array', items: {} },
    more: { type: 'array', items: { type: 'string' }, example: ['own'] },
    only: { enum: ['x'], type: 'string' },
    price: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 10, exclusiveMaximum: true },
    maybe: { type: 'string', nullable: true },
    map: { type: 'object', additionalProperties: { type: 'number' } },
    date: { type: 'string', format: 'date-time', example: '2026-01-31T12:00:00Z' },
    unsafe: { type: 'string', enum: ['a'] }
  })
})

t.test('examples that look like schemas stay what they are', async t => {
  const value = { const: 1, $id: 'x', type: 'null', definitions: { a: 1 }, contentEncoding: 'base64', nullable: true }
  const Meta = { type: 'object', additionalProperties: true, examples: [value] }
  t.same((await mediaTypeOf('3.1.0', EventStream({ a: Meta }), QUIET)).examples!.a!.value, value)
  const { examples } = await mediaTypeOf('3.2.0', EventStream({ a: Meta }), QUIET)
  t.equal(examples!.stream!.value, `event: a\ndata: ${JSON.stringify(value)}\n\n`)
})

t.test('a stream of which no example can be made has none', async t => {
  const Code = { type: 'string', pattern: '^[A-Z]{3}-\\d+$' }
  for (const version of ['3.1.0', '3.2.0']) t.notOk('examples' in await mediaTypeOf(version, EventStream(Code), QUIET), version)
  t.same((await mediaTypeOf('3.1.0', EventStream({ code: Code, token: Token }), QUIET)).examples, { token: { summary: 'event: token', value: { text: 'Hello' } } })
})

t.test('a schema that takes anything', t => {
  const circumstances = { errorEvent: false, isRefusable: true, retry: false, hasPlainErrors: () => true, names: new Names(), shared: {} } as const
  t.match(documentResponse({ content: { 'text/event-stream': { schema: true } } }, circumstances), {
    content: { 'text/event-stream': { schema: true, 'x-oai-itemSchema': { properties: { data: { contentSchema: {} } } } } }
  })
  t.end()
})
