import { createGzip } from 'node:zlib'
import t from 'tap'
import { connect, ResponseError } from '../../lib/client/index.ts'
import { collect, cut, failure, serve, status, stream } from './fixtures/server.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)

t.test('gives name, JSON data and the id that holds, until a 204', async t => {
  const { url, requests } = await serve(t, stream('data: {"a":1}\n\nevent: b\ndata: 2\nid: x\n\ndata: 3\n\n'), gone)
  t.same(await collect(connect(url, { backoff })), [
    { event: 'message', data: { a: 1 }, id: '' },
    { event: 'b', data: 2, id: 'x' },
    { event: 'message', data: 3, id: 'x' }
  ])
  t.match(requests, [
    { method: 'GET', headers: { accept: 'text/event-stream', 'last-event-id': undefined } },
    { method: 'GET', headers: { 'last-event-id': 'x' } }
  ])
  t.equal(requests.length, 2)
})

t.test('sends method, headers and a JSON body; a header function is asked for each attempt', async t => {
  const { url, requests } = await serve(t, cut('id: 1\ndata: 1\n\n'), cut('id: ż\ndata: 2\n\n'), gone)
  let token = 0
  const got = await collect(connect(url, { method: 'put', body: { q: 1 }, headers: async () => ({ authorization: `Bearer ${++token}` }), backoff }))
  t.same(got.map(({ data }) => data), [1, 2])
  t.match(requests, [1, 2, 3].map(n => ({ method: 'PUT', body: '{"q":1}', headers: { 'content-type': 'application/json', authorization: `Bearer ${n}` } })))
  t.equal(Buffer.from(requests[2]!.headers['last-event-id'] as string, 'latin1').toString(), 'ż', 'as UTF-8')
})

t.test('uses a custom fetch and hands the other options on', async t => {
  const calls: [string, RequestInit][] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    calls.push([url, init])
    return new Response('data: [DONE]\n\n', { headers: { 'content-type': 'text/event-stream' } })
  }
  t.same(await collect(connect('/relative', { fetch, credentials: 'include', body: 'text' })), [])
  t.match(calls, [['/relative', { credentials: 'include', cache: 'no-store', method: 'POST', body: 'text' }]])
})

t.test('what `headers` throw, and a URL of no use, end the stream at once', async t => {
  const error = new Error('no token')
  t.equal(await failure(connect('http://127.0.0.1:1/', { headers: () => { throw error } })), error)
  t.type(await failure(connect('/relative')), TypeError)
})

for (const [code, type] of [[400, 'application/json'], [401, 'text/plain'], [404, 'text/event-stream'], [200, 'application/json'], [200, 'text/event-streams'], [304, 'text/event-stream']] as const) {
  t.test(`stops on ${code} ${type} with the response`, async t => {
    const { url, requests } = await serve(t, status(code, { 'content-type': type }, code === 304 ? '' : '{"why":1}'))
    const states: string[] = []
    const error = await failure(connect(url, { backoff, onStateChange: state => states.push(state) }))
    if (!(error instanceof ResponseError)) throw error
    t.equal(error.code, 'SSE_ERR_RESPONSE')
    t.equal(error.response.status, code)
    if (code !== 304) t.same(await error.response.json(), { why: 1 })
    t.equal(requests.length, 1)
    t.same(states, ['closed'])
  })
}

t.test('stops on a response without a content type', async t => {
  const { url } = await serve(t, status(200))
  t.match(await failure(connect(url)), { name: 'ResponseError', message: 'Expected a text/event-stream, got 200 with no content type' })
})

t.test('a response without a body has no messages', async t => {
  const answers = [new Response(null, { headers: { 'content-type': 'text/event-stream' } }), new Response(null, { status: 204 })]
  t.same(await collect(connect('/relative', { fetch: async () => answers.shift()!, backoff })), [])
  t.equal(answers.length, 0, 'and is asked for again')
})

