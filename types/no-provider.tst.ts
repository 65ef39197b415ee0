import Fastify, { type FastifyTypeProvider } from 'fastify'
import { Type } from '@sinclair/typebox'
import { describe, expect, test } from 'tstyche'
import typedSse, { comment, event, EventStream, eventsOf, RawText } from 'fastify-typed-sse'

const app = Fastify()
await app.register(typedSse)

const Price = { type: 'object', properties: { price: { type: 'number' } }, required: ['price'] } as const

describe('without a type provider', () => {
  test('reply.sse is checked by the contract itself', () => {
    app.get('/', { schema: { response: { 200: EventStream({ a: Type.Object({ n: Type.Number() }), b: RawText() }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([event({ n: 1 }, { event: 'a' }), { event: 'b', data: 'text' }, comment('')])
      expect(reply.sse).type.toBeCallableWith(null)
      expect(reply.sse).type.not.toBeCallableWith([event({ n: 'x' }, { event: 'a' })])
      expect(reply.sse).type.not.toBeCallableWith([event({ n: 1 }, { event: 'c' })])
      expect(reply.sse).type.not.toBeCallableWith([{ n: 1 }])
      expect(reply.sse).type.not.toBeCallableWith('text')
    })
  })

  test('handlers are checked by the contract itself', () => {
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async function * () { yield { price: 1 } })
    // @ts-expect-error Type 'string' is not assignable to type
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async function * () { yield 'anything' })
    // @ts-expect-error Type '"b"' is not assignable to type '"a"'
    app.get('/', { schema: { response: { 200: EventStream({ a: Price }) } } }, () => [event(1, { event: 'b' })])
  })

  test('a handler with a second response is not checked, reply.sse is', () => {
    const schema = { response: { 200: EventStream({ a: Price }), 404: Price } }
    app.get('/', { schema }, () => 'anything')
    app.get('/', { schema }, (_, reply) => { expect(reply.sse).type.not.toBeCallableWith([1]) })
  })

  test('payloads whose schema has no type are unknown, their names are not', () => {
    app.get('/', { schema: { response: { 200: EventStream({ a: Price as object }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([event(1, { event: 'a' }), { event: 'a', data: 'x' }])
      expect(reply.sse).type.not.toBeCallableWith([event(1, { event: 'b' })])
    })
  })

  test('route generics turn inference off; the constructors of eventsOf stay typed', () => {
    const contract = EventStream({ a: Price })
    app.get<{ Params: { id: string } }>('/:id', { schema: { response: { 200: contract } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([1])
      expect(eventsOf(contract).a).type.toBeCallableWith({ price: 1 })
      expect(eventsOf(contract).a).type.not.toBeCallableWith({ price: 'x' })
    })
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

  test('leaves to the contract what it does not know', () => {
    typed.get('/', { schema: { response: { 200: EventStream({ a: Type.Object({ n: Type.Number() }) }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([{ event: 'a', data: { n: 1 } }])
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'a', data: { n: 'x' } }])
      expect(reply.sse).type.not.toBeCallableWith([1])
    })
  })

  test('types what constructors without a type of their own are given', () => {
    const Untyped = EventStream({ n: { type: 'number' } as { type: 'number', format: string } })
    const { n } = eventsOf(Untyped)
    typed.get('/', { schema: { response: { 200: Untyped } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([n(1)])
    })
  })
})
