import OpenAI from 'openai'
import t from 'tap'
import { openaiBackground } from '../../examples/recipes/openai-background.ts'
import { complete, cook, type Recipe, WORDS } from './model.ts'

type Event = OpenAI.Responses.ResponseStreamEvent

const register = (app: Recipe['app']) => app.register(openaiBackground, { complete })
const client = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
const ask = (input: string) => ({ model: 'local', input, background: true, stream: true }) as const
const textOf = (events: Event[]) => events.map(event => event.type === 'response.output_text.delta' ? event.delta : '').join('')

t.test('the SDK of OpenAI, unmodified, resumes a background response after any event', async t => {
  const { url } = await cook(t, register)
  const { responses } = client(url)
  const seen: Event[] = []
  let id = ''
  for await (const event of await responses.create(ask('hello'))) {
    if (event.type === 'response.created') id = event.response.id
    seen.push(event)
    // The page is closed: leaving the loop aborts the request.
    if (event.type === 'response.output_text.delta') break
  }
  t.equal(textOf(seen), WORDS[0])
  for await (const event of await responses.retrieve(id, { stream: true, starting_after: seen.at(-1)!.sequence_number })) seen.push(event)
  t.equal(textOf(seen), WORDS.join(''))
  t.strictSame(seen.map(({ sequence_number: number }) => number), seen.map((_, index) => index), 'none lost, none twice')
  t.equal(seen.at(-1)!.type, 'response.completed')

  t.match(await responses.retrieve(id), { id, status: 'completed', output_text: WORDS.join('') })
  t.equal((await responses.stream({ response_id: id, starting_after: 3 }).finalResponse()).output_text, WORDS.join(''), 'its helper too')
})

t.test('cancel ends it for its readers', async t => {
  let signal: AbortSignal | undefined
  const { url } = await cook(t, app => app.register(openaiBackground, { complete: (_input, given) => { signal = given; return forever(given) } }))
  const { responses } = client(url)
  const types: string[] = []
  let id = ''
  for await (const event of await responses.create(ask('hello'))) {
    types.push(event.type)
    if (event.type === 'response.created') id = event.response.id
    if (event.type === 'response.output_text.delta') t.match(await responses.cancel(id), { status: 'cancelled' })
  }
  t.equal(types.at(-1), 'response.output_text.delta')
  t.ok(signal!.aborted)
  t.match(await responses.retrieve(id), { status: 'cancelled' })
})

t.test('a failure of the model, and a response that is not there, are errors of the SDK', async t => {
  const { url } = await cook(t, register)
  const { responses } = client(url)
  const events: Event[] = []
  await t.rejects(async () => {
    for await (const event of await responses.create(ask('fail'))) events.push(event)
  }, { message: 'The model failed', type: 'server_error' })
  t.equal(textOf(events), WORDS.slice(0, 2).join(''))
  await t.rejects(responses.retrieve('resp_none', { stream: true }), { status: 404, message: /There is no response resp_none/ })
})

async function * forever (signal: AbortSignal): AsyncGenerator<string> {
  yield 'and so on'
  await new Promise((_resolve, reject) => { signal.onabort = () => reject(signal.reason) })
}
