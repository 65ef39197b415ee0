/**
 * The streamable HTTP transport of the Model Context Protocol (2025-06-18), as far as its streams go: an answer is a stream
 * that starts with a priming event, and a client that lost it resumes with `Last-Event-ID`.
 *
 *     app.register(mcp, { call: (request, progress) => yourTool(request, progress) })
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type FastifyPluginAsyncTypebox, type Static, Type } from '@fastify/type-provider-typebox'
import { checkpoint, event, EventStream } from 'fastify-typed-sse'

// Not a union: Fastify coerces what the client sends, and would make '1' of 1.
const Id = Type.Unsafe<string | number>({ type: ['string', 'integer'] })
const Request = Type.Object({ jsonrpc: Type.Literal('2.0'), id: Type.Optional(Id), method: Type.String(), params: Type.Optional(Type.Unknown()) })

/** A response, an error, or a notification: JSON-RPC leaves open what is in them. */
const Outgoing = Type.Object({
  jsonrpc: Type.Literal('2.0'),
  id: Type.Optional(Id),
  method: Type.Optional(Type.String()),
  params: Type.Optional(Type.Unknown()),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Object({ code: Type.Integer(), message: Type.String() }))
})

export type JsonRpcRequest = Static<typeof Request>
export type JsonRpcMessage = Static<typeof Outgoing>

export interface McpOptions {
  /** Answers a request, after any number of notifications. */
  call: (request: JsonRpcRequest) => AsyncIterable<JsonRpcMessage>
}

/** The messages of one answer: kept, because the client may lose the stream and resume it. */
class Answer {
  readonly id = randomUUID()
  readonly #messages: JsonRpcMessage[] = []
  readonly #more = new EventTarget()
  #isOver = false

  async fill (messages: AsyncIterable<JsonRpcMessage>): Promise<void> {
    for await (const message of messages) this.#add(message)
    this.#isOver = true
    this.#more.dispatchEvent(new Event('more'))
  }

  #add (message: JsonRpcMessage): void {
    this.#messages.push(message)
    this.#more.dispatchEvent(new Event('more'))
  }

  /** The messages from a position on, each with the id to resume from. */
  async * from (position: number, signal: AbortSignal) {
    for (let next = position; ; next++) {
      while (next >= this.#messages.length) {
        if (this.#isOver) return
        await once(this.#more, 'more', { signal })
      }
      yield event(this.#messages[next]!, { id: `${this.id}/${next + 1}` })
    }
  }
}

export const mcp: FastifyPluginAsyncTypebox<McpOptions> = async (app, { call }) => {
  const answers = new Map<string, Answer>()
  const schema = { response: { 200: EventStream(Outgoing, { id: true }) } }

  app.post('/mcp', { schema: { body: Request, response: { ...schema.response, 202: Type.Null() } } }, (request, reply) => {
    // A notification.
    if (request.body.id === undefined) return reply.code(202).send(null)
    const answer = new Answer()
    answers.set(answer.id, answer)
    const { id } = request.body
    answer.fill(call(request.body)).catch((error: unknown) => {
      request.log.error({ err: error })
      return answer.fill(failure(id))
    })
    return reply.sse(({ signal }) => primed(answer, signal))
  })

  app.get('/mcp', { schema }, (_request, reply) => reply.sse(({ lastEventId = '', signal }) => {
    const [id, position] = lastEventId.split('/')
    // Without an answer to go on with there is nothing to say: 204.
    return answers.get(id!)?.from(Number(position), signal)
  }))
}

/** The priming event moves the client's position before there is a message, so that it can resume from the very start. */
async function * primed (answer: Answer, signal: AbortSignal) {
  yield checkpoint({ id: `${answer.id}/0`, retry: 1000 })
  yield * answer.from(0, signal)
}

async function * failure (id: string | number): AsyncGenerator<JsonRpcMessage> {
  yield { jsonrpc: '2.0', id, error: { code: -32603, message: 'Internal error' } }
}
