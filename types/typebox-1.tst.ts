// The same tests as typebox-0.34.tst.ts: only the imports and the recursive schema differ.
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from 'type-provider-typebox-6'
import { describe, expect, test } from 'tstyche'
import typedSse, { comment, event, EventStream, RawText } from 'fastify-typed-sse'

const app = Fastify({ logger: true }).withTypeProvider<TypeBoxTypeProvider>()
await app.register(typedSse)

const Price = Type.Object({ symbol: Type.String(), price: Type.Number() })
const price = { symbol: 'ACME', price: 1 }

describe('the example of the design', () => {
  const prices = null! as (signal: AbortSignal) => AsyncGenerator<Static<typeof Price>>
  const llm = null! as (prompt: string, signal: AbortSignal) => AsyncGenerator<string>

  app.get('/prices', { schema: { response: { 200: EventStream(Price) } } },
    (request, reply) => { reply.sse(prices(request.signal)) })

  const Chat = EventStream({ token: Type.Object({ text: Type.String() }), done: Type.Object({ tokens: Type.Integer() }) })

  app.post('/chat', { schema: { body: Type.Object({ prompt: Type.String() }), response: { 200: Chat } } },
    async function * (request) {
      let tokens = 0
      for await (const text of llm(request.body.prompt, request.signal)) yield event({ text }, { event: 'token', id: ++tokens })
      yield event({ tokens }, { event: 'done' })
    })
})

const Tick = Type.Union([
  Type.Object({ kind: Type.Literal('up'), by: Type.Number() }),
  Type.Object({ kind: Type.Literal('tags'), tags: Type.Array(Type.String()) })
])
const Feed = EventStream({ tick: Tick, note: Type.Object({ text: Type.String(), by: Type.Optional(Type.String()) }), raw: RawText() })

describe('reply.sse with unnamed events', () => {
  app.get('/', { schema: { response: { 200: EventStream(Price) } } }, (_, reply) => {
    test('takes every kind of source', () => {
      expect(reply.sse).type.toBeCallableWith([price])
      expect(reply.sse).type.toBeCallableWith(new Set([price]))
      expect(reply.sse).type.toBeCallableWith((function * () { yield price })())
      expect(reply.sse).type.toBeCallableWith((async function * () { yield price })())
      expect(reply.sse).type.toBeCallableWith(Readable.from([price]))
      expect(reply.sse).type.toBeCallableWith(new ReadableStream<typeof price>())
      expect(reply.sse).type.toBeCallableWith({ getReader: () => null! as ReadableStreamDefaultReader })
      expect(reply.sse).type.toBeCallableWith(null)
      expect(reply.sse).type.toBeCallableWith(undefined)
    })

    test('takes functions that open a source', () => {
      reply.sse(async function * ({ lastEventId, signal }) {
        expect(lastEventId).type.toBe<string | undefined>()
        expect(signal).type.toBe<AbortSignal>()
        yield price
      })
      expect(reply.sse).type.toBeCallableWith(() => [price])
      expect(reply.sse).type.toBeCallableWith(async () => new Set([price]))
      expect(reply.sse).type.toBeCallableWith(() => null)
      expect(reply.sse).type.toBeCallableWith(async () => undefined)
      expect(reply.sse).type.not.toBeCallableWith(() => [1])
      expect(reply.sse).type.not.toBeCallableWith(async () => [1])
      expect(reply.sse).type.not.toBeCallableWith(async function * () { yield 1 })
      expect(reply.sse).type.not.toBeCallableWith(() => 'text')
    })

    test('takes payloads, messages and comments', () => {
      expect(reply.sse).type.toBeCallableWith([price, event(price), event(price, { id: 0, retry: 1, comment: '' }), comment('')])
    })

    test('refuses other payloads', () => {
      expect(reply.sse).type.not.toBeCallableWith([{ symbol: 'ACME' }])
      expect(reply.sse).type.not.toBeCallableWith([{ symbol: 'ACME', price: '1' }])
      expect(reply.sse).type.not.toBeCallableWith([price, 1])
      expect(reply.sse).type.not.toBeCallableWith([event({ symbol: 'ACME' }, { id: 1 })])
      expect(reply.sse).type.not.toBeCallableWith((async function * () { yield { symbol: 'ACME' } })())
      expect(reply.sse).type.not.toBeCallableWith(new ReadableStream<Uint8Array>())
      expect(reply.sse).type.not.toBeCallableWith({ getReader: () => null! as ReadableStreamDefaultReader<Uint8Array> })
    })

    test('refuses names', () => {
      expect(reply.sse).type.not.toBeCallableWith([event(price, { event: 'price' })])
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'price', data: price }])
    })

    test('refuses what is no source', () => {
      expect(reply.sse).type.not.toBeCallableWith()
      expect(reply.sse).type.not.toBeCallableWith('text')
      expect(reply.sse).type.not.toBeCallableWith(1)
      expect(reply.sse).type.not.toBeCallableWith(price)
      expect(reply.sse).type.not.toBeCallableWith(Promise.resolve([price]))
    })

    test('gives the reply', () => {
      expect(reply.sse([price])).type.toBe<ReturnType<typeof reply.hijack>>()
      expect(reply.header('a', 'b').sse).type.toBeCallableWith([price])
      expect(reply.header('a', 'b').sse).type.not.toBeCallableWith([1])
      expect(reply.code(200).sse).type.toBeCallableWith([price])
    })
  })

  test('refuses a string even where strings are the payload', () => {
    app.get('/', { schema: { response: { 200: EventStream(Type.String()) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith(['text'])
      expect(reply.sse).type.not.toBeCallableWith('text')
    })
    // @ts-expect-error Type 'string' is not assignable to type
    app.get('/', { schema: { response: { 200: EventStream(Type.String()) } } }, () => 'text')
  })
})

