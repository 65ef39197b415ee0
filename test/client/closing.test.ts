import { getEventListeners, once } from 'node:events'
import t from 'tap'
import { connect } from '../../lib/client/index.ts'
import { unhandledErrors } from '../helpers/serve.ts'
import { collect, cut, failure, open, serve, status, stream } from './fixtures/server.ts'

const backoff = { delay: 1, maxDelay: 5 }
const gone = status(204)
const never = (): Promise<never> => new Promise(() => { /* hangs */ })

t.test('leaving the loop, close() and the signal close the connection at once', async t => {
  for (const way of ['break', 'close', 'abort', 'abort before']) {
    t.test(way, async t => {
      let closed: Promise<unknown> = Promise.resolve()
      const { url, requests } = await serve(t, (request, response, n) => {
        closed = once(response, 'close')
        open('data: 1\n\n')(request, response, n)
      })
      const controller = new AbortController()
      const reason = new Error('left')
      if (way === 'abort before') controller.abort(reason)
      const messages = connect(url, { signal: controller.signal })
      const read = async (): Promise<void> => {
        for await (const { data } of messages) {
          t.equal(data, 1)
          t.equal(messages.state, 'open')
          if (way === 'break') break
          setImmediate(() => way === 'close' ? messages.close() : controller.abort(reason))
        }
      }
      if (way.startsWith('abort')) await t.rejects(read(), reason)
      else await read()
      await closed
      t.equal(messages.state, 'closed')
      t.equal(requests.length, way === 'abort before' ? 0 : 1)
      t.same(await messages.next(), { done: true, value: undefined })
    })
  }
})

t.test('closing ends a wait between attempts', async t => {
  const { url } = await serve(t, status(503, { 'retry-after': '60' }))
  const messages = connect(url, { onStateChange: state => { if (state === 'waiting') setImmediate(messages.close) } })
  t.same(await collect(messages), [])
  const early = connect(url, { onStateChange: state => { if (state === 'waiting') early.close() } })
  t.same(await collect(early), [], 'also before it starts')
})

t.test('states, in order, with why it waits', async t => {
  const { url } = await serve(t, stream('data: 1\n\n'), status(500), gone)
  const states: [string, string][] = []
  await collect(connect(url, { backoff, onStateChange: (state, cause) => states.push([state, (cause as Error | undefined)?.name ?? '']) }))
  t.same(states, [['open', ''], ['waiting', ''], ['connecting', ''], ['waiting', 'ResponseError'], ['connecting', ''], ['closed', '']])
})

for (const [what, options] of [['headers', { headers: never }], ['a fetch', { fetch: never }]] as const) {
  t.test(`${what} that hangs does not hold up the end`, async t => {
    const timers = (): number => process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length
    const before = timers()
    const closed = connect('http://127.0.0.1:1/', options)
    setImmediate(closed.close)
    t.same(await collect(closed), [])
    const controller = new AbortController()
    const reason = new Error('enough')
    setImmediate(() => controller.abort(reason))
    t.equal(await failure(connect('http://127.0.0.1:1/', { ...options, signal: controller.signal })), reason)
    t.equal(timers(), before, 'and keeps no process alive')
  })
}

t.test('closing on the way out asks for nothing', async t => {
  const { url, requests } = await serve(t, cut('data: 1\n\n'))
  let asked = 0
  const messages = connect(url, {
    backoff,
    headers: () => {
      asked++
      return {}
    },
    onStateChange: state => { if (state === 'connecting') messages.close() }
  })
  t.equal((await collect(messages)).length, 1)
  t.equal(requests.length, 1)
  t.equal(asked, 1)
})

t.test('any reason of a signal is thrown, also one that says nothing', async t => {
  for (const reason of [0, null, '', false]) {
    const { url } = await serve(t, open('data: 1\n\n'))
    const controller = new AbortController()
    const messages = connect(url, { signal: controller.signal })
    await messages.next()
    const next = messages.next()
    controller.abort(reason)
    t.equal(await next.then(() => 'no throw', (error: unknown) => error), reason)
  }
})

t.test('every call that waits gets the end, the first one an error', async t => {
  const { url } = await serve(t, open('data: 1\n\n'))
  const closed = connect(url)
  const three = [closed.next(), closed.next(), closed.next()]
  await three[0]
  closed.close()
  t.match(await Promise.all(three), [{ value: { data: 1 } }, { done: true }, { done: true }])
  const refused = connect((await serve(t, status(404))).url)
  await t.rejects(refused.next(), { code: 'SSE_ERR_RESPONSE' })
  t.same(await refused.next(), { done: true, value: undefined })
  t.same(await refused.return(), { done: true, value: undefined })
})

for (const at of ['connecting', 'open', 'waiting', 'closed']) {
  t.test(`what onStateChange throws when ${at} ends the loop`, async t => {
    const { url } = await serve(t, cut('data: 1\n\n'), gone)
    const mine = new Error('mine')
    const messages = connect(url, { backoff, onStateChange: state => { if (state === at) throw mine } })
    t.equal(await failure(messages), mine)
    t.equal(messages.state, 'closed')
  })
}

t.test('nothing is left behind: no listener on the signal, no rejection that no one handles', async t => {
  const seen = unhandledErrors(t)
  const { signal } = new AbortController()
  const answers = [stream('data: 1\n\ndata: [DONE]\n\n'), cut('data: 1\n\n'), status(500), open('data: 1\n\n')]
  const { url } = await serve(t, (request, response, n) => answers[n % answers.length]!(request, response, n))
  for (let n = 0; n < 240; n++) {
    const messages = connect(url, { signal, backoff: { delay: 0 } })
    if (n % 3 === 0) messages.next().catch(t.fail)
    else await messages.next()
    if (n % 3 === 1) await messages.return()
    messages.close()
  }
  t.equal(getEventListeners(signal, 'abort').length, 0)
  await new Promise(resolve => setImmediate(resolve))
  t.same(seen, [])
})
