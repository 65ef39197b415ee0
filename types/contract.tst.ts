import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import addFormats from 'ajv-formats'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { Type as Type034 } from '@sinclair/typebox'
import { Type as Type1 } from 'typebox'
import { describe, expect, test } from 'tstyche'
import typedSse, {
  checkpoint, comment, errors, event, type EventOf, EventStream, type EventStreamSchema, eventsOf, type LogSource, type PublishedOf, RawText
} from 'fastify-typed-sse'
import type { Checkpoint, Comment, Message as AnyMessage, PlainMessage } from '../lib/wire/message.ts'

const Text034 = Type034.Object({ text: Type034.String() })
const Text1 = Type1.Object({ text: Type1.String() })
const TextPlain = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const

type Message<Data> = AnyMessage<Data, undefined>
type Named<Name, Data> = { event: Name, data: Data, id?: string | number | undefined, retry?: number | undefined, comment?: string | undefined }

const eventOf = <C>(_contract: C): EventOf<C> => null!

describe('EventOf', () => {
  test('of unnamed events', () => {
    const expected = null! as { text: string } | Message<{ text: string }> | Comment | Checkpoint
    expect(eventOf(EventStream(Text034))).type.toBe(expected)
    expect(eventOf(EventStream(Text1))).type.toBe(expected)
    expect(eventOf(EventStream(TextPlain))).type.toBe(expected)
  })

  test('of named events', () => {
    const named = eventOf(EventStream({ a: Text034, b: Type034.Number(), c: RawText() }))
    const expected = null! as Named<'a', { text: string }> | Named<'b', number> | Named<'c', string> | Comment | Checkpoint
    expect(named).type.toBeAssignableTo(expected)
    expect(named).type.toBeAssignableFrom(expected)
    expect(eventOf(EventStream({ a: Text1, b: Type1.Number(), c: RawText() }))).type.toBe(named)
    expect(eventOf(EventStream({ a: TextPlain, b: { type: 'number' }, c: RawText() }))).type.toBe(named)
    expect(eventOf(EventStream({ a: Text034, b: Type1.Number(), c: RawText({ type: 'string' }) }))).type.toBe(named)
  })

  test('narrows by name, and types a generator', () => {
    const Chat = EventStream({ token: Text034, done: Type034.Object({ tokens: Type034.Integer() }) })
    const named = null! as Extract<EventOf<typeof Chat>, { event: string }>
    if (named.event === 'done') expect(named.data).type.toBe<{ tokens: number }>()
    const generate = async function * (): AsyncGenerator<EventOf<typeof Chat>> {
      yield { event: 'token', data: { text: 'a' } }
      yield event({ tokens: 1 }, { event: 'done' })
      yield comment('')
    }
    Fastify().get('/', { schema: { response: { 200: Chat } } }, generate)
  })

  test('of anything else is never', () => {
    expect<EventOf<string>>().type.toBe<never>()
    expect<EventOf<typeof Text034>>().type.toBe<never>()
  })
})

describe('EventStream', () => {
  test('takes a schema or a map, and its options', () => {
    expect(EventStream).type.toBeCallableWith(Text034)
    expect(EventStream).type.toBeCallableWith({ a: Text034, b: RawText(Type1.String()) })
    expect(EventStream).type.toBeCallableWith(Text1, { sentinel: '[DONE]', description: 'words', id: true, retry: true })
    expect(EventStream).type.toBeCallableWith(Text1, { sentinel: undefined })
  })

  test('refuses what is no schema, and options that do not exist', () => {
    expect(EventStream).type.not.toBeCallableWith()
    expect(EventStream).type.not.toBeCallableWith('text')
    expect(EventStream).type.not.toBeCallableWith(null)
    expect(EventStream).type.not.toBeCallableWith(Text1, { sentinal: '[DONE]' })
    expect(EventStream).type.not.toBeCallableWith(Text1, { sentinel: true })
  })

  test('is a response schema with a description', () => {
    expect(EventStream(Text034).description).type.toBe<string>()
    expect(EventStream(Text034).content).type.toHaveProperty('text/event-stream')
  })

  test('reads a schema as one, though its keywords could be names', () => {
    expect(eventOf(EventStream({ $ref: 'price#' }))).type.toBeAssignableFrom<{ event: string }>()
    expect(eventOf(EventStream({ anyOf: [{ type: 'number' }] }))).type.toBe<number | Message<number> | Comment | Checkpoint>()
    expect(eventOf(EventStream({}))).type.toBe<unknown>()
  })
})

