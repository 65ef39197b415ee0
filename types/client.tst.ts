import { Type as Type1 } from 'typebox'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { describe, expect, test } from 'tstyche'
import { connect, type Gap, type MessageOf, parse, type ResponseError } from '../lib/client/index.ts'
import { shareTabs } from '../lib/client/share/index.ts'
import { EventStream, RawText } from '../lib/index.ts'
import { injectStream } from '../lib/testing/index.ts'
import type { FastifyInstance } from 'fastify'

const Chat = EventStream({ token: Type.Object({ text: Type.String() }), done: Type.Object({ tokens: Type.Integer() }) })
const Chat1 = EventStream({ token: Type1.Object({ text: Type1.String() }), done: Type1.Object({ tokens: Type1.Integer() }) })
const Price = EventStream(Type.Object({ price: Type.Number() }))
const Logs = EventStream({ line: RawText(), level: RawText(Type.Union([Type.Literal('a'), Type.Literal('b')])), total: Type.Number() })
const Text = EventStream(RawText())
declare const app: FastifyInstance

type ChatMessage =
  | { event: 'token', data: { text: string }, id: string }
  | { event: 'done', data: { tokens: number }, id: string }

describe('messages', () => {
  test('are a union by name, of either TypeBox', () => {
    expect<MessageOf<typeof Chat>>().type.toBe<ChatMessage>()
    expect<MessageOf<typeof Chat1>>().type.toBe<ChatMessage>()
    expect(connect<typeof Chat1>).type.toBeCallableWith('/chat', { contract: Chat1 })
  })
  test('of unnamed events are called message', () => {
    expect<MessageOf<typeof Price>>().type.toBe<{ event: 'message', data: { price: number }, id: string }>()
    expect<MessageOf<typeof Text>>().type.toBe<{ event: 'message', data: string, id: string }>()
  })
  test('are unknown without a contract', () => {
    expect<MessageOf<unknown>>().type.toBe<{ event: string, data: unknown, id: string }>()
  })
  test('are narrowed by name', async () => {
    for await (const message of connect<typeof Chat>('/chat')) {
      if (message.event === 'token') expect(message.data).type.toBe<{ text: string }>()
      else expect(message.data).type.toBe<{ tokens: number }>()
      expect(message.data).type.not.toHaveProperty('text')
    }
  })
})

describe('connect', () => {
  test('takes the contract from its value', async () => {
    for await (const message of connect('/chat', { contract: Chat, check: Value.Check })) expect(message).type.toBe<ChatMessage>()
  })
  test('asks for the raw events, all of them, where only the type is given', () => {
    const logs = connect<typeof Logs>
    expect(logs).type.not.toBeCallableWith('/logs')
    expect(logs).type.not.toBeCallableWith('/logs', {})
    expect(logs).type.not.toBeCallableWith('/logs', { raw: { line: true } })
    expect(logs).type.not.toBeCallableWith('/logs', { raw: { line: true, level: true, total: true } })
    expect(logs).type.not.toBeCallableWith('/logs', { raw: true })
    expect(logs).type.toBeCallableWith('/logs', { raw: { line: true, level: true } })
    expect(logs).type.toBeCallableWith('/logs', { contract: Logs })
    const text = connect<typeof Text>
    expect(text).type.not.toBeCallableWith('/text')
    expect(text).type.not.toBeCallableWith('/text', { raw: { message: true } })
    expect(text).type.toBeCallableWith('/text', { raw: true })
    expect(text).type.toBeCallableWith('/text', { contract: Text })
  })
  test('refuses raw events of a contract that has none, and other contracts', () => {
    const chat = connect<typeof Chat>
    expect(chat).type.toBeCallableWith('/chat')
    expect(chat).type.not.toBeCallableWith('/chat', { raw: true })
    expect(chat).type.not.toBeCallableWith('/chat', { raw: { token: true } })
    expect(chat).type.not.toBeCallableWith('/chat', { contract: Price })
  })
  test('refuses options that it does not have', () => {
    expect(connect<typeof Chat>).type.not.toBeCallableWith('/chat', { retries: 1 })
    expect(connect<typeof Chat>).type.toBeCallableWith(new URL('http://a'), { credentials: 'include', headers: async () => ({ a: 'b' }) })
  })
  test('takes shareTabs(), onGap and shouldRetry, async or not', () => {
    const chat = connect<typeof Chat>
    expect(chat).type.toBeCallableWith('/chat', { share: shareTabs() })
    expect(chat).type.toBeCallableWith('/chat', { share: shareTabs('mine') })
    expect(chat).type.not.toBeCallableWith('/chat', { share: true })
    expect(chat).type.toBeCallableWith('/chat', { onGap: ({ after, next }: Gap) => `${after} ${next}` })
    expect(chat).type.toBeCallableWith('/chat', { onGap: async () => {} })
    expect(chat).type.toBeCallableWith('/chat', { shouldRetry: ({ response }: ResponseError) => response.status === 401 })
    expect(chat).type.toBeCallableWith('/chat', { shouldRetry: async () => true })
    expect(chat).type.not.toBeCallableWith('/chat', { shouldRetry: () => 1 })
    expect<Gap>().type.toBe<{ after: string | null, next: string | null }>()
  })
  test('needs no contract', () => {
    expect(connect).type.toBeCallableWith('/any')
    expect(connect).type.toBeCallableWith('/any', { raw: { a: true } })
  })
})

describe('parse and injectStream', () => {
  test('give the same messages and ask for the same', async () => {
    for await (const message of parse<typeof Chat>(await fetch('/chat'))) expect(message).type.toBe<ChatMessage>()
    for await (const message of parse(await app.inject('/chat'), { contract: Chat })) expect(message).type.toBe<ChatMessage>()
    expect(parse<typeof Logs>).type.not.toBeCallableWith('text')
    const stream = await injectStream<typeof Chat>(app, { url: '/chat' })
    expect(await stream.next(2)).type.toBe<ChatMessage[]>()
    for await (const message of stream) expect(message).type.toBe<ChatMessage>()
    expect(injectStream<typeof Chat>).type.toBeCallableWith(app, '/chat')
    expect(injectStream).type.toBeCallableWith(app, '/any')
    expect(injectStream<typeof Logs>).type.not.toBeCallableWith(app, '/logs')
    expect(injectStream<typeof Logs>).type.not.toBeCallableWith(app, { url: '/logs' })
    expect(injectStream<typeof Logs>).type.toBeCallableWith(app, { url: '/logs', raw: { line: true, level: true } })
  })
})
