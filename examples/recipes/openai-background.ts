/**
 * An endpoint in the shape of OpenAI's background responses: an answer is a run, which a client that was cut resumes after the last
 * `sequence_number` that it has, and which anybody who has its id may cancel.
 *
 *     app.register(openaiBackground, { complete: (input, signal) => yourModel(input, signal) })
 *
 *     const { responses } = new OpenAI({ baseURL: 'http://localhost:3000/v1', apiKey: '...' })
 *     await responses.create({ model, input, background: true, stream: true })
 *     await responses.retrieve(id, { stream: true, starting_after: 12 })
 *     await responses.cancel(id)
 */
import { randomUUID } from 'node:crypto'
import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import { EventStream, eventsOf, type PublishedOf } from 'fastify-typed-sse'
import { type Response, type ResponseOutputMessage, type ResponseStreamEvent } from 'openai/resources/responses/responses'

// The protocol's own types, and any JSON.
const Event = <T extends ResponseStreamEvent['type']>(_type: T) => Type.Unsafe<Extract<ResponseStreamEvent, { type: T }>>({})

export const Answer = EventStream({
  'response.created': Event('response.created'),
  'response.output_item.added': Event('response.output_item.added'),
  'response.content_part.added': Event('response.content_part.added'),
  'response.output_text.delta': Event('response.output_text.delta'),
  'response.output_text.done': Event('response.output_text.done'),
  'response.content_part.done': Event('response.content_part.done'),
  'response.output_item.done': Event('response.output_item.done'),
  'response.completed': Event('response.completed'),
  error: Type.Object({ error: Type.Object({ message: Type.String(), type: Type.String() }) })
})

const on = eventsOf(Answer)

const STATUS = { running: 'in_progress', complete: 'completed', stopped: 'cancelled', failed: 'failed', lost: 'failed' } as const
const Params = Type.Object({ id: Type.String() })
const Failure = Type.Object({ error: Type.Object({ message: Type.String(), type: Type.String() }) })

export interface OpenAiBackgroundOptions {
  /** The model: yields the answer in pieces. */
  complete: (input: string, signal: AbortSignal) => AsyncIterable<string>
}

export const openaiBackground: FastifyPluginAsyncTypebox<OpenAiBackgroundOptions> = async (app, { complete }) => {
  const answers = app.sse.run('responses', Answer)
  const config = { sse: { errorEvent: () => on.error({ error: { message: 'The model failed', type: 'server_error' } }) } }

  /** The response as it stands. */
  async function look (id: string): Promise<Response | undefined> {
    const { state } = await answers.of(id).status()
    if (state === 'none') return undefined
    if (state === 'complete') for await (const { data } of answers.of(id).messages()) if ('response' in data && data.type === 'response.completed') return data.response
    return toResponse(id, '', STATUS[state])
  }

  app.post('/v1/responses', {
    schema: {
      body: Type.Object({ model: Type.String(), input: Type.String(), background: Type.Literal(true), stream: Type.Literal(true) }),
      response: { 200: Answer }
    },
    config
  }, async ({ body: { model, input } }, reply) => {
    const id = `resp_${randomUUID()}`
    await answers.of(id).start(({ signal }) => toEvents(id, model, complete(input, signal)))
    return reply.sse(answers.of(id))
  })

  app.get('/v1/responses/:id', {
    schema: {
      params: Params,
      querystring: Type.Object({ stream: Type.Boolean({ default: false }), starting_after: Type.Integer({ default: -1 }) }),
      response: { 200: Answer, 404: Failure }
    },
    config
  }, async ({ params: { id }, query }, reply) => {
    const response = await look(id)
    if (response === undefined) return reply.code(404).send({ error: { message: `There is no response ${id}`, type: 'invalid_request_error' } })
    if (!query.stream) return reply.type('application/json').serializer(JSON.stringify).send(response as never)
    // Clients of OpenAI resume by the number in the data, and not by the id of the event.
    return reply.sse(answers.of(id), { filter: ({ data }) => !('sequence_number' in data) || data.sequence_number > query.starting_after })
  })

  app.post('/v1/responses/:id/cancel', { schema: { params: Params } }, async ({ params: { id } }) => {
    await answers.of(id).stop()
    return await look(id)
  })
}

async function * toEvents (id: string, model: string, texts: AsyncIterable<string>): AsyncGenerator<PublishedOf<typeof Answer>> {
  let number = 0
  let text = ''
  const at = { item_id: `msg_${id}`, output_index: 0, content_index: 0 }
  const next = () => ({ sequence_number: number++ })
  const part = () => ({ type: 'output_text' as const, text, annotations: [] })
  const item = (status: 'in_progress' | 'completed', content = [part()]): ResponseOutputMessage => ({ id: at.item_id, type: 'message', role: 'assistant', status, content })

  yield on['response.created']({ type: 'response.created', response: toResponse(id, model, 'in_progress'), ...next() })
  yield on['response.output_item.added']({ type: 'response.output_item.added', output_index: 0, item: item('in_progress', []), ...next() })
  yield on['response.content_part.added']({ type: 'response.content_part.added', part: part(), ...at, ...next() })
  for await (const delta of texts) {
    text += delta
    yield on['response.output_text.delta']({ type: 'response.output_text.delta', delta, logprobs: [], ...at, ...next() })
  }
  yield on['response.output_text.done']({ type: 'response.output_text.done', text, logprobs: [], ...at, ...next() })
  yield on['response.content_part.done']({ type: 'response.content_part.done', part: part(), ...at, ...next() })
  yield on['response.output_item.done']({ type: 'response.output_item.done', output_index: 0, item: item('completed'), ...next() })
  yield on['response.completed']({ type: 'response.completed', response: toResponse(id, model, 'completed', { output: [item('completed')], output_text: text }), ...next() })
}

function toResponse (id: string, model: string, status: NonNullable<Response['status']>, said: Partial<Response> = {}): Response {
  return {
    id,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status,
    background: true,
    model,
    output: [],
    output_text: '',
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: null,
    parallel_tool_calls: false,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    ...said
  }
}