describe('reply.sse with named events', () => {
  app.get('/', { schema: { response: { 200: Feed } } }, (_, reply) => {
    test('takes messages and plain objects', () => {
      expect(reply.sse).type.toBeCallableWith([event({ kind: 'up', by: 1 }, { event: 'tick' })])
      expect(reply.sse).type.toBeCallableWith([event({ kind: 'tags', tags: ['a'] }, { event: 'tick', id: 'x' })])
      expect(reply.sse).type.toBeCallableWith([{ event: 'note', data: { text: 'a' }, id: 1, retry: 1, comment: '' }])
      expect(reply.sse).type.toBeCallableWith([{ event: 'raw', data: 'text' }, comment('')])
      expect(reply.sse).type.toBeCallableWith(new ReadableStream<{ event: 'raw', data: string }>())
    })

    test('keeps literals in every form of a source', () => {
      reply.sse(async function * () {
        yield { event: 'tick', data: { kind: 'up', by: 1 } }
        yield event({ kind: 'up', by: 1 }, { event: 'tick' })
      })
      reply.sse((async function * () { yield { event: 'tick', data: { kind: 'up', by: 1 } } })())
      reply.sse((function * () { yield { event: 'tick', data: { kind: 'up', by: 1 } } })())
      reply.sse(() => [{ event: 'tick', data: { kind: 'up', by: 1 } }])
      reply.sse(async () => [event({ kind: 'up', by: 1 }, { event: 'tick' })])
    })

    test('refuses a payload of another event', () => {
      expect(reply.sse).type.not.toBeCallableWith([event({ text: 'a' }, { event: 'tick' })])
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'note', data: 'text' }])
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'raw', data: { text: 'a' } }])
    })

    test('refuses wrong literals and missing fields', () => {
      expect(reply.sse).type.not.toBeCallableWith([event({ kind: 'down', by: 1 }, { event: 'tick' })])
      expect(reply.sse).type.not.toBeCallableWith([event({ kind: 'up' }, { event: 'tick' })])
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'tick', data: { kind: 'up' } }])
    })

    test('refuses names that are not declared, and no name', () => {
      expect(reply.sse).type.not.toBeCallableWith([event({ text: 'a' }, { event: 'nope' })])
      expect(reply.sse).type.not.toBeCallableWith([event({ text: 'a' }, { event: 'nope' as string })])
      expect(reply.sse).type.not.toBeCallableWith([event({ text: 'a' }, { id: 1 })])
      expect(reply.sse).type.not.toBeCallableWith([event({ text: 'a' })])
      expect(reply.sse).type.not.toBeCallableWith([{ data: { text: 'a' } }])
      expect(reply.sse).type.not.toBeCallableWith([{ text: 'a' }])
    })

    test('refuses fields of another type', () => {
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'raw', data: '', id: true }])
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'raw', data: '', retry: '1' }])
      expect(reply.sse).type.not.toBeCallableWith([{ event: 'raw', data: '', ide: 1 }])
    })
  })
})

