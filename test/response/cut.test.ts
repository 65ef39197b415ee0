// Streams that the server cuts short, by close() or maxDuration: they end well only if the client can tell that there is more.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { checkpoint, comment, event, EventStream, type SseOptions } from '../../lib/index.ts'
import { ask, errorLines, eventually, serve, summaries } from '../helpers/serve.ts'

const Numbers = EventStream({ type: 'number' })
const Done = EventStream({ type: 'number' }, { sentinel: '[DONE]' })

const STREAMS: Array<{ what: string, items: unknown[], contract?: object, how: 'end' | 'broken' }> = [
  { what: 'no event', items: [comment('hello')], how: 'broken' },
  { what: 'events without ids', items: [1, 2], how: 'broken' },
  { what: 'an id that is not on the last event', items: [event(1, { id: 1 }), 2], how: 'broken' },
  { what: 'an id on the last event', items: [1, event(2, { id: 2 })], how: 'end' },
  { what: 'a comment after the last id', items: [event(1, { id: 1 }), comment('hello')], how: 'end' },
  { what: 'a checkpoint', items: [1, checkpoint({ id: 1 })], how: 'end' },
  { what: 'a sentinel', items: [1], contract: Done, how: 'end' }
]

for (const http2 of [false, true]) {
  for (const by of ['close()', 'maxDuration', 'the source, by its signal', 'the source, after its signal']) {
    t.test(`cut short by ${by}${http2 ? ', over HTTP/2' : ''}`, async t => {
      const isDuration = by === 'maxDuration'
      const options: SseOptions = isDuration ? { maxDuration: 50 } : {}
      const served = await serve(t, app => {
        for (const [i, { items, contract = Numbers }] of STREAMS.entries()) {
          app.get(`/${i}`, { schema: { response: { 200: contract } } }, (request, reply) => {
            const { signal } = request
            reply.sse((async function * () {
              yield * items
              if (by === 'the source, by its signal') await once(signal, 'never', { signal })
              else if (by === 'the source, after its signal') await once(signal, 'abort')
              else await new Promise(() => {})
            })() as never, options)
          })
        }
      }, { http2, sse: { shutdownGrace: by.startsWith('the source') ? 60_000 : 20 } })
      const answers = await Promise.all(STREAMS.map((_, i) => ask(served, `/${i}`)))
      for (const [i, { items }] of STREAMS.entries()) {
        if (typeof items.at(-1) === 'number') await answers[i]!.until(String(items.at(-1)))
      }
      if (!isDuration) await served.app.close()
      for (const [i, { what, how }] of STREAMS.entries()) {
        t.equal(await answers[i]!.ended, how, what)
        t.notMatch(answers[i]!.text, /DONE|event: error/, what)
      }
      await eventually(() => summaries(served).length === STREAMS.length)
      t.ok(summaries(served).every(({ reason }) => reason === (isDuration ? 'maxDuration' : 'shutdown')))
      t.strictSame(errorLines(served), [])
    })
  }

  t.test(`a source that nobody told of the shutdown, and that ends within its grace, is complete${http2 ? ', over HTTP/2' : ''}`, async t => {
    let isClosing = false
    const served = await serve(t, app => {
      const source = async function * () { yield 1; await eventually(() => isClosing); await sleep(5); yield 2 }
      app.get('/', { schema: { response: { 200: Numbers } } }, (_request, reply) => { reply.sse(source()) })
      app.get('/done', { schema: { response: { 200: Done } } }, (_request, reply) => { reply.sse(source()) })
    }, { http2, sse: { shutdownGrace: 60_000 } })
    const answers = [await ask(served, '/'), await ask(served, '/done')]
    for (const answer of answers) await answer.until('data: 1')
    const closing = served.app.close()
    isClosing = true
    await closing
    t.equal(await answers[0]!.whole(), 'data: 1\n\ndata: 2\n\n')
    t.equal(await answers[1]!.whole(), 'data: 1\n\ndata: 2\n\ndata: [DONE]\n\n')
    t.strictSame(summaries(served).map(({ reason }) => reason), ['complete', 'complete'])
  })
}
