import t from 'tap'
import { EventStream, type SseOptions } from '../../lib/index.ts'
import { ask, errorLines, eventually, unhandledErrors, serve, standstill, summaries, turns } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }
const BIG = 'x'.repeat(64 * 1024)

for (const http2 of [false, true]) {
  for (const [reason, options] of Object.entries<SseOptions>({ error: {}, maxDuration: { maxDuration: 500 } })) {
    t.test(`a stalled client is cut when its stream is over (${reason})${http2 ? ', over HTTP/2' : ''}`, async t => {
      const seen = unhandledErrors(t)
      let pulled = 0
      const served = await serve(t, app => {
        app.get('/', Text, async (_request, reply) => {
          reply.sse((function * () { for (;;) { pulled++; yield BIG } })(), options)
          await standstill(() => pulled)
          if (reason === 'error') throw new Error('mine')
        })
      }, { http2, sse: { shutdownGrace: 50 } })
      const answer = await ask(served, '/', { isReading: false })
      await eventually(() => served.app.sse.open === 1)
      await eventually(() => served.app.sse.open === 0, 'it is cut')
      t.strictSame(summaries(served).map(summary => summary.reason), [reason])
      t.equal(errorLines(served).length, reason === 'error' ? 1 : 0)
      answer.read()
      t.equal(await answer.ended, 'broken')
      t.strictSame(seen, [])
    })
  }
}

t.test('a client that still reads what a failed stream had sent gets all of it', async t => {
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => {
      reply.sse((async function * () { yield BIG; yield BIG; throw new Error('mine') })())
    })
  }, { sse: { shutdownGrace: 10_000 } })
  const answer = await ask(served, '/', { isReading: false })
  await eventually(() => errorLines(served).length === 1)
  await turns()
  answer.read()
  t.equal(await answer.ended, 'broken')
  t.strictSame(answer.events.map(({ event }) => event), [undefined, undefined, 'error'])
})
