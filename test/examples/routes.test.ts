import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import t from 'tap'
import { DemoServer } from './fixtures/demo-server.ts'

t.setTimeout(600_000)

const FILES = 40
const folder = t.testdir({ inner: {} })
const content = (position: number) => `file ${position}`.repeat(position * 1000)
for (let position = 1; position <= FILES; position++) {
  await writeFile(join(folder, position % 2 === 0 ? 'inner' : '.', `${String(position).padStart(3, '0')}.txt`), content(position))
}

const demo = await DemoServer.start({ folder })
t.teardown(() => demo.stop())

/** The first events of a stream, or all of one that ends, without those of the library itself. */
async function events (path: string, { count = Infinity, ...init }: RequestInit & { count?: number } = {}): Promise<EventSourceMessage[]> {
  const controller = new AbortController()
  const response = await fetch(demo.url + path, { ...init, signal: controller.signal })
  const type = response.headers.get('content-type')
  if (response.status !== 200 || type !== 'text/event-stream; charset=utf-8') throw new Error(`${path}: ${response.status} ${type}`)
  const found: EventSourceMessage[] = []
  const parser = createParser({ onEvent: event => { if (!event.event?.startsWith('$')) found.push(event) } })
  const decoder = new TextDecoder()
  for await (const bytes of response.body!) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    if (found.length >= count) break
  }
  controller.abort()
  return found.slice(0, count)
}

t.test('metrics: samples of this machine, one after another', async t => {
  const samples = (await events('/metrics', { count: 3 })).map(({ data }) => JSON.parse(data))
  for (const sample of samples) {
    t.ok(sample.cpu >= 0 && sample.cpu <= 100, 'cpu')
    t.ok(sample.memoryUsed > 0 && sample.memoryUsed < sample.memoryTotal, 'memory')
    t.ok(sample.rss > sample.heapUsed, 'process memory')
  }
  t.ok(samples[0].at < samples[1].at && samples[1].at < samples[2].at)
})

t.test('logs: a request is seen in the log, and Last-Event-ID goes on after a line', async t => {
  const marked = events('/logs', { count: 100 }).catch(() => [])
  await fetch(`${demo.url}/trouble/warning`)
  await fetch(`${demo.url}/trouble/failure`)
  const lines = await events('/logs', { count: 8 })
  t.ok(lines.some(({ event, data }) => event === 'warn' && JSON.parse(data).message === 'somebody is looking for trouble'))
  const [first, second] = lines
  const [next] = await events('/logs', { count: 1, headers: { 'last-event-id': first!.id! } })
  t.same(next, second)
  for (let line = 0; line < 50; line++) await fetch(`${demo.url}/trouble/none`)
  t.equal((await marked).length, 100)
})

t.test('job: every file once and in order, with its hash, and 204 for who has seen the end', async t => {
  const all = await events('/job')
  t.same(JSON.parse(all[0]!.data), { folder, files: FILES, done: 0 })
  t.same(JSON.parse(all.at(-1)!.data), { files: FILES })
  t.same(all.map(({ event }) => event), ['started', ...Array(FILES).fill('hashed'), 'finished'])
  const hashed = all.slice(1, -1).map(({ id, data }) => ({ id, ...JSON.parse(data) }))
  t.same(hashed.map(({ id }) => id), Array.from({ length: FILES }, (_, index) => String(index + 1)))
  for (const { path, sha256, bytes } of hashed) {
    const expected = content(Number(/(\d+)\.txt$/.exec(path)![1]))
    t.same({ sha256, bytes }, { sha256: createHash('sha256').update(expected).digest('hex'), bytes: expected.length }, path)
  }
  t.equal((await fetch(`${demo.url}/job`, { headers: { 'last-event-id': all.at(-1)!.id! } })).status, 204)
})

t.test('job: goes on after the last file that was seen', async t => {
  const rest = await events('/job', { headers: { 'last-event-id': '30' } })
  t.same(JSON.parse(rest[0]!.data), { folder, files: FILES, done: 30 })
  t.same(rest.slice(1, -1).map(({ id }) => Number(id)), [31, 32, 33, 34, 35, 36, 37, 38, 39, 40])
  for (const strange of ['-5', 'x', '1e99']) {
    const [started] = await events('/job', { count: 1, headers: { 'last-event-id': strange } })
    t.equal(started!.event, 'started', strange)
  }
})

t.test('room: the last vote of each voter, every notice, and what comes after an id', async t => {
  const post = async (path: string, body: object) => {
    const response = await fetch(`${demo.url}/room/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    return (await response.json() as { id: string }).id
  }
  for (const choice of ['answers', 'notices', 'numbers']) await post('votes', { voter: 'ada', choice })
  const first = await post('notices', { text: 'one' })
  await post('notices', { text: 'two' })
  const seen = await events('/room', { count: 3 })
  t.same(seen.map(({ event, data }) => [event, JSON.parse(data).choice ?? JSON.parse(data).text]), [['vote', 'numbers'], ['notice', 'one'], ['notice', 'two']])
  t.same(await events('/room', { count: 1, headers: { 'last-event-id': first } }), seen.slice(2))
})

t.test('chat: the text that fits the prompt, word by word, and [DONE]', async t => {
  const ask = () => fetch(`${demo.url}/chat/1`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"prompt":"What did the traveller see?"}' })
  t.same(await (await ask()).json(), { state: 'started' })
  t.same(await (await ask()).json(), { state: 'running' })
  const words = await events('/chat/1')
  t.equal(words.at(-1)!.data, '[DONE]')
  const chunks = words.slice(0, -1).map(({ data }) => JSON.parse(data).text)
  t.match(chunks.join(''), /^Ozymandias\nPercy Bysshe Shelley, 1818\n\nI met a traveller[^]+far away\.”\n$/)
  t.ok(chunks.length > 100, `${chunks.length} chunks`)
  t.same(await events('/chat/1'), words, 'whoever comes later reads the same')
  t.same(await events('/chat/1', { headers: { 'last-event-id': words[9]!.id! } }), words.slice(10))
  t.equal((await fetch(`${demo.url}/chat/1`, { headers: { 'last-event-id': words.at(-1)!.id! } })).status, 204)
})

t.test('chat: stopped for everybody', async t => {
  await fetch(`${demo.url}/chat/2`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"prompt":"Beware!"}' })
  const answer = await fetch(`${demo.url}/chat/2`)
  t.same(await (await fetch(`${demo.url}/chat/2`, { method: 'DELETE' })).json(), { stopped: true })
  t.notMatch(await answer.text(), '[DONE]')
  t.same(await (await fetch(`${demo.url}/chat/2`, { method: 'DELETE' })).json(), { stopped: false })
  t.equal((await fetch(`${demo.url}/chat/3`)).status, 404)
})

t.test('chat: a prompt that is none is refused before a stream begins', async t => {
  const response = await fetch(`${demo.url}/chat/4`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"prompt":""}' })
  t.equal(response.status, 400)
  t.match(await response.json(), { code: 'FST_ERR_VALIDATION' })
})

t.test('the document describes the streams', async t => {
  const { paths } = await (await fetch(`${demo.url}/openapi.json`)).json() as { paths: Record<string, any> }
  t.same(Object.keys(paths), ['/metrics', '/logs', '/job', '/readings', '/room', '/room/votes', '/room/notices', '/chat/{id}'])
  for (const path of ['/metrics', '/logs', '/job', '/readings', '/room', '/chat/{id}']) t.ok(paths[path]!.get.responses[200].content['text/event-stream'], path)
  t.equal((await fetch(`${demo.url}/docs`)).status, 200)
})
