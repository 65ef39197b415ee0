import Fastify, { type FastifyTypeProvider } from 'fastify'
import { Type } from '@sinclair/typebox'
import { describe, expect, test } from 'tstyche'
import typedSse, { comment, event, EventStream, RawText } from 'fastify-typed-sse'

const app = Fastify()
await app.register(typedSse)

const Price = { type: 'object', properties: { price: { type: 'number' } }, required: ['price'] } as const

describe('without a type provider', () => {
  test('anything that can be pulled is taken, whatever the schemas are', () => {
    for (const stream of [EventStream(Price), EventStream({ a: Price }), EventStream(Type.Object({})), EventStream(RawText())]) {
      app.get('/', { schema: { response: { 200: stream } } }, (_, reply) => {
        expect(reply.sse).type.toBeCallableWith([1, { price: 1 }, event(1), event(1, { event: 'a' }), comment('')])
        expect(reply.sse).type.toBeCallableWith(async function * () { yield 1 })
        expect(reply.sse).type.toBeCallableWith(null)
        expect(reply.sse).type.not.toBeCallableWith('text')
        expect(reply.sse).type.not.toBeCallableWith(1)
      })
    }
  })

  test('handlers are not checked', () => {
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async function * () { yield 'anything' })
    app.get('/', { schema: { response: { 200: EventStream({ a: Price }) } } }, () => [event(1, { event: 'b' })])
  })

  test('a route with other responses only refuses reply.sse all the same', () => {
    app.get('/', { schema: { response: { 200: Price } } }, (_, reply) => { expect(reply.sse).type.not.toBeCallableWith([1]) })
  })
})

// A type provider that knows three keywords, as one for plain JSON Schema does.
interface KeywordProvider extends FastifyTypeProvider {
  validator: unknown
  serializer: this['schema'] extends { type: 'string' } ? string : this['schema'] extends { type: 'number' } ? number : unknown
}

describe('a type provider for plain JSON Schema', () => {
  const typed = app.withTypeProvider<KeywordProvider>()

  test('types the payloads of reply.sse', () => {
    typed.get('/', { schema: { response: { 200: EventStream({ type: 'number' }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([1, event(1, { id: 1 }), comment('')])
      expect(reply.sse).type.not.toBeCallableWith(['text'])
      expect(reply.sse).type.not.toBeCallableWith([event(1, { event: 'a' })])
    })
    typed.get('/', { schema: { response: { 200: EventStream({ n: { type: 'number' }, s: { type: 'string' }, raw: RawText() }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([event(1, { event: 'n' }), { event: 's', data: 'text' }, event('', { event: 'raw' })])
      expect(reply.sse).type.not.toBeCallableWith([event('text', { event: 'n' })])
      expect(reply.sse).type.not.toBeCallableWith([event(1, { event: 'nope' })])
      expect(reply.sse).type.not.toBeCallableWith([1])
    })
    typed.get('/', { schema: { response: { 200: { content: { 'text/event-stream': { schema: { type: 'string' } } } } } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith(['text'])
      expect(reply.sse).type.not.toBeCallableWith([1])
    })
  })

  test('leaves unknown what it does not know', () => {
    typed.get('/', { schema: { response: { 200: EventStream({ a: Price }) } } }, (_, reply) => { expect(reply.sse).type.toBeCallableWith([1]) })
  })
})
