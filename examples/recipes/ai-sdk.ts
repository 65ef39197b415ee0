/**
 * An endpoint for `useChat` of the AI SDK (its UI message stream), without the SDK on the server. An answer is a run: it goes on when
 * the page is closed, `resume` continues it after a reload, and it can be stopped.
 *
 *     app.register(aiSdk, { complete: (prompt, signal) => yourModel(prompt, signal) })
 *
 *     const api = 'http://localhost:3000/api/chat'
 *     const { messages, sendMessage } = useChat({ id, resume: true, transport: new DefaultChatTransport({ api }) })
 *     // `stop()` of useChat only disconnects. This ends the answer, here and in every other tab:
 *     const stop = () => fetch(`${api}/${id}/stream`, { method: 'DELETE' })
 */
import { randomUUID } from 'node:crypto'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { type UIMessageChunk } from 'ai'
import { EventStream } from 'fastify-typed-sse'

// The protocol's own type, and any JSON: with `{ type: 'object' }` no property would be declared, and `{}` be sent.
const Chunk = Type.Unsafe<UIMessageChunk>({})
const Answer = EventStream(Chunk, { sentinel: '[DONE]' })
const Chat = Type.Object({ id: Type.String({ minLength: 1 }) })

export interface AiSdkOptions {
  /** The model: yields the answer in pieces. */
  complete: (prompt: string, signal: AbortSignal) => AsyncIterable<string>
}

export const aiSdk: FastifyPluginAsyncTypebox<AiSdkOptions> = async (app, { complete }) => {
  // One run for each chat: its present answer. Authorise the chat's id in these routes, as for any of its data.
  const answers = app.sse.run('answers', Answer)
  // In another form the user would see a dump of the validation.
  const config = { sse: { errorEvent: (): UIMessageChunk => ({ type: 'error', errorText: 'The model failed' }) } }

  app.addHook('onRequest', async (_request, reply) => { reply.header('x-vercel-ai-ui-message-stream', 'v1') })

  app.post('/api/chat', {
    schema: {
      body: Type.Object({
        id: Chat.properties.id,
        messages: Type.Array(Type.Object({ role: Type.String(), parts: Type.Array(Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) })) }), { minItems: 1 })
      }),
      response: { 200: Answer }
    },
    config
  }, async ({ body: { id, messages } }, reply) => {
    const prompt = messages.at(-1)!.parts.map(({ text = '' }) => text).join('')
    const answer = answers.of(id)
    const start = () => answer.start(({ signal }) => toChunks(complete(prompt, signal)))
    // The answer before this one makes room.
    if (await start() === 'ended') {
      await answer.delete()
      await start()
    }
    return reply.sse(answer)
  })

  // What `resume` asks for: the answer from its start while it is being given, otherwise 204. The whole ones are in your database.
  app.get('/api/chat/:id/stream', { schema: { params: Chat, response: { 200: Answer } }, config }, async ({ params: { id } }, reply) => {
    const answer = answers.of(id)
    return reply.sse((await answer.status()).state === 'running' ? answer : null)
  })

  app.delete('/api/chat/:id/stream', { schema: { params: Chat } }, async ({ params: { id } }) => ({ stopped: await answers.of(id).stop() }))
}

async function * toChunks (texts: AsyncIterable<string>): AsyncGenerator<UIMessageChunk> {
  const id = randomUUID()
  // With an id, a page that reads the answer twice shows it once.
  yield { type: 'start', messageId: randomUUID() }
  yield { type: 'text-start', id }
  for await (const delta of texts) yield { type: 'text-delta', id, delta }
  // Save the message here: a page that comes later loads it from there.
  yield { type: 'text-end', id }
  yield { type: 'finish' }
}
