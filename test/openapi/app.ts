import { type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import swagger from '@fastify/swagger'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import * as typebox1 from 'typebox'
import typedSse, { type EventOf, EventStream, event, RawText } from '../../lib/index.ts'

export const VERSIONS = ['3.0.3', '3.1.0', '3.2.0']

/** The official schema of each version, by its identifier. */
export const SPECIFICATIONS: Record<string, string> = {
  '3.0.3': 'https://spec.openapis.org/oas/3.0/schema',
  '3.1.0': 'https://spec.openapis.org/oas/3.1/schema-base',
  '3.2.0': 'https://spec.openapis.org/oas/3.2/schema-base'
}

const Token = Type.Object({ text: Type.String({ examples: ['Hello'] }) }, { $id: 'Token', description: 'A piece of the answer.' })
const Usage = Type.Object({ tokens: Type.Integer({ minimum: 0 }), at: Type.Optional(Type.String({ format: 'date-time' })) })
const Node = typebox1.Type.Cyclic({ Node: typebox1.Type.Object({ id: typebox1.Type.String(), kids: typebox1.Type.Array(typebox1.Type.Ref('Node')) }) }, 'Node')
const Tree = Type.Recursive(This => Type.Object({ name: Type.String(), parts: Type.Array(This) }))
const Local = {
  type: 'object',
  required: ['from'],
  properties: { from: { $ref: '#/definitions/place' }, to: { $ref: '#/definitions/place' } },
  definitions: { place: { type: 'object', required: ['x'], properties: { x: { type: 'number' } } } }
}
const Level = Type.Union([Type.Literal('info'), Type.Literal('warn')])

const One = EventStream(Token)
const Chat = EventStream({ token: Token, usage: Usage }, { id: true, description: 'The answer, piece by piece.' })
const OpenAi = EventStream(Token, { sentinel: '[DONE]' })
const Raw = EventStream(RawText())
const Mixed = EventStream({ level: Level, line: RawText(), point: Type.Tuple([Type.Number(), Type.Number()]), pair: Type.Union([Type.Number(), Type.Null()]) }, { retry: true })

/** What may be yielded by the routes whose generated types are looked at. */
export interface Events {
  one: EventOf<typeof One>
  chat: EventOf<typeof Chat>
  openai: EventOf<typeof OpenAi>
}

const about = (operationId: string) => ({ operationId, summary: operationId, security: [] })

/** An app with a route for each way to declare a stream, and its document. */
export async function createApp (version: string, options: object = {}) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  await app.register(swagger, {
    openapi: {
      openapi: version,
      info: { title: 'Streams', version: '1.0.0', license: { name: 'MIT', url: 'https://opensource.org/license/mit' } },
      servers: [{ url: 'https://streams.fastify.dev' }]
    },
    refResolver: { buildLocalReference: json => String(json.$id) },
    ...options
  })
  await app.register(typedSse, { heartbeat: false, strictAccept: true })
  app.addSchema({ $id: 'Tick', type: 'object', required: ['price'], properties: { price: { type: 'number', examples: [101.5] } } })

  app.get('/one', { schema: { ...about('one'), response: { 200: One } }, config: { sse: { errorEvent: false } } }, async function * () {
    yield { text: 'a' }
    yield event({ text: 'b' }, { id: 7 })
  })
  app.post('/chat', { schema: { ...about('chat'), body: Type.Object({ prompt: Type.String() }), response: { 200: Chat, 204: Type.Null() } } }, async function * () {
    yield event({ text: 'Hello' }, { event: 'token', id: 1 })
    yield event({ tokens: 4, at: '2026-01-31T12:00:00Z' }, { event: 'usage', id: 'two' })
  })
  app.get('/openai', { schema: { ...about('openai'), response: { 200: OpenAi } }, config: { sse: { errorEvent: false } } }, async function * () {
    yield { text: 'a' }
  })
  app.get('/raw', { schema: { ...about('raw'), response: { 200: Raw } } }, async function * () {
    yield 'one line'
    yield 'two\nlines'
  })
  app.get('/mixed', { schema: { ...about('mixed'), response: { 200: Mixed } }, config: { sse: { retry: 1000, errorEvent: 'failure' } } }, async function * () {
    yield event('info' as const, { event: 'level', retry: 10 })
    yield event('text', { event: 'line' })
    yield event([1, 2] as [number, number], { event: 'point' })
    yield event(null, { event: 'pair' })
    yield event(3, { event: 'pair' })
  })
  app.get('/recursive', { schema: { ...about('recursive'), response: { '2xx': EventStream({ tree: Tree, node: Node, local: Local, again: Type.Object({ tree: Tree }), token: Token, tokens: Type.Array(Token) }) } } }, (_request, reply) => {
    const kid = { id: 'b', kids: [] }
    const tree = { name: 'a', parts: [{ name: 'b', parts: [] }] }
    reply.sse([
      event(tree, { event: 'tree' }), event({ id: 'a', kids: [kid] }, { event: 'node' }),
      event({ from: { x: 1 } }, { event: 'local' }), event({ tree }, { event: 'again' }),
      event({ text: 'a' }, { event: 'token' }), event([{ text: 'a' }, { text: 'b' }], { event: 'tokens' })
    ])
  })
  app.get('/handwritten', { schema: { ...about('handwritten'), response: { 200: { description: 'Ticks.', content: { 'text/event-stream': { schema: Type.Ref('Tick') }, 'application/json': { schema: Type.Array(Type.Ref('Tick')) } } }, '4xx': Type.Object({ why: Type.String() }) } } }, (_request, reply) => {
    reply.sse([{ price: 1 }, { price: 2.5 }])
  })
  app.get('/failing', { schema: { ...about('failing'), response: { default: One } } }, async function * () {
    yield { text: 'a' }
    throw Object.assign(new Error('No such model'), { statusCode: 404, code: 'NO_MODEL' })
  })
  await app.ready()
  return app
}

/** The documents' parts that tests read. */
export interface Operation {
  parameters?: Array<{ name: string, in: string }>
  requestBody?: object
  responses: Record<string, { description: string, content?: Record<string, MediaType> }>
}

export interface MediaType {
  schema?: Schema
  itemSchema?: Schema
  'x-oai-itemSchema'?: Schema
  examples?: Record<string, { summary: string, value: unknown }>
}

export type Schema = Record<string, unknown>

export interface Document {
  openapi: string
  components: { schemas: Record<string, Schema> }
  paths: Record<string, Record<string, Operation>>
}

/** The media type of the stream of a path. */
export function streamOf (document: Document, path: string, status = '200'): MediaType {
  const operation = document.paths[path]!.get ?? document.paths[path]!.post!
  return operation.responses[status]!.content!['text/event-stream']!
}
