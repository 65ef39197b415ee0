import Anthropic, { APIError } from '@anthropic-ai/sdk'
import t from 'tap'
import { anthropic } from '../../examples/recipes/anthropic.ts'
import { complete, cook, type Recipe, WORDS } from './model.ts'

const register = (app: Recipe['app']) => app.register(anthropic, { complete: (messages, signal) => complete(messages.at(-1)!.content, signal) })
const client = (url: string) => new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 })
const ask = (content: string) => ({ model: 'local', max_tokens: 100, messages: [{ role: 'user', content }] }) as Anthropic.MessageCreateParamsNonStreaming

t.test('the SDK of Anthropic, unmodified, streams an answer', async t => {
  const { url, accepts } = await cook(t, register)
  const texts: string[] = []
  for await (const event of await client(url).messages.create({ ...ask('hello'), stream: true })) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') texts.push(event.delta.text)
  }
  t.strictSame(texts, WORDS)
  t.strictSame(accepts, ['application/json'], 'though it asks for JSON')
})

t.test('its helper collects the message', async t => {
  const { url } = await cook(t, register)
  t.match(await client(url).messages.stream(ask('hello')).finalMessage(), {
    role: 'assistant', model: 'local', content: [{ type: 'text', text: WORDS.join('') }], stop_reason: 'end_turn', usage: { output_tokens: WORDS.length }
  })
})

t.test('it throws the failure of the model, in the form of Anthropic', async t => {
  const { url } = await cook(t, register)
  const thrown = await client(url).messages.stream(ask('fail')).finalMessage().then(() => undefined, (error: unknown) => error)
  t.ok(thrown instanceof APIError)
  t.match(thrown, { error: { type: 'error', error: { type: 'api_error', message: 'The model failed' } } })
})
