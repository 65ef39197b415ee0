// How runs end when their source, their store or their log does not let them end well.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Type } from '@sinclair/typebox'
import t, { type Test } from 'tap'
import { EventStream } from '../../lib/index.ts'
import { type Store } from '../../lib/log/store.ts'
import { type Writer } from '../../lib/log/writer.ts'
import { type RunEvent } from '../../lib/plugin/app-logs.ts'
import { MemoryStore } from '../../lib/store/memory.ts'
import { Producer, type ProducerHost, type ProducerSummary, type RunLimits } from '../../lib/topic/producer.ts'
import { type Records } from '../../lib/topic/records.ts'
import { SharedStore } from '../helpers/logs.ts'
import { ask, eventually, serve, turns } from '../helpers/serve.ts'

const Numbers = EventStream(Type.Integer())

/** A run, and routes that read it in every way. */
async function serveRun (t: Test, store: Store = new MemoryStore()) {
  const served = await serve(t, app => {
    const run = app.sse.run('r', Numbers).of('a')
    const schema = { response: { 200: Numbers } }
    app.get('/plain', { schema }, (_request, reply) => reply.sse(run))
    app.get('/filtered', { schema }, (_request, reply) => reply.sse(run, { filter: () => true }))
    app.get('/quiet', { schema }, (_request, reply) => reply.sse(run, { errorEvent: false }))
    app.get('/own', { schema }, (_request, reply) => reply.sse(run, { errorEvent: () => 0 }))
  }, { sse: { store } })
  const ended: RunEvent[] = []
  const listener = (event: unknown) => { ended.push(event as RunEvent) }
  subscribe('tracing:fastify-typed-sse:run:end', listener)
  t.teardown(() => { unsubscribe('tracing:fastify-typed-sse:run:end', listener) })
  return { served, run: served.app.sse.run('r', Numbers).of('a'), ended }
}

t.test('the status of a run that failed has what its readers are told', async t => {
  const { run, served } = await serveRun(t)
  await run.start(() => { throw new Error('a secret') })
  await t.rejects(run.messages().next(), { message: 'Internal Server Error', statusCode: 500 })
  t.strictSame((await run.status()).error, { statusCode: 500, message: 'Internal Server Error' })
  const answer = await ask(served, '/own')
  t.equal(await answer.ended, 'broken')
  t.match(answer.events, [{ event: undefined, data: '0', id: /^\S+$/ }])
})

t.test('an iterator whose return() throws does not keep a run from stopping, and what it gives afterwards is not taken', async t => {
  const { run } = await serveRun(t)
  let signal: AbortSignal | undefined
  let give = (_result: IteratorResult<number>) => {}
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<number>>(resolve => { give = resolve }),
      return (): never { throw new Error('not now') }
    })
  }
  await run.start(context => {
    signal = context.signal
    return source
  })
  await eventually(() => signal !== undefined)
  t.equal(await run.stop(), true)
  t.match(signal!.reason, { code: 'SSE_ERR_STOPPED' })
  const { lastEventId, ...status } = await run.status()
  t.match(status, { state: 'stopped' })
  give({ done: false, value: 1 })
  await turns()
  t.equal((await run.status()).lastEventId, lastEventId)
})

for (const [how, finish] of [['ends', () => {}], ['fails', () => { throw new Error('mine') }]] as const) {
  t.test(`a run that ${how} while its store is down is lost`, async t => {
    const store = new SharedStore(new MemoryStore({ appendTimeout: 100 }))
    const { run, ended } = await serveRun(t, store)
    let end = () => {}
    await run.start(async function * () {
      yield 1
      await new Promise<void>(resolve => { end = resolve })
      finish()
    })
    for await (const { data } of run.messages()) if (data === 1) break
    store.isDown = true
    end()
    await eventually(() => ended.length === 1)
    store.isDown = false
    t.match(ended, [{ summary: { state: 'lost', events: 1, error: how === 'fails' ? { message: 'mine' } : Error } }])
  })
}

t.test('a run whose writer was fenced before it began is over at once', async t => {
  const ended: ProducerSummary[] = []
  const writer = { signal: AbortSignal.abort(new Error('fenced')) } as Writer
  const host: ProducerHost = { open: () => [].values(), drops: () => false, describe: () => { throw new Error('not asked') }, ended: summary => { ended.push(summary) } }
  const producer = new Producer(writer, {} as Records, { maxEvents: 1, maxBytes: 1 } as RunLimits, host)
  await producer.done
  t.match(ended, [{ state: 'lost', error: { message: 'fenced' } }])
  t.match(producer.signal.reason, { message: 'fenced' })
})

t.test('readers of a deleted run get SSE_ERR_LOST; readers of one that nobody started get SSE_ERR_RUN_NOT_FOUND', async t => {
  const { run, served } = await serveRun(t)
  const none = t.rejects(served.app.sse.run('r', Numbers).of('b').messages().next(), { code: 'SSE_ERR_RUN_NOT_FOUND', message: /^The run 'r' of 'b' was never started/ })
  const writer = await run.open()
  await writer.append(1)
  const answers = await Promise.all(['/plain', '/filtered', '/quiet'].map(async path => ask(served, path)))
  await Promise.all(answers.map(async answer => answer.until('data: 1')))
  const messages = run.messages()
  await messages.next()
  const lost = t.rejects(messages.next(), { code: 'SSE_ERR_LOST', message: "The producer of the run 'r' of 'a' was lost before the run ended" })
  await run.delete()
  for (const answer of answers) t.equal(await answer.ended, 'broken')
  t.match(answers.map(({ events }) => events.slice(1)), [[{ event: 'error', data: /SSE_ERR_LOST/ }], [{ event: 'error', data: /SSE_ERR_LOST/ }], []])
  await lost
  await none
})
