import t from 'tap'
import { systemClock } from '../../lib/client/clock.ts'
import { type Answer, collect, failure, open, serve, status, stream } from './fixtures/server.ts'
import { TestClock, timed } from './fixtures/clock.ts'

const gone = status(204)
const shut: Answer = (_request, response) => { response.destroy() }
const HUGE = '9'.repeat(400)

// Full jitter at its longest.
t.intercept(Math, 'random', { value: () => 1 })

t.test('a server that closes at once is asked ever more rarely, until there is an event', async t => {
  const { url } = await serve(t, shut, shut, shut, shut, shut, shut, stream('data: 1\n\n'), shut, gone)
  const { messages, waits } = timed(url, { backoff: { delay: 50, maxDelay: 800 } })
  t.equal((await collect(messages)).length, 1)
  t.same(waits, [50, 100, 200, 400, 800, 800, 50, 100])
})

t.test('without backoff, waits start at a second and grow to half a minute', async t => {
  const { url } = await serve(t, ...Array<Answer>(7).fill(shut), gone)
  const { messages, waits } = timed(url, { backoff: { delay: undefined, maxDelay: undefined, attempts: undefined } })
  await collect(messages)
  t.same(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
})

t.test('jitter is full: a wait may be as short as nothing', async t => {
  t.intercept(Math, 'random', { value: () => 0 })
  const { url } = await serve(t, shut, shut, gone)
  const { messages, waits } = timed(url)
  await collect(messages)
  t.same(waits, [0, 0])
})

t.test('the server sets the least wait by retry', async t => {
  const { url } = await serve(t, stream('retry: 300\ndata: 1\n\n'), shut, gone)
  const { messages, waits } = timed(url)
  await collect(messages)
  t.same(waits, [300 + 300, 300 + 2000], 'and the window of the first jitter')
})

for (const retry of ['0', '00', '1']) {
  t.test(`retry: ${retry} is no leave to ask hundreds of times a second`, async t => {
    const { url } = await serve(t, ...Array<Answer>(4).fill(stream(`retry: ${retry}\ndata: 1\n\n`)), shut, shut, gone)
    const { messages, waits } = timed(url)
    await collect(messages)
    t.same(waits.map(wait => wait - Number(retry)), [250, 250, 250, 250, 2000, 4000], 'and without an event backoff sets in')
  })
}

t.test('retry: 0 with a smaller delay of the user is as short as that', async t => {
  const { url } = await serve(t, stream('retry: 0\ndata: 1\n\n'), gone)
  const { messages, waits } = timed(url, { backoff: { delay: 10 } })
  await collect(messages)
  t.same(waits, [10])
})

for (const retry of [HUGE, '86400000', '1e308', '-1', 'NaN', 'Infinity', '1.5']) {
  t.test(`retry: ${retry.slice(0, 10)} does not make the wait longer than maxDelay and its jitter`, async t => {
    const { url } = await serve(t, stream(`retry: ${retry}\ndata: 1\n\n`), gone)
    const { messages, waits } = timed(url, { backoff: { maxDelay: 5000 } })
    await collect(messages)
    t.same(waits, [/^\d+$/.test(retry) ? 5000 + 1000 : 1000])
  })
}

for (const code of [429, 503]) {
  t.test(`${code} is asked again after what Retry-After says, at most maxDelay`, async t => {
    const clock = new TestClock()
    const date = (ms: number): string => new Date(clock.now() + ms).toUTCString()
    const asked = [
      ['2', 2000], [date(4000), 4000], [date(86_400_000), 30_000], ['3600', 30_000], [HUGE, 30_000],
      ['soon', 0], ['', 0], ['-1', 0], ['-0', 0], ['NaN', 0], ['Infinity', 0], ['1e308', 0], [date(-86_400_000), 0]
    ] as const
    const { url } = await serve(t, ...asked.map(([value]) => status(code, { 'retry-after': value })), gone)
    const { messages, waits } = timed(url, { backoff: { delay: 0 } }, clock)
    // Time stands still, so that a date is as far away as it was.
    t.intercept(clock, 'now', { value: () => 1_800_000_000_000 })
    await collect(messages)
    t.same(waits, asked.map(([, wait]) => wait))
  })
}

t.test('a quiet stream that is cut after half a minute is not a failing one', async t => {
  const quiet: Answer = open('')
  const { url } = await serve(t, shut, (request, response) => {
    quiet(request, response, 0)
    opened.then(() => response.destroy()).catch(t.fail)
  }, shut, gone)
  let settle!: () => void
  const opened = new Promise<void>(resolve => { settle = resolve })
  const clock = new TestClock()
  const { messages, waits } = timed(url, {
    backoff: { attempts: 2 },
    onStateChange (state) {
      if (state !== 'open') return
      setImmediate(() => {
        clock.advance(30_000)
        settle()
      })
    }
  }, clock)
  await collect(messages)
  t.same(waits, [1000, 1000, 2000])
})

t.test('a silent connection is dead after three heartbeats', async t => {
  const clock = new TestClock()
  const causes: string[] = []
  const { url, requests } = await serve(t,
    open('id: 1\ndata: 1\n\n'),
    // No headers either.
    () => { clock.advance(900) },
    stream('data: 2\n\n'),
    gone
  )
  const { messages } = timed(url, { heartbeat: 300, onStateChange: (state, cause) => { if (state === 'waiting') causes.push(String(cause)) } }, clock)
  t.match(await messages.next(), { value: { data: 1 } })
  const next = messages.next()
  await clock.nextSet()
  clock.advance(899)
  t.equal(messages.state, 'open')
  clock.advance(1)
  t.match(await next, { value: { data: 2 } })
  t.same(await collect(messages), [])
  t.equal(requests.length, 4)
  const silent = 'ConnectionError: The connection was silent for 900 ms'
  t.same(causes, [silent, silent, 'undefined'])
})

t.test('comments keep a connection alive', async t => {
  const clock = new TestClock()
  const { url, requests } = await serve(t, async (request, response) => {
    open('')(request, response, 0)
    for (let beats = 0; beats < 20; beats++) {
      await clock.nextSet()
      clock.advance(1400)
      response.write(':\n\n')
    }
    response.end('data: [DONE]\n\n')
  })
  const { messages } = timed(url, { heartbeat: 500 }, clock)
  t.same(await collect(messages), [])
  t.equal(requests.length, 1)
})

t.test('without a heartbeat there is no timer', async t => {
  for (const heartbeat of [false, Infinity] as const) {
    let finish!: () => void
    const { url } = await serve(t, (request, response) => {
      open('data: 1\n\n')(request, response, 0)
      finish = () => response.end('data: [DONE]\n\n')
    })
    const { messages, clock } = timed(url, { heartbeat })
    await messages.next()
    const next = messages.next()
    t.equal(clock.pending, 0)
    finish()
    t.same(await next, { done: true, value: undefined })
  }
})

t.test('a fetch that ignores its signal is given up as well', async t => {
  const clock = new TestClock()
  const causes: unknown[] = []
  const { messages } = timed('/relative', {
    fetch () {
      setImmediate(() => clock.advance(30))
      return new Promise(() => { /* never */ })
    },
    heartbeat: 10,
    reconnect: true,
    backoff: { attempts: 1 },
    onStateChange: (_state, cause) => causes.push(String(cause))
  }, clock)
  const silent = 'The connection was silent for 30 ms'
  t.match(await failure(messages), { name: 'ConnectionError', message: silent })
  t.same(causes, [`ConnectionError: ${silent}`, 'undefined', `ConnectionError: ${silent}`])
})

t.test('the system\'s clock sets no timer that would fire at once for being too long', async t => {
  const delays: number[] = []
  t.intercept(globalThis, 'setTimeout', { value: (_work: () => void, ms: number) => { delays.push(ms) } })
  for (const ms of [0, 1, 2 ** 31 - 1, 2 ** 31, 1e308, Infinity]) systemClock.setTimer(ms, () => {})()
  t.same(delays, [0, 1, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1])
})
