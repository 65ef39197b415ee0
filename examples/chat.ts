/**
 * A chat-shaped answer: a prompt is posted, words come back one after another, `[DONE]` is the last. No model is needed to try it:
 * the words are those of a real text, the one that has most in common with the prompt.
 *
 *     app.register(typedSse)
 *     app.register(chat, { texts: ['examples/texts/jabberwocky.txt'] })
 *
 *     curl -N http://localhost:3000/chat -H 'content-type: application/json' -d '{"prompt":"Beware!"}'
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

/** POST /chat: `sentinel` is sent after the last chunk of an answer that was given to its end, and only then. */
export const chat: FastifyPluginAsyncTypebox<ChatOptions> = async (app, { texts, pace = 50 }) => {
  const known = await Promise.all(texts.map(file => readFile(file, 'utf8')))

  app.post('/chat', {
    schema: {
      summary: 'Answer a prompt word by word',
      body: Prompt,
      response: { 200: EventStream(Chunk, { sentinel: '[DONE]', description: 'The answer in chunks' }) }
    }
  }, async function * (request) {
    for (const text of nearest(known, request.body.prompt).match(/\s*\S+\s*/g) ?? []) {
      // A model does not keep time, and rests at the end of a line.
      const rest = text.includes('\n') ? 4 : 1
      await setTimeout(pace * rest * (0.5 + Math.random()), undefined, { signal: request.signal })
      yield { text }
    }
  })
}

/** The text that holds most of the prompt's words; the first one when none does. */
function nearest (texts: string[], prompt: string): string {
  const wanted = new Set(wordsOf(prompt))
  const inCommon = (text: string) => wordsOf(text).filter(word => wanted.has(word)).length
  return texts.reduce((best, text) => inCommon(text) > inCommon(best) ? text : best)
}

function wordsOf (text: string): string[] {
  return [...new Set(text.toLowerCase().match(/\p{L}{3,}/gu))]
}
