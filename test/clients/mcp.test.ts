import { EventEmitter, once } from 'node:events'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import t, { type Test } from 'tap'
import { type JsonRpcMessage, type JsonRpcRequest, mcp } from '../../examples/recipes/mcp.ts'
import { cook, type Recipe } from './model.ts'

const steps = new EventEmitter()

/** Two notifications, each when it is told to, then the result. */
async function * call ({ id, method }: JsonRpcRequest): AsyncGenerator<JsonRpcMessage> {
  if (method === 'fail') throw new Error('out of memory')
  for (const progress of [1, 2]) {
    if (method === 'slow') await once(steps, `step ${progress}`)
    yield { jsonrpc: '2.0', method: 'notifications/progress', params: { progress } }
  }
  yield { jsonrpc: '2.0', id: id!, result: { content: [] } }
}

const register = (app: Recipe['app']) => app.register(mcp, { call })

async function post (url: string, message: object): Promise<Response> {
  return await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', ...message })
  })
}

/** The events of a response as a conforming client reads them. */
async function * eventsOf ({ body }: Response): AsyncGenerator<{ id?: string | undefined, data: string }> {
  yield * body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
}

async function collect<T> (items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function resume (t: Test, url: string, lastEventId: string): Promise<unknown[]> {
  const response = await fetch(`${url}/mcp`, { headers: { accept: 'text/event-stream', 'last-event-id': lastEventId } })
  t.equal(response.status, 200)
  return (await collect(eventsOf(response))).map(({ data }) => JSON.parse(data))
}

const PROGRESS = [1, 2].map(progress => ({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress } }))

t.test('an answer begins with a priming event: an id and empty data', async t => {
  const { url } = await cook(t, register)
  const response = await post(url, { id: 1, method: 'tools/call' })
  const text = await response.clone().text()
  t.match(text, /(^|\n)retry: 1000\n/)
  const events = await collect(eventsOf(response))
  t.match(events[0], { id: /\/0$/, data: '' })
  t.strictSame(events.slice(1).map(({ data }) => JSON.parse(data)), [...PROGRESS, { jsonrpc: '2.0', id: 1, result: { content: [] } }])
})

t.test('a client that lost its stream resumes from any id, also from the priming event', async t => {
  const { url } = await cook(t, register)
  const reading = eventsOf(await post(url, { id: 'a', method: 'slow' }))
  const { value: first } = await reading.next()
  const resumed = resume(t, url, first!.id!)
  steps.emit('step 1')
  const { value: second } = await reading.next()
  t.strictSame(JSON.parse(second!.data), PROGRESS[0])
  // It leaves.
  await reading.return(undefined)
  steps.emit('step 2')
  const result = { jsonrpc: '2.0', id: 'a', result: { content: [] } }
  t.strictSame(await resumed, [...PROGRESS, result])
  t.strictSame(await resume(t, url, second!.id!), [PROGRESS[1], result], 'also when it is over')
})

t.test('a failure is a JSON-RPC error, a notification is accepted, and an unknown stream has nothing', async t => {
  const { url } = await cook(t, register)
  const events = await collect(eventsOf(await post(url, { id: 1, method: 'fail' })))
  t.match(JSON.parse(events.at(-1)!.data), { id: 1, error: { code: -32603 } })
  t.equal((await post(url, { method: 'notifications/initialized' })).status, 202)
  t.equal((await fetch(`${url}/mcp`, { headers: { 'last-event-id': 'other/1' } })).status, 204)
})