class Prompt {
  readonly text = 'a'
}

const form = new FormData()
form.append('text', 'a')

for (const [what, body, method, type, sent] of [
  ['an object', { text: 'a' }, 'POST', /^application\/json$/, /^\{"text":"a"\}$/],
  ['an array', [1], 'POST', /^application\/json$/, /^\[1\]$/],
  ['an instance of a class', new Prompt(), 'POST', /^application\/json$/, /^\{"text":"a"\}$/],
  ['an object without a prototype', Object.assign(Object.create(null), { text: 'a' }), 'POST', /^application\/json$/, /^\{"text":"a"\}$/],
  ['text', 'a', 'POST', /^text\/plain/, /^a$/],
  ['URLSearchParams', new URLSearchParams({ text: 'a' }), 'POST', /^application\/x-www-form-urlencoded/, /^text=a$/],
  ['FormData', form, 'POST', /^multipart\/form-data; boundary=/, /name="text"\r\n\r\na\r\n/],
  ['a Blob', new Blob(['a'], { type: 'text/x' }), 'POST', /^text\/x$/, /^a$/],
  ['null, which is none', null, 'GET', undefined, /^$/]
] as const) {
  t.test(`sends ${what} as the body, each time`, async t => {
    const { url, requests } = await serve(t, cut('id: 1\ndata: 1\n\n'), gone)
    t.equal((await collect(connect(url, { body, backoff }))).length, 1)
    t.match(requests, [1, 2].map(() => ({ method, body: sent, headers: { 'content-type': type } })))
    t.equal(requests.length, 2)
  })
}

t.test('a body that cannot be sent twice, or is no JSON, is refused', async t => {
  const { url, requests } = await serve(t, gone)
  t.throws(() => connect(url, { body: new ReadableStream() }), { code: 'SSE_ERR_OPTION', message: 'Option `body` must be what can be sent again, got a stream: read it first' })
  const circular: { self?: object } = {}
  circular.self = circular
  t.throws(() => connect(url, { body: circular }), TypeError)
  t.equal(requests.length, 0)
})

t.test('redirects are followed, and the next attempt asks the first URL again', async t => {
  const { url, requests } = await serve(t, status(307, { location: '/there' }), cut('id: 1\ndata: 1\n\n'), gone)
  t.equal((await collect(connect(url, { body: { a: 1 }, backoff }))).length, 1)
  t.match(requests, [{ url: '/', body: '{"a":1}' }, { url: '/there', method: 'POST', body: '{"a":1}' }, { url: '/', headers: { 'last-event-id': '1' } }])
})

t.test('reads what is compressed as it comes', async t => {
  const { url } = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
    const gzip = createGzip()
    gzip.pipe(response)
    gzip.write('data: 1\n\n')
    gzip.flush()
  })
  const messages = connect(url)
  t.match(await messages.next(), { value: { data: 1 } })
  messages.close()
})

t.test('a loop that is slow holds the server back', async t => {
  let written = 0
  const { url } = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const write = (): void => {
      do written += 10_000
      while (response.write(`data: "${'x'.repeat(9990)}"\n\n`))
      response.once('drain', write)
    }
    write()
  })
  const messages = connect(url)
  await messages.next()
  let before
  do {
    before = written
    for (let turn = 0; turn < 500; turn++) await new Promise(resolve => setImmediate(resolve))
  } while (written !== before)
  t.ok(written < 50_000_000, `${written} bytes`)
  messages.close()
})

t.test('two loops over one stream share its messages, and its end', async t => {
  const { url } = await serve(t, stream('data: 0\n\ndata: 1\n\ndata: 2\n\ndata: [DONE]\n\n'))
  const messages = connect(url)
  const [one, other] = await Promise.all([collect(messages), collect(messages)])
  t.same([...one, ...other].map(({ data }) => data).sort(), [0, 1, 2])
  t.same(await collect(messages), [])
})
