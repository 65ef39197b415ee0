/**
 * An endpoint in the shape of Anthropic's messages: `@anthropic-ai/sdk` streams from it with no other change than its
 * `baseURL`.
 *
 *     app.register(anthropic, { complete: (messages, signal) => yourModel(messages, signal) })
 *
 *     new Anthropic({ baseURL: 'http://localhost:3000', apiKey: '...' })
 */
import { randomUUID } from 'node:crypto'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { EventStream, eventsOf } from 'fastify-typed-sse'

const Usage = Type.Object({ input_tokens: Type.Integer(), output_tokens: Type.Integer() })
const StopReason = Type.Union([Type.Literal('end_turn'), Type.Null()])

/** The type of each event stands in its data too. */
const Event = <Name extends string, T extends Parameters<typeof Type.Object>[0]>(type: Name, properties: T) =>
  Type.Object({ type: Type.Literal(type), ...properties })

export const Messages = EventStream({
  message_start: Event('message_start', {
    message: Type.Object({
      id: Type.String(),
      type: Type.Literal('message'),
      role: Type.Literal('assistant'),
      model: Type.String(),
      content: Type.Array(Type.Unknown()),
      stop_reason: StopReason,
      stop_sequence: Type.Null(),
      usage: Usage
    })
  }),
  content_block_start: Event('content_block_start', {
    index: Type.Integer(), content_block: Type.Object({ type: Type.Literal('text'), text: Type.String() })
  }),
  content_block_delta: Event('content_block_delta', {
    index: Type.Integer(), delta: Type.Object({ type: Type.Literal('text_delta'), text: Type.String() })
  }),
  content_block_stop: Event('content_block_stop', { index: Type.Integer() }),
  message_delta: Event('message_delta', {
    delta: Type.Object({ stop_reason: StopReason, stop_sequence: Type.Null() }), usage: Type.Pick(Usage, ['output_tokens'])
  }),
  message_stop: Event('message_stop', {}),
  error: Event('error', { error: Type.Object({ type: Type.String(), message: Type.String() }) })
})

const events = eventsOf(Messages)

/** How Anthropic reports a failure. The SDK throws an APIError. */
const toFailure = (message: string) => ({ type: 'error' as const, error: { type: 'api_error', message } })

export interface AnthropicOptions {
  /** The model: yields the answer in pieces. */
  complete: (messages: Array<{ role: string, content: string }>, signal: AbortSignal) => AsyncIterable<string>
}

export const anthropic: FastifyPluginAsyncTypebox<AnthropicOptions> = async (app, { complete }) => {
  app.post('/v1/messages', {
    schema: {
      body: Type.Object({
        model: Type.String(),
        max_tokens: Type.Integer(),
        messages: Type.Array(Type.Object({ role: Type.String(), content: Type.String() })),
        stream: Type.Literal(true)
      }),
      response: { 200: Messages }
    },
    config: { sse: { errorEvent: () => events.error(toFailure('The model failed')) } }
  }, async function * ({ body: { model, messages }, signal }) {
    let tokens = 0
    yield events.message_start({
      type: 'message_start',
      message: {
        id: `msg_${randomUUID()}`, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 0, output_tokens: 0 }
      }
    })
    yield events.content_block_start({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
    for await (const text of complete(messages, signal)) {
      tokens++
      yield events.content_block_delta({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
    }
    yield events.content_block_stop({ type: 'content_block_stop', index: 0 })
    yield events.message_delta({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: tokens } })
    yield events.message_stop({ type: 'message_stop' })
  })
}