describe('handlers that are generators', () => {
  test('are taken', () => {
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async function * () { yield price; yield event(price, { id: 1 }); yield comment('') })
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, function * () { yield price })
    app.get('/', { schema: { response: { 200: Feed } } }, async function * (request) {
      expect(request.signal).type.toBe<AbortSignal>()
      yield event({ kind: 'up', by: 1 }, { event: 'tick' })
      yield event({ kind: 'tags', tags: ['a'] }, { event: 'tick' })
      yield event({ text: 'a', by: 'b' }, { event: 'note' })
      yield event('text', { event: 'raw' })
      yield { event: 'note' as const, data: { text: 'a' } }
    })
    app.get('/', { schema: { response: { 200: Feed } } }, async function * () { yield event({ kind: 'up', by: 1 }, { event: 'tick' }) })
    app.get('/', { schema: { response: { 200: Feed } }, handler: async function * () { yield event({ kind: 'up', by: 1 }, { event: 'tick' }) } })
    app.route({ method: 'GET', url: '/', schema: { response: { 200: Feed } }, handler: async function * () { yield event({ kind: 'up', by: 1 }, { event: 'tick' }) } })
    app.get('/', { schema: { response: { 200: EventStream({ tick: Tick }) } } }, async function * () { yield event({ kind: 'up', by: 1 }, { event: 'tick' }) })
    const schema = { response: { 200: Feed } }
    app.get('/', { schema }, async function * () { yield event({ kind: 'up', by: 1 }, { event: 'tick' }) })
  })

  test('are refused for a wrong payload', () => {
    // @ts-expect-error Property 'price' is missing in type '{ symbol: string; }'
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async function * () { yield { symbol: 'ACME' } })
    // @ts-expect-error Property 'price' is missing in type '{ symbol: string; }'
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, function * () { yield { symbol: 'ACME' } })
    // @ts-expect-error The types of 'data.price' are incompatible between these types
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async function * () { yield event({ symbol: 'ACME', price: 'x' as string }) })
    // @ts-expect-error Types of property 'by' are incompatible
    app.get('/', { schema: { response: { 200: Feed } } }, async function * () { yield event({ kind: 'up', by: 'x' }, { event: 'tick' }) })
    // @ts-expect-error Type 'number' is not assignable to type 'string | Comment | Checkpoint | Message<string, undefined>'
    app.get('/', { schema: { response: { 200: EventStream(RawText()) } } }, async function * () { yield 1 })
    // @ts-expect-error Property 'by' is missing in type '{ kind: "up"; }'
    app.route({ method: 'GET', url: '/', schema: { response: { 200: Feed } }, handler: async function * () { yield event({ kind: 'up' }, { event: 'tick' }) } })
  })

  test('are refused for a wrong or missing name', () => {
    // @ts-expect-error Message<{ text: "a"; }, "nope">' is not assignable to type
    app.get('/', { schema: { response: { 200: Feed } } }, async function * () { yield event({ text: 'a' }, { event: 'nope' }) })
    // @ts-expect-error Message<{ text: "a"; }, undefined>' is not assignable to type
    app.get('/', { schema: { response: { 200: Feed } } }, async function * () { yield event({ text: 'a' }, { id: 1 }) })
    // @ts-expect-error is not assignable to parameter of type 'RouteHandlerMethod<
    app.get('/', { schema: { response: { 200: Feed } } }, async function * () { yield { text: 'a' } })
  })
})

