/**
 * HTML fragments for htmx (its sse extension), Turbo (`<turbo-stream-source>`) and datastar: raw text in place of JSON.
 *
 *     app.register(fragments, { messages: signal => yourMessages(signal) })
 *
 *     <ul hx-ext="sse" sse-connect="/fragments" sse-swap="message" hx-swap="beforeend"></ul>
 */
import { type FastifyPluginAsync } from 'fastify'
import { EventStream, RawText } from 'fastify-typed-sse'

export interface FragmentsOptions {
  messages: (signal: AbortSignal) => AsyncIterable<{ author: string, text: string }>
}

export const fragments: FastifyPluginAsync<FragmentsOptions> = async (app, { messages }) => {
  app.get('/fragments', { schema: { response: { 200: EventStream(RawText()) } } }, async function * (request) {
    for await (const { author, text } of messages(request.signal)) {
      yield `<li>\n  <b>${escape(author)}</b>\n  ${escape(text)}\n</li>`
    }
  })
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape (text: string): string {
  return text.replace(/[&<>"']/g, character => ENTITIES[character]!)
}