describe('event', () => {
  test('keeps the name, and the literals of the payload', () => {
    expect(event(1, { event: 'a' }).event).type.toBe<'a'>()
    expect(event(1).event).type.toBe<undefined>()
    expect(event({ kind: 'x', tags: ['a'] }).data).type.toBe<{ kind: 'x', tags: ['a'] }>()
    expect(event(null! as { list: readonly string[] }).data).type.toBe<{ list: string[] }>()
    expect(event(null! as unknown).data).type.toBe<unknown>()
  })

  test('takes the fields of an event', () => {
    expect(event).type.toBeCallableWith(1)
    expect(event).type.toBeCallableWith(1, {})
    expect(event).type.toBeCallableWith(1, { id: 0, retry: 0, comment: '' })
    expect(event).type.toBeCallableWith(1, { event: 'a', id: 'x', retry: undefined })
    expect(event).type.toBeCallableWith(1, { event: undefined, id: undefined })
  })

  test('refuses other fields', () => {
    expect(event).type.not.toBeCallableWith()
    expect(event).type.not.toBeCallableWith(1, 'a')
    expect(event).type.not.toBeCallableWith(1, { name: 'a' })
    expect(event).type.not.toBeCallableWith(1, { event: 'a', ide: 1 })
    expect(event).type.not.toBeCallableWith(1, { event: 1 })
    expect(event).type.not.toBeCallableWith(1, { id: true })
    expect(event).type.not.toBeCallableWith(1, { id: null })
    expect(event).type.not.toBeCallableWith(1, { retry: '1' })
    expect(event).type.not.toBeCallableWith(1, { comment: 1 })
  })

  test('says of a wrong field what is wrong with it', () => {
    // @ts-expect-error Object literal may only specify known properties, and 'ide' does not exist in type 'NamedFields<"a">'
    event(1, { event: 'a', ide: 1 })
    // @ts-expect-error Type 'true' is not assignable to type 'string | number | undefined'
    event(1, { id: true })
  })

  test('is told apart from a payload of the same form', () => {
    expect<{ event: undefined, data: number, id: undefined, retry: undefined, comment: undefined }>().type.not.toBeAssignableTo(event(1 as number))
  })
})

describe('comment and RawText', () => {
  test('take text and a schema', () => {
    expect(comment).type.toBeCallableWith('text')
    expect(comment).type.not.toBeCallableWith()
    expect(comment).type.not.toBeCallableWith(1)
    expect(RawText).type.toBeCallableWith()
    expect(RawText).type.toBeCallableWith(Type034.String())
    expect(RawText).type.toBeCallableWith({ type: 'string', maxLength: 80 })
    expect(RawText).type.not.toBeCallableWith('text')
  })
})

describe('errors', () => {
  test('have the fields of their message, typed', () => {
    const error: unknown = undefined
    if (error instanceof errors.SSE_ERR_PAYLOAD) {
      expect(error.code).type.toBe<'SSE_ERR_PAYLOAD'>()
      expect(error.event).type.toBe<string>()
      expect(error.pointer).type.toBe<string>()
      expect(error.reason).type.toBe<string>()
    }
    if (error instanceof errors.SSE_ERR_EVENT_SIZE) expect(error.limit).type.toBe<number>()
  })
})

describe('options', () => {
  const app = Fastify()

  test('of the plugin', () => {
    expect(app.register).type.toBeCallableWith(typedSse)
    expect(app.register).type.toBeCallableWith(typedSse, { heartbeat: false, retry: 0, commitAfter: Infinity, onInvalid: 'skip', errorEvent: false, maxDuration: 1, shutdownGrace: 0 })
    expect(app.register).type.toBeCallableWith(typedSse, { onInvalid: (error: Error, item: unknown) => item === error ? 'fail' : 'skip', prefix: '/v1' })
    expect(app.register).type.toBeCallableWith(typedSse, { ajv: { customOptions: { keywords: ['a'] }, plugins: [addFormats.default, [addFormats.default, { mode: 'fast' }]] } })
    expect(app.register).type.toBeCallableWith(typedSse, { ajv: {} as NonNullable<FastifyServerOptions['ajv']> })
    expect(app.register).type.not.toBeCallableWith(typedSse, { ajv: { plugin: [] } })
    expect(app.register).type.not.toBeCallableWith(typedSse, { ajv: { plugins: [1] } })
    expect(app.register).type.not.toBeCallableWith(typedSse, { hartbeat: 1 })
    expect(app.register).type.not.toBeCallableWith(typedSse, { heartbeat: true })
    expect(app.register).type.not.toBeCallableWith(typedSse, { onInvalid: 'drop' })
  })

  test('of a route', () => {
    app.get('/', { config: { sse: { heartbeat: 1 }, mine: 1 } }, request => {
      expect(request.routeOptions.config.mine).type.toBe<number>()
      expect(request.routeOptions.config.sse).type.toHaveProperty('heartbeat')
    })
    // A name that is no option is refused when the route is defined, not here: Fastify infers the type of `config` from it.
    // @ts-expect-error Type 'string' is not assignable to type 'Expected<number | false | undefined> & string'
    app.get('/', { config: { sse: { heartbeat: '1' } } }, () => {})
  })

  test('of a call', () => {
    app.get('/', (_, reply) => {
      expect(reply.sse).type.toBeCallableWith([], { heartbeat: 1, errorEvent: undefined })
      expect(reply.sse).type.not.toBeCallableWith([], { hartbeat: 1 })
      expect(reply.sse).type.not.toBeCallableWith([], { errorEvent: true })
    })
  })
})