describe('handlers that return', () => {
  test('iterables and null are taken', () => {
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, () => [price])
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async () => [event(price, { id: 1 })])
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, () => new Set([price]))
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, () => Readable.from([price]))
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async () => new ReadableStream<typeof price>())
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, () => null)
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async () => null)
    app.get('/', { schema: { response: { 200: Feed } } }, () => [event({ kind: 'up', by: 1 }, { event: 'tick' }), comment('')])
  })

  test('the reply is taken', () => {
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, (_, reply) => reply.sse([price]))
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async (_, reply) => reply.sse([price]))
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async (_, reply) => { await reply.sse([price]) })
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async (_, reply) => { reply.sse([price]) })
  })

  test('wrong iterables and other values are refused', () => {
    // @ts-expect-error Property 'price' is missing in type '{ symbol: string; }'
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, () => [{ symbol: 'ACME' }])
    // @ts-expect-error Property 'price' is missing in type '{ symbol: string; }'
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, async () => new Set([{ symbol: 'ACME' }]))
    // @ts-expect-error Type '"tick"' is not assignable to type '"raw"'
    app.get('/', { schema: { response: { 200: EventStream({ raw: RawText() }) } } }, () => [event('', { event: 'tick' })])
    // @ts-expect-error Type '{ symbol: string; price: number; }' is not assignable to type
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, () => price)
    // @ts-expect-error Type 'number' is not assignable to type
    app.get('/', { schema: { response: { 200: EventStream(Price) } } }, () => 1)
  })
})

