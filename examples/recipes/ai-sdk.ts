/**
 * An endpoint for `useChat` of the AI SDK (its UI message stream), without the SDK on the server.
 *
 *     app.register(aiSdk, { complete: (prompt, signal) => yourModel(prompt, signal) })
 *
 *     useChat({ transport: new DefaultChatTransport({ api: 'http://localhost:3000/api/chat' }) })
 */
import { randomUUID } from 'node:crypto'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { type UIMessageChunk } from 'ai'
import { EventStream } from 'fastify-typed-sse'

// The protocol's own type, and any JSON: with `{ type: 'object' }` no property would be declared, and `{}` be sent.
const Chunk = Type.Unsafe<UIMessageChunk>({})

export interface AiSdkOptions {
  /** The model: yields the answer in pieces. */
  complete: (prompt: string, signal: AbortSignal) => AsyncIterable<string>
}

export const aiSdk: FastifyPluginAsyncTypebox<AiSdkOptions> = async (app, { complete }) => {
  app.post('/api/chat', {
    schema: {
      body: Type.Object({
        messages: Type.Array(Type.Object({ role: Type.String(), parts: Type.Array(Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) })) }), { minItems: 1 })
      }),
      response: { 200: EventStream(Chunk, { sentinel: '[DONE]' }) }
    },
    // In another form the user would see a dump of the validation.
    config: { sse: { errorEvent: (): UIMessageChunk => ({ type: 'error', errorText: 'The model failed' }) } }
  }, (request, reply) => {
    const prompt = request.body.messages.at(-1)!.parts.map(({ text = '' }) => text).join('')
    reply.header('x-vercel-ai-ui-message-stream', 'v1')
    return reply.sse(toChunks(complete(prompt, request.signal)))
  })

  // What `resume` asks for: 204 where nothing can be resumed. A run would stream from its start here.
  app.get('/api/chat/:id/stream', { schema: { response: { 200: EventStream(Chunk, { sentinel: '[DONE]' }) } } }, (_request, reply) => reply.sse(null))
}

async function * toChunks (texts: AsyncIterable<string>): AsyncGenerator<UIMessageChunk> {
  const id = randomUUID()
  yield { type: 'start' }
  yield { type: 'text-start', id }
  for await (const delta of texts) yield { type: 'text-delta', id, delta }
  yield { type: 'text-end', id }
  yield { type: 'finish' }
}
