import Fastify from 'fastify'
import { Type } from '@sinclair/typebox'
import { describe, expect, test } from 'tstyche'
import typedSse, { EventStream, eventsOf } from 'fastify-typed-sse'

const Inbox = EventStream({ note: Type.Object({ text: Type.String() }), seen: Type.Object({ id: Type.Integer() }) })
const Other = EventStream({ note: Type.Object({ text: Type.Number() }) })
const Price = EventStream(Type.Object({ value: Type.Number() }))
const { note } = eventsOf(Inbox)

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

describe('runs', () => {
  test('what a source may yield', () => {
    expect(runs.of(1).start).type.toBeCallableWith(async function * () { yield note({ text: 'x' }) })
    expect(runs.of(1).start).type.not.toBeCallableWith(async function * () { yield { event: 'note' as const, data: { text: 1 } } })
  })
})
