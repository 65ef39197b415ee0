import { DefaultChatTransport, readUIMessageStream, type UIMessage } from 'ai'
import t from 'tap'
import { aiSdk } from '../../examples/recipes/ai-sdk.ts'
import { complete, cook, type Recipe, WORDS } from './model.ts'

const register = (app: Recipe['app']) => app.register(aiSdk, { complete })
const transport = (url: string) => new DefaultChatTransport({ api: `${url}/api/chat` })
const ask = (text: string) => ({
  trigger: 'submit-message' as const, chatId: 'c', messageId: undefined, abortSignal: undefined, messages: [{ id: 'm', role: 'user' as const, parts: [{ type: 'text' as const, text }] }]
})

t.test('the transport of the AI SDK reads an answer', async t => {
  const { url } = await cook(t, register)
  let last: UIMessage | undefined
  for await (const message of readUIMessageStream({ stream: await transport(url).sendMessages(ask('hello')) })) last = message
  t.match(last, { role: 'assistant', parts: [{ type: 'text', text: WORDS.join(''), state: 'done' }] })
})

t.test('it reports the failure of the model in the words of the route', async t => {
  const { url } = await cook(t, register)
  const errors: unknown[] = []
  let text = ''
  const stream = readUIMessageStream({ stream: await transport(url).sendMessages(ask('fail')), onError: error => errors.push((error as Error).message) })
  try {
    for await (const { parts: [part] } of stream) text = part?.type === 'text' ? part.text : ''
  } catch { /* the response is broken off after the event */ }
  t.equal(text, WORDS.slice(0, 2).join(''))
  t.equal(errors[0], 'The model failed')
})

t.test('there is nothing to resume: 204, which it takes for null', async t => {
  const { url } = await cook(t, register)
  t.equal(await transport(url).reconnectToStream({ chatId: 'c' }), null)
  await new Response((await transport(url).sendMessages(ask('hello'))).pipeThrough(new TransformStream({ transform () {} }))).text()
  t.equal(await transport(url).reconnectToStream({ chatId: 'c' }), null, 'an answer that is whole is in the database')
})

t.test('the headers and the sentinel of the protocol are there', async t => {
  const { url } = await cook(t, register)
  const response = await fetch(`${url}/api/chat`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ id: 'c', messages: ask('hello').messages }) })
  t.equal(response.headers.get('x-vercel-ai-ui-message-stream'), 'v1')
  t.match(await response.text(), /data: \[DONE\]\nid: \S+\n\n$/)
})
