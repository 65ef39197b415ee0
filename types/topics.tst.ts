import Fastify, { type FastifyReply } from 'fastify'
import { Type } from '@sinclair/typebox'
import { describe, expect, test } from 'tstyche'
import typedSse, { checkpoint, comment, event, type EventOf, EventStream, eventsOf, type PublishedOf } from 'fastify-typed-sse'

const Inbox = EventStream({ note: Type.Object({ text: Type.String() }), seen: Type.Object({ id: Type.Integer() }) })
const Other = EventStream({ note: Type.Object({ text: Type.Number() }) })
const Price = EventStream(Type.Object({ value: Type.Number() }))
const { note } = eventsOf(Inbox)
const { message: price } = eventsOf(Price)

const app = Fastify()
await app.register(typedSse)
const inbox = app.sse.topic('inbox', Inbox)
const prices = app.sse.topic('prices', Price)
const runs = app.sse.run('runs', Inbox)

describe('topics', () => {
  test('what may be published', () => {
    expect(inbox.publish).type.toBeCallableWith({ event: 'note', data: { text: 'x' } } as const)
    expect(inbox.publish).type.toBeCallableWith(note({ text: 'x' }))
    expect(inbox.publish).type.not.toBeCallableWith({ event: 'note', data: { text: 1 } } as const)
    expect(inbox.publish).type.not.toBeCallableWith({ event: 'other', data: {} } as const)
    expect(prices.publish).type.toBeCallableWith({ value: 1 })
    expect(prices.publish).type.not.toBeCallableWith({ value: 'x' })
    expect(inbox.publish).type.toBeCallableWith(event({ text: 'x' }, { event: 'note' }))
    expect(prices.publish).type.toBeCallableWith(price({ value: 1 }))
    expect(prices.publish).type.toBeCallableWith(event({ value: 1 }))
  })

  test('the log gives the ids: events have none of their own, nor retry or comment', () => {
    expect(inbox.publish).type.not.toBeCallableWith(note({ text: 'x' }, { id: 1 }))
    expect(inbox.publish).type.not.toBeCallableWith(note({ text: 'x' }, { comment: 'x' }))
    expect(inbox.publish).type.not.toBeCallableWith({ event: 'note', data: { text: 'x' }, id: '1' } as const)
    expect(inbox.publish).type.not.toBeCallableWith({ event: 'note', data: { text: 'x' }, retry: 1 } as const)
    expect(inbox.publish).type.not.toBeCallableWith(event({ text: 'x' }, { event: 'note', id: 1 }))
    expect(inbox.publish).type.toBeCallableWith({ event: 'note', data: { text: 'x' }, id: undefined } as const)
    expect(prices.publish).type.not.toBeCallableWith(price({ value: 1 }, { id: 1 }))
    expect(prices.publish).type.not.toBeCallableWith(event({ value: 1 }, { id: 1 }))
    // @ts-expect-error Type 'string' is not assignable to type 'AssignedByTheLog'
    inbox.publish({ event: 'note', data: { text: 'x' }, id: '1' }).catch(() => {})
    // @ts-expect-error Types of property 'id' are incompatible
    inbox.publish(note({ text: 'x' }, { id: '1' })).catch(() => {})
  })

  test('what was read is published again without its id', async () => {
    for await (const message of inbox.messages()) {
      expect(inbox.publish).type.not.toBeCallableWith(message)
      const { id, ...rest } = message
      expect(inbox.publish).type.toBeCallableWith(rest)
      expect(id).type.toBe<string>()
    }
    for await (const read of prices.messages()) {
      expect(prices.publish).type.not.toBeCallableWith(read)
      expect(prices.publish).type.toBeCallableWith(read.data)
    }
  })

  test('a wrong payload or name says so, and nothing of ids', () => {
    // @ts-expect-error Type 'number' is not assignable to type 'string'
    inbox.publish(note({ text: 1 })).catch(() => {})
    // @ts-expect-error Type 'number' is not assignable to type 'string'
    inbox.publish({ event: 'note', data: { text: 1 } }).catch(() => {})
    // @ts-expect-error Type '"nope"' is not assignable to type '"note" | "seen"'
    inbox.publish({ event: 'nope', data: { text: 'x' } }).catch(() => {})
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    prices.publish({ value: 'x' }).catch(() => {})
  })

  test('what a message is', () => {
    app.sse.topic('a', Inbox, {
      conflate: message => {
        expect(message.id).type.toBe<string>()
        if (message.event === 'seen') expect(message.data).type.toBe<{ id: number }>()
        return undefined
      }
    })
    app.sse.topic('b', Price, {
      conflate: ({ data }) => {
        expect(data).type.toBe<{ value: number }>()
        return data.value
      },
      async * snapshot () { yield { value: 1 } }
    })
  })

  test('which routes stream them', () => {
    app.get('/good', { schema: { response: { 200: Inbox } } }, (_request, reply) => reply.sse(inbox.of('key'), { from: { last: 3 }, filter: ({ event }) => event === 'note' }))
    app.get('/run', { schema: { response: { 200: Inbox } } }, (_request, reply) => reply.sse(runs.of(1)))
    app.get('/other', { schema: { response: { 200: Other } } }, (_request, reply) => {
      expect(reply.sse).type.not.toBeCallableWith(inbox)
      expect(reply.sse).type.not.toBeCallableWith(prices)
      return null
    })
  })
})

