/**
 * A chat-shaped answer that goes on when the page leaves: a prompt starts a run, words come back one after another, `[DONE]` is
 * the last. A page that was reloaded, or a second one, reads the same answer from its start; stopping it stops it for all.
 * A server that closes finishes its answers first; one that was killed leaves them lost, and the page may ask again.
 * No model is needed to try it: the words are those of a real text, the one that has most in common with the prompt.
 *
 *     app.register(typedSse)
 *     app.register(chat, { texts: ['examples/texts/jabberwocky.txt'] })
 *
 *     curl http://localhost:3000/chat/1 -H 'content-type: application/json' -d '{"prompt":"Beware!"}'
 *     curl -N http://localhost:3000/chat/1
 *     curl -X DELETE http://localhost:3000/chat/1
 */
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EventStream } from 'fastify-typed-sse'

export const Prompt = Type.Object({ prompt: Type.String({ minLength: 1, maxLength: 1000, examples: ['Beware!'] }) })

export const Chunk = Type.Object({ text: Type.String({ description: 'A word, with the space or line break that follows it', examples: ['Beware '] }) })

export interface ChatOptions {
  /** Files with the texts that it knows; one at least. */
  texts: Array<string | URL>
  /** Time from one word to the next, ms on average. @default 50 */
  pace?: number
}

// The ids of events are the log's: a client that was cut goes on after the last word that it has.
const Answer = EventStream(Chunk, { sentinel: '[DONE]', id: true, description: 'The answer in chunks, from its start or after Last-Event-ID' })
const Chat = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64, description: 'Made up by the page' }) })

/** POST, GET and DELETE /chat/:id: start, read and stop the answer with an id. */
export const chat: FastifyPluginAsyncTypebox<ChatOptions> = async (app, { texts, pace = 50 }) => {
  const known = await Promise.all(texts.map(file => readFile(file, 'utf8')))
  const answers = app.sse.run('answers', Answer, { ttl: 600_000, lease: 5_000, shutdownGrace: 60_000 })

  async function * answer (prompt: string, signal: AbortSignal) {
    for (const text of nearest(known, prompt).match(/\s*\S+\s*/g) ?? []) {
      // A model does not keep time, and rests at the end of a line.
      const rest = text.includes('\n') ? 4 : 1
      await setTimeout(pace * rest * (0.5 + Math.random()), undefined, { signal })
      yield { text }
    }
  }

  app.post('/chat/:id', {
    schema: { summary: 'Start an answer', params: Chat, body: Prompt, response: { 200: Type.Object({ state: Type.String({ examples: ['started'] }) }) } }
  }, async ({ params, body }) => ({
    // The same id again starts nothing: a client that was cut while it asked may ask again.
    state: await answers.of(params.id).start(({ signal }) => answer(body.prompt, signal))
  }))

  app.get('/chat/:id', {
    schema: { summary: 'Read an answer word by word', params: Chat, response: { 200: Answer } }
  }, ({ params }, reply) => reply.sse(answers.of(params.id)))

  app.delete('/chat/:id', {
    schema: { summary: 'Stop an answer, on whichever instance it is produced', params: Chat, response: { 200: Type.Object({ stopped: Type.Boolean() }) } }
  }, async ({ params }) => ({ stopped: await answers.of(params.id).stop() }))
}

/** The text that the prompt fits best: long words, and those that few texts have, count more. The first one when nothing fits. */
function nearest (texts: string[], prompt: string): string {
  const words = texts.map(wordsOf)
  const weight = (word: string) => word.length * (1 - words.filter(known => known.includes(word)).length / texts.length || 0.01)
  const fit = (known: string[]) => wordsOf(prompt).filter(word => known.includes(word)).reduce((sum, word) => sum + weight(word) ** 2, 0)
  const fits = words.map(fit)
  return texts[fits.indexOf(Math.max(...fits))]!
}

function wordsOf (text: string): string[] {
  return [...new Set(text.toLowerCase().match(/\p{L}{3,}/gu))]
}