test('fastify.sse tells how many streams are open', () => {
  const app = null! as FastifyInstance<Server, IncomingMessage, ServerResponse>
  expect(app.sse.open).type.toBe<number>()
  // @ts-expect-error Cannot assign to 'open' because it is a read-only property
  app.sse.open = 1
})

describe('eventsOf', () => {
  const Chat = EventStream({ token: Text034, done: Type1.Object({ tokens: Type1.Integer() }), line: RawText() })

  test('gives a constructor for each event, typed by its schema', () => {
    const { token, done, line } = eventsOf(Chat)
    expect(token({ text: 'a' }, { id: 1 })).type.toBe<AnyMessage<{ text: string }, 'token'>>()
    expect(done).type.toBeCallableWith({ tokens: 1 })
    expect(line).type.toBeCallableWith('text', { retry: 1, comment: '' })
    expect(token).type.not.toBeCallableWith({ text: 1 })
    expect(token).type.not.toBeCallableWith({ text: 'a', more: 1 })
    expect(token).type.not.toBeCallableWith()
    expect(line).type.not.toBeCallableWith(1)
    expect(token).type.not.toBeCallableWith({ text: 'a' }, { event: 'done' })
    expect(token).type.not.toBeCallableWith({ text: 'a' }, { ide: 1 })
    expect(eventsOf(Chat)).type.not.toHaveProperty('nope')
  })

  test('what they make may be yielded for the contract, and for no other', () => {
    const { token } = eventsOf(Chat)
    expect(token({ text: 'a' })).type.toBeAssignableTo<EventOf<typeof Chat>>()
    expect(token({ text: 'a' })).type.not.toBeAssignableTo<EventOf<EventStreamSchema<{ other: typeof Text1 }>>>()
  })

  test('of unnamed events is called message', () => {
    const { message } = eventsOf(EventStream(Text034))
    expect(message({ text: 'a' })).type.toBe<PlainMessage<{ text: string }, undefined>>()
    expect(message({ text: 'a' }, { id: 1 })).type.toBe<Message<{ text: string }>>()
    expect(message).type.not.toBeCallableWith({ text: 1 })
    expect(message).type.not.toBeCallableWith({ text: 'a' }, { event: 'message' })
  })

  test('refuses what is no contract', () => {
    expect(eventsOf).type.not.toBeCallableWith(Text034)
    expect(eventsOf).type.not.toBeCallableWith({ token: Text034 })
  })
})

describe('LogSource', () => {
  const Chat = EventStream({ token: Text034, done: Type034.Null() })
  type Log<C> = LogSource<PublishedOf<C>>
  const logOf = <C>(_contract: C): Log<C> => null!

  test('a route takes the logs of its contract, of an equal one and of one with less', () => {
    Fastify().get('/', { schema: { response: { 200: Chat } } }, (_, reply) => {
      expect(reply.sse).type.toBeCallableWith(logOf(Chat))
      expect(reply.sse).type.toBeCallableWith(logOf(EventStream({ token: Text1 })))
      expect(reply.sse).type.toBeCallableWith(async () => logOf(Chat))
      expect(reply.sse).type.not.toBeCallableWith(logOf(EventStream({ token: Text034, more: Type034.Null() })))
      expect(reply.sse).type.not.toBeCallableWith(logOf(EventStream({ token: Type034.Number() })))
      expect(reply.sse).type.not.toBeCallableWith(logOf(EventStream(Text034)))
    })
    Fastify().get('/', { schema: { response: { 200: Chat } } }, () => logOf(Chat))
    // @ts-expect-error is not assignable to type
    Fastify().get('/', { schema: { response: { 200: Chat } } }, () => logOf(EventStream(Text034)))
  })

  test('what is published is an event without fields of its own, no comment', () => {
    expect<PublishedOf<typeof Chat>>().type.toBeAssignableFrom<PlainMessage<{ text: string }, 'token'>>()
    expect<PublishedOf<typeof Chat>>().type.toBeAssignableTo<EventOf<typeof Chat>>()
    expect<PublishedOf<typeof Chat>>().type.not.toBeAssignableFrom<AnyMessage<{ text: string }, 'token'>>()
    expect<PublishedOf<typeof Chat>>().type.not.toBeAssignableFrom<Comment>()
    expect<PublishedOf<typeof Chat>>().type.not.toBeAssignableFrom<Checkpoint>()
  })
})

describe('checkpoint', () => {
  test('takes an id, and what else its frame may have', () => {
    expect(checkpoint).type.toBeCallableWith({ id: 1 })
    expect(checkpoint).type.toBeCallableWith({ id: 'a', retry: 1, event: 'a' })
    expect(checkpoint).type.not.toBeCallableWith({})
    expect(checkpoint).type.not.toBeCallableWith({ id: 1, data: 1 })
  })

  test('may be yielded in any stream', () => {
    expect(checkpoint({ id: 1 })).type.toBeAssignableTo<EventOf<EventStreamSchema<{ a: typeof Text034 }>>>()
    expect(checkpoint({ id: 1 })).type.toBeAssignableTo<EventOf<EventStreamSchema<typeof Text034>>>()
  })
})
