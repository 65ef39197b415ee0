import OpenAI, { APIError } from 'openai'
import t from 'tap'
import { openai } from '../../examples/recipes/openai.ts'
import { eventually } from '../helpers/serve.ts'
import { complete, cook, type Recipe, WORDS } from './model.ts'

const register = (app: Recipe['app']) => app.register(openai, { complete: (messages, signal) => complete(messages.at(-1)!.content, signal) })
const client = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
const ask = (content: string): OpenAI.ChatCompletionCreateParamsStreaming => ({ model: 'local', stream: true, messages: [{ role: 'user', content }] })

t.test('the SDK of OpenAI, unmodified, streams an answer', async t => {
  const { url, accepts } = await cook(t, register)
  const texts: string[] = []
  let finish: string | null | undefined
  for await (const { choices: [choice] } of await client(url).chat.completions.create(ask('hello'))) {
    if (choice!.delta.content) texts.push(choice!.delta.content)
    finish = choice!.finish_reason
  }
  t.strictSame(texts, WORDS)
  t.equal(finish, 'stop')
  t.strictSame(accepts, ['application/json'], 'though it asks for JSON')
})

t.test('its helper collects the message', async t => {
  const { url } = await cook(t, register)
  const stream = client(url).chat.completions.stream(ask('hello'))
  t.match(await stream.finalChatCompletion(), { model: 'local', choices: [{ message: { role: 'assistant', content: WORDS.join('') } }] })
})

t.test('it throws the failure of the model, in the form of OpenAI', async t => {
  const { url } = await cook(t, register)
  const texts: unknown[] = []
  let thrown: unknown
  try {
    for await (const { choices: [choice] } of await client(url).chat.completions.create(ask('fail'))) texts.push(choice!.delta.content)
  } catch (error) {
    thrown = error
  }
  t.ok(thrown instanceof APIError)
  t.match(thrown, { message: 'The model failed', type: 'server_error' })
  t.strictSame(texts, ['', ...WORDS.slice(0, 2)])
  await t.rejects(client(url).chat.completions.create({ ...ask('hello'), model: undefined as never }), { status: 400, message: /body must have required property 'model'/ })
})

t.test('the model stops when the SDK is aborted', async t => {
  let signal: AbortSignal | undefined
  const { url, app } = await cook(t, app => app.register(openai, { complete: (_messages, given) => { signal = given; return complete('', given) } }))
  const stream = await client(url).chat.completions.create(ask('hello'))
  for await (const chunk of stream) {
    if (chunk.choices[0]!.delta.content === WORDS[0]) stream.controller.abort()
  }
  await eventually(() => signal!.aborted && app.sse.open === 0)
  t.equal(signal!.reason.name, 'AbortError')
})