describe('routes', () => {
  const WithJson = {
    description: 'prices, live or at once',
    content: { ...EventStream(Price).content, 'application/json': { schema: Type.Object({ items: Type.Array(Price) }) } }
  }

  test('with JSON beside the stream', () => {
    app.get('/', { schema: { response: { 200: WithJson, 404: Type.Object({ message: Type.String() }) } } }, (request, reply) => {
      expect(reply.sse).type.toBeCallableWith([price])
      expect(reply.sse).type.not.toBeCallableWith([{ items: [price] }])
      if (request.headers.accept === 'application/json') return { items: [price] }
      if (request.headers.accept === 'text/plain') return reply.code(404).send({ message: 'no' })
      return reply.sse([price])
    })
    app.get('/', { schema: { response: { 200: WithJson } } }, async function * () { yield price })
    // @ts-expect-error Property 'price' is missing in type '{ symbol: string; }'
    app.get('/', { schema: { response: { 200: WithJson } } }, async function * () { yield { symbol: 'ACME' } })
    // @ts-expect-error Type 'number' is not assignable to type '{ symbol: string; price: number; }'
    app.get('/', { schema: { response: { 200: WithJson } } }, () => ({ items: [1] }))
    // @ts-expect-error Type 'number' is not assignable to type 'string'
    app.get('/', { schema: { response: { 200: WithJson, 404: Type.Object({ message: Type.String() }) } } }, (_, reply) => { reply.code(404).send({ message: 1 }) })
  })

  test('with streams under several status codes take what any of them declares', () => {
    app.get('/', { schema: { response: { 201: EventStream(Price), '4xx': Type.String(), default: EventStream({ raw: RawText() }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([price])
      expect(reply.sse).type.toBeCallableWith([event('', { event: 'raw' })])
      expect(reply.sse).type.not.toBeCallableWith(['text'])
    })
  })

  test('with a content schema written by hand', () => {
    app.get('/', { schema: { response: { '2xx': { description: '', content: { 'text/event-stream': { schema: Price } } } } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([price, event(price, { id: 1 }), comment('')])
      expect(reply.sse).type.not.toBeCallableWith([1])
      expect(reply.sse).type.not.toBeCallableWith([event(price, { event: 'price' })])
    })
    app.get('/', { schema: { response: { 200: { content: { 'text/event-stream': { schema: Price } } } } } }, async (_, reply) => reply.sse([price]))
  })

  test('without a stream among their responses refuse reply.sse', () => {
    app.get('/', { schema: { response: { 200: Price, 201: { content: { 'application/json': { schema: Price } } } } } }, (_, reply) => {
      expect(reply.sse).type.not.toBeCallableWith([price])
      expect(reply.sse).type.not.toBeCallableWith(null)
      expect(reply.sse).type.not.toBeCallableWith((async function * () { yield price })())
      // @ts-expect-error is not assignable to parameter of type 'RouteWithoutEventStream'
      reply.sse([price])
    })
  })

  test('without response schemas take anything that can be pulled', () => {
    app.get('/', (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([1, 'text', price])
      expect(reply.sse).type.not.toBeCallableWith('text')
    })
    app.get('/', { schema: { querystring: Price } }, (_, reply) => { expect(reply.sse).type.toBeCallableWith([1]) })
    app.get<{ Reply: string }>('/', (_, reply) => { expect(reply.sse).type.toBeCallableWith([1]) })
  })

  test('in plugins, with hooks and helpers that take a plain FastifyReply', () => {
    const helper = (_: FastifyRequest, reply: FastifyReply): void => { reply.sse([1]) }
    const plugin: FastifyPluginAsyncTypebox = async instance => {
      instance.get('/', { schema: { response: { 200: Feed } }, onRequest: helper }, (request, reply) => { helper(request, reply) })
      instance.get('/', { schema: { response: { 200: Price } }, preHandler: [helper] }, (request, reply) => { helper(request, reply) })
      instance.get('/', { schema: { response: { 200: WithJson } } }, (request, reply) => { helper(request, reply) })
    }
    expect(app.register).type.toBeCallableWith(plugin)
  })
})

describe('payload types', () => {
  test('of RawText', () => {
    app.get('/', { schema: { response: { 200: EventStream(RawText()) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith(['text', event('text', { id: 1 })])
      expect(reply.sse).type.not.toBeCallableWith([1])
    })
    app.get('/', { schema: { response: { 200: EventStream({ a: RawText(Type.Union([Type.Literal('x'), Type.Literal('y')])) }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([event('x', { event: 'a' })])
      expect(reply.sse).type.not.toBeCallableWith([event('z', { event: 'a' })])
    })
  })

  test('of any and unknown: the names are checked all the same', () => {
    app.get('/', { schema: { response: { 200: EventStream({ a: Type.Any(), b: Type.Unknown() }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([event(1, { event: 'a' }), event(price, { event: 'b' })])
      expect(reply.sse).type.not.toBeCallableWith([event(1, { event: 'c' })])
    })
    // @ts-expect-error Type '"c"' is not assignable to type
    app.get('/', { schema: { response: { 200: EventStream({ a: Type.Any(), b: Type.Unknown() }) } } }, async function * () { yield event(1, { event: 'c' }) })
  })

  test('of recursive schemas', () => {
    const Tree = Type.Cyclic({ Tree: Type.Object({ id: Type.String(), nodes: Type.Array(Type.Ref('Tree')) }) }, 'Tree')
    app.get('/', { schema: { response: { 200: EventStream({ tree: Tree }) } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([event({ id: '', nodes: [{ id: '', nodes: [] }] }, { event: 'tree' })])
      expect(reply.sse).type.not.toBeCallableWith([event({ id: '', nodes: [{ id: 1, nodes: [] }] }, { event: 'tree' })])
    })
    app.get('/', { schema: { response: { 200: EventStream(Tree) } } }, async function * () { yield { id: '', nodes: [{ id: '', nodes: [] }] } })
    // @ts-expect-error is not assignable to type 'string'
    app.get('/', { schema: { response: { 200: EventStream(Tree) } } }, async function * () { yield { id: 1, nodes: [] } })
  })

  test('of tuples, nullable and optional fields', () => {
    const T = Type.Object({ at: Type.Tuple([Type.Number(), Type.Number()]), who: Type.Union([Type.String(), Type.Null()]), why: Type.Optional(Type.String()) })
    app.get('/', { schema: { response: { 200: EventStream({ t: T }) } } }, async function * () {
      yield event({ at: [1, 2], who: null }, { event: 't' })
      yield event({ at: [1, 2], who: 'me', why: 'so' }, { event: 't' })
    })
    // @ts-expect-error Source has 1 element(s) but target requires 2
    app.get('/', { schema: { response: { 200: EventStream({ t: T }) } } }, async function * () { yield event({ at: [1], who: null }, { event: 't' }) })
  })
})