describe('routes without response schemas', () => {
  // A topic or run is refused at run time only (SSE_ERR_CONTRACT_MISMATCH): see RouteSource in lib/augment.ts. Should these
  // two tests ever fail, so that the types can be told apart, refuse it there.
  test('have the reply that helpers have which stream for routes with a contract', () => {
    app.get('/', (_, reply) => {
      expect(reply).type.toBe<FastifyReply>()
      expect(reply.sse).type.toBeCallableWith(inbox)
    })
    app.get('/', { schema: { querystring: Type.Object({}) } }, (_, reply) => { expect(reply.sse).type.toBeCallableWith(inbox) })
  })

  test('a helper streams a topic for any route that declares its contract', () => {
    const stream = (reply: FastifyReply): FastifyReply => reply.sse(inbox)
    app.get('/', { schema: { response: { 200: Inbox } } }, (_request, reply) => { stream(reply) })
  })

  test('with other responses only, they refuse it', () => {
    app.get('/', { schema: { response: { 200: Type.String() } } }, (_, reply) => {
      expect(reply.sse).type.not.toBeCallableWith(inbox)
      // @ts-expect-error is missing the following properties from type 'RouteWithoutEventStream': 'this route declares no text/event-stream response'
      reply.sse(inbox)
      // @ts-expect-error is missing the following properties from type 'RouteWithoutEventStream': 'this route declares no text/event-stream response'
      reply.sse(runs.of(1))
    })
  })
})

describe('runs', () => {
  test('what a source may yield', () => {
    expect(runs.of(1).start).type.toBeCallableWith(async function * () { yield note({ text: 'x' }) })
    expect(runs.of(1).start).type.not.toBeCallableWith(async function * () { yield { event: 'note' as const, data: { text: 1 } } })
    expect(runs.of(1).start).type.toBeCallableWith(async function * () { yield comment('x'); yield checkpoint({ id: 1 }) })
    expect(runs.of(1).start).type.toBeCallableWith(null! as () => AsyncGenerator<PublishedOf<typeof Inbox>>)
  })

  test('the log gives the ids, as for topics', async () => {
    expect(runs.of(1).start).type.not.toBeCallableWith(async function * () { yield note({ text: 'x' }, { id: 1 }) })
    expect(runs.of(1).start).type.not.toBeCallableWith(null! as () => AsyncGenerator<EventOf<typeof Inbox>>)
    const writer = await runs.of(1).open()
    expect(writer.append).type.toBeCallableWith(note({ text: 'x' }))
    expect(writer.append).type.not.toBeCallableWith(note({ text: 'x' }, { id: 1 }))
    expect(writer.append).type.not.toBeCallableWith(comment('x'))
  })
})
