/**
 * An endpoint in the shape of OpenAI's chat completions: the SDKs of OpenAI, Groq, LangChain and others stream from it with
 * no other change than their `baseURL`.
 *
 *     app.register(openai, { complete: (messages, signal) => yourModel(messages, signal) })
 *
 *     new OpenAI({ baseURL: 'http://localhost:3000/v1', apiKey: '...' })
 */
import { randomUUID } from 'node:crypto'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { EventStream } from 'fastify-typed-sse'

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const Message = Type.Object({ role: Type.String(), content: Type.String() })

export const Chunk = Type.Object({
  id: Type.String(),
  object: Type.Literal('chat.completion.chunk'),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(Type.Object({
    index: Type.Integer(),
    delta: Type.Object({ role: Type.Optional(Type.Literal('assistant')), content: Type.Optional(Type.String()) }),
    finish_reason: Nullable(Type.Literal('stop'))
  }))
})

/** How OpenAI reports a failure, before the headers and after. The SDK throws an APIError. */
export const Failure = Type.Object({
  error: Type.Object({ message: Type.String(), type: Type.String(), param: Type.Null(), code: Nullable(Type.String()) })
})

const toFailure = (message: string) => ({ error: { message, type: 'server_error', param: null, code: null } })

export interface OpenAiOptions {
  /** The model: yields the answer in pieces. */
  complete: (messages: Array<{ role: string, content: string }>, signal: AbortSignal) => AsyncIterable<string>
}

export const openai: FastifyPluginAsyncTypebox<OpenAiOptions> = async (app, { complete }) => {
  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    const { statusCode = 500 } = error
    request.log.error({ err: error })
    return reply.code(statusCode).send(toFailure(statusCode < 500 ? error.message : 'The model failed'))
  })

  app.post('/v1/chat/completions', {
    schema: {
      body: Type.Object({ model: Type.String(), messages: Type.Array(Message), stream: Type.Literal(true) }),
      response: { 200: EventStream(Type.Union([Chunk, Failure]), { sentinel: '[DONE]' }) }
    },
    config: { sse: { errorEvent: () => toFailure('The model failed') } }
  }, async function * ({ body: { model, messages }, signal }) {
    const id = `chatcmpl-${randomUUID()}`
    const created = Math.floor(Date.now() / 1000)
    const chunk = (delta: { role?: 'assistant', content?: string }, finishReason: 'stop' | null = null) =>
      ({ id, object: 'chat.completion.chunk' as const, created, model, choices: [{ index: 0, delta, finish_reason: finishReason }] })
    yield chunk({ role: 'assistant', content: '' })
    for await (const content of complete(messages, signal)) yield chunk({ content })
    yield chunk({}, 'stop')
  })
}
