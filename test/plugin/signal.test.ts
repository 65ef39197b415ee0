import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { EventStream } from '../../lib/index.ts'
import { ask, eventually, serve } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }

t.test('request.signal is one signal, which fires once, with why', async t => {
  const reasons: unknown[] = []
  const served = await serve(t, app => {
    app.get('/:name', Text, (request, reply) => {
      const { signal } = request
      t.equal(request.signal, signal)
      signal.addEventListener('abort', () => reasons.push((request.params as { name: string }).name, signal.reason?.code ?? signal.reason?.name))
      reply.sse(new ReadableStream() as never, { commitAfter: 0, maxDuration: (request.params as { name: string }).name === 'duration' ? 30 : 60_000 })
    })
  })
  const client = await ask(served, '/client')
  client.leave()
  await eventually(() => reasons.length === 2)
  await (await ask(served, '/duration')).whole()
  await eventually(() => reasons.length === 4)
  await ask(served, '/shutdown')
  await served.app.close()
  t.strictSame(reasons.filter((_reason, i) => i % 2 === 0), ['client', 'duration', 'shutdown'])
  t.strictSame(reasons.slice(2).filter((_reason, i) => i % 2 === 1), ['SSE_ERR_MAX_DURATION', 'SSE_ERR_SHUTDOWN'])
})

t.test("a handler's own timeout fires the signal of a route without streams too", async t => {
  let isAborted = false
  const served = await serve(t, app => {
    app.get('/', { handlerTimeout: 20 }, async (request) => {
      request.signal.addEventListener('abort', () => { isAborted = true })
      await sleep(60)
      return 'late'
    })
  })
  t.equal((await ask(served, '/')).status, 503)
  t.equal(isAborted, true)
})
