import t from 'tap'
import { connect, ResponseError } from '../../lib/client/index.ts'
import { unhandledErrors } from '../helpers/serve.ts'
import { collect, cut, failure, serve, status, stream } from './fixtures/server.ts'
import { timed } from './fixtures/clock.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)

t.test('a 401: the token is refreshed, and the stream goes on', async t => {
  const { url, requests } = await serve(t, cut('id: 1\ndata: 1\n\n'), status(401, {}, 'expired'), stream('id: 2\ndata: 2\n\n'), gone)
  let token = 'old'
  const asked: [number, string][] = []
  const messages = connect(url, {
    backoff,
    headers: () => ({ authorization: `Bearer ${token}` }),
    async shouldRetry (error) {
      asked.push([error.response.status, await error.response.text()])
      token = 'new'
      return true
    }
  })
  t.same((await collect(messages)).map(({ data }) => data), [1, 2])
  t.same(asked, [[401, 'expired']])
  t.match(requests, ['old', 'old', 'new', 'new'].map(token => ({ headers: { authorization: `Bearer ${token}` } })))
  t.equal(requests[2]!.headers['last-event-id'], '1')
})

t.test('a POST that was refused is sent again if shouldRetry says so, though it may not be repeated otherwise', async t => {
  const { url, requests } = await serve(t, status(401), status(503), stream('data: 1\n\n'))
  const asked: number[] = []
  const shouldRetry = ({ response }: ResponseError): boolean => asked.push(response.status) > 0
  t.equal((await collect(connect(url, { body: { a: 1 }, backoff, shouldRetry }))).length, 1)
  t.same(asked, [401, 503])
  t.match(requests, [1, 2, 3].map(() => ({ body: '{"a":1}' })))
})

t.test('it is not asked about what is retried anyway, nor about cuts', async t => {
  const { url } = await serve(t, status(429), status(503), cut('id: 1\ndata: 1\n\n'), gone)
  t.equal((await collect(connect(url, { backoff, shouldRetry: t.fail as unknown as () => boolean }))).length, 1)
})

for (const [what, shouldRetry] of [['false', () => false], ['a promise of false', async () => false]] as const) {
  t.test(`${what} ends the loop with the response, its body unread`, async t => {
    const { url, requests } = await serve(t, status(403, {}, 'no'))
    const error = await failure(connect(url, { backoff, shouldRetry }))
    t.type(error, ResponseError)
    t.equal(await (error as ResponseError).response.text(), 'no')
    t.equal(requests.length, 1)
  })
}

t.test('what it throws ends the loop', async t => {
  const { url } = await serve(t, status(401, {}, 'expired'))
  const mine = new Error('logged out')
  t.equal(await failure(connect(url, { shouldRetry: () => { throw mine } })), mine)
  t.equal(await failure(connect(url, { shouldRetry: async () => { throw mine } })), mine)
  t.equal(await failure(connect(url, {
    async shouldRetry ({ response }) {
      await response.text()
      throw mine
    }
  })), mine, 'also after the body was read')
})

t.test('closing does not wait for it', async t => {
  const seen = unhandledErrors(t)
  const { url, requests } = await serve(t, status(401))
  const never = (): Promise<boolean> => new Promise(() => { /* hangs */ })
  const closed = connect(url, {
    shouldRetry () {
      setImmediate(closed.close)
      return never()
    }
  })
  t.same(await collect(closed), [])
  const controller = new AbortController()
  const reason = new Error('enough')
  t.equal(await failure(connect(url, {
    signal: controller.signal,
    shouldRetry () {
      setImmediate(() => controller.abort(reason))
      return never()
    }
  })), reason)
  t.equal(requests.length, 2)
  t.same(seen, [])
})

t.test('a server that refuses for ever is asked ever more rarely, and given up after so many attempts', async t => {
  t.intercept(Math, 'random', { value: () => 1 })
  const { url, requests } = await serve(t, status(401))
  const { messages, waits } = timed(url, { shouldRetry: () => true, backoff: { attempts: 4 } })
  t.type(await failure(messages), ResponseError)
  t.same(waits, [1000, 2000, 4000, 8000])
  t.equal(requests.length, 5)
})
