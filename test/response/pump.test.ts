import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { EventStream, event } from '../../lib/index.ts'
import { type ItemEncoder, Pump, type PumpOwner } from '../../lib/response/pump.ts'
import { openIterator } from '../../lib/response/source.ts'
import { ask, errorLines, eventually, unhandledErrors, serve, standstill, summaries, turns } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }
const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }
const EVENT = 'x'.repeat(64 * 1024)

for (const http2 of [false, true]) {
  for (const isSync of [false, true]) {
    t.test(`a client that never reads pins a ${isSync ? 'sync' : 'async'} source${http2 ? ' over HTTP/2' : ''}`, async t => {
      let pulled = 0
      let isReturned = false
      function * sync () { try { for (;;) { pulled++; yield EVENT } } finally { isReturned = true } }
      async function * async () { yield * sync() }
      const served = await serve(t, app => {
        app.get('/', Text, (_request, reply) => { reply.sse(isSync ? sync() : async(), { heartbeat: 5 }) })
      }, { http2 })
      const answer = await ask(served, '/', { isReading: false })
      await eventually(() => pulled > 1)
      await standstill(() => pulled)
      // Kernel buffers of loopback take some MB; 1,000 events would be 64 MB.
      t.ok(pulled < 400, `${pulled} events pulled`)
      answer.leave()
      await eventually(() => isReturned)
      await eventually(() => summaries(served).length === 1)
      t.match(summaries(served), [{ reason: 'client' }])
      t.equal(served.app.sse.open, 0)
    })
  }
}

t.test('a stalled client that reads again gets everything, in order', async t => {
  let pulled = 0
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => {
      reply.sse((function * () { while (pulled < 500) yield `${pulled++} ${EVENT}` })())
    })
  })
  const answer = await ask(served, '/', { isReading: false })
  await standstill(() => pulled)
  answer.read()
  await answer.whole()
  t.strictSame(answer.events.map(({ data }) => Number.parseInt(data.slice(1))), Array.from({ length: 500 }, (_, i) => i))
})

for (const [name, source] of Object.entries<(pull: (i: number) => number) => unknown>({
  'a sync generator': function * (pull) { for (let i = 0; ; i++) yield pull(i) },
  'an async generator': async function * (pull) { for (let i = 0; ; i++) yield pull(i) },
  'a generator of items that are dropped': async function * (pull) { for (let i = 0; ; i++) yield String(pull(i)) },
  'a sync generator of items that are dropped': function * (pull) { for (let i = 0; ; i++) yield String(pull(i)) },
  'a generator of settled promises': function * (pull) { for (let i = 0; ; i++) yield Promise.resolve(pull(i)) }
})) {
  t.test(`${name} that is always ready starves no other request`, async t => {
    let pulled = 0
    let most = 0
    let turns = 0
    let isOver = false
    const pull = (i: number) => { most = Math.max(most, ++pulled); return i }
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => { reply.sse(source(pull) as never, { onInvalid: 'skip', commitAfter: 0 }) })
      app.get('/other', async () => 'ok')
    }, { fastify: { logger: false } })
    const flood = await ask(served, '/')
    const turn = () => { pulled = 0; turns++; if (!isOver) setImmediate(turn) }
    turn()
    for (let i = 0; i < 5; i++) t.equal(await (await ask(served, '/other')).whole(), 'ok')
    await eventually(() => turns > 20)
    isOver = true
    // An item counts for 32 characters and more of the 64 K of a turn, a dropped one for 1 K; two turns may meet in one.
    t.ok(most > 30 && most <= 2 * (name.includes('dropped') ? 64 : 2048), `at most ${most} items in a turn`)
    flood.leave()
  })
}

/** Iterators that do what no iterator should; each is told when its stream is over. */
const RUDE: Record<string, (signal: AbortSignal) => unknown> = {
  'throws in return()': () => ({
    [Symbol.asyncIterator]: () => ({ next: forever(), return () { throw new Error('rude') } })
  }),
  'rejects in return()': () => ({
    [Symbol.asyncIterator]: () => ({ next: forever(), return: async () => { throw new Error('rude') } })
  }),
  'throws in finally': () => (async function * () { try { for (;;) { yield 1; await turn() } } finally { await rejected() } })(),
  'never settles, and has no return()': () => ({ [Symbol.asyncIterator]: () => ({ next: forever() }) }),
  'yields after the abort': signal => ({
    [Symbol.asyncIterator]: () => ({ next: afterAbort(signal, () => ({ done: false, value: 2 })) })
  }),
  'ends after the abort': signal => ({
    [Symbol.asyncIterator]: () => ({ next: afterAbort(signal, () => ({ done: true, value: undefined })) })
  }),
  'throws after the abort': signal => ({
    [Symbol.asyncIterator]: () => ({ next: afterAbort(signal, () => { throw new Error('rude') }) })
  }),
  'yields a rejected promise after the abort': signal => ({
    [Symbol.asyncIterator]: () => ({ next: afterAbort(signal, () => ({ done: false, value: rejected() })) })
  }),
  'has yielded a promise that is rejected after the abort': signal => [1, new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => setImmediate(() => reject(new Error('rude'))))
  })],
  'has yielded a promise that is fulfilled after the abort': signal => [1, new Promise(resolve => {
    signal.addEventListener('abort', () => setImmediate(resolve, 2))
  })],
  'aborts itself by the signal': signal => (async function * () { yield 1; await once(signal, 'never', { signal }) })()
}

t.test('promises of an array that fail before their turn are no unhandled rejections', async t => {
  const seen = unhandledErrors(t)
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse([turn(1), rejected(), rejected()] as never) })
  })
  const answer = await ask(served, '/')
  t.equal(await answer.ended, 'broken')
  t.match(answer.events, [{ data: '1' }, { event: 'error' }])
  t.strictSame(seen, [])
})

function rejected () { return Promise.reject(new Error('rude')) }

function forever () {
  let n = 0
  return () => n++ === 0 ? Promise.resolve({ done: false, value: 1 }) : new Promise<never>(() => {})
}

function afterAbort (signal: AbortSignal, answer: () => unknown) {
  let n = 0
  return () => new Promise((resolve, reject) => {
    if (n++ === 0) return resolve({ done: false, value: 1 })
    signal.addEventListener('abort', () => setImmediate(() => {
      // The promise takes results as they are: one inside a result is not awaited.
      try { resolve(answer()) } catch (error) { reject(error) }
    }))
  })
}

for (const [name, source] of Object.entries(RUDE)) {
  t.test(`a source that ${name} harms nothing when its client leaves`, async t => {
    const seen = unhandledErrors(t)
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => { reply.sse(({ signal }) => source(signal) as never) })
    })
    const answer = await ask(served, '/')
    await answer.until('data: 1\n\n')
    answer.leave()
    await eventually(() => summaries(served).length === 1)
    t.match(summaries(served), [{ reason: 'client' }])
    await turns()
    t.strictSame(seen, [])
    t.strictSame(errorLines(served), [])
    t.equal(served.app.sse.open, 0)
    const isWarned = served.lines.some(line => line.level === 40 && line.err?.message === 'rude')
    t.equal(isWarned, / return\(\)$| finally$/.test(name) && !name.startsWith('never'))
  })
}

for (const [name, next] of Object.entries<() => unknown>({
  throws: () => { throw new Error('rude') },
  'gives undefined': () => undefined,
  'gives a promise of nothing': async () => undefined,
  'gives a rejected promise': () => rejected()
})) {
  for (const isSync of [false, true]) {
    if (isSync && name.includes('promise')) continue
    t.test(`a ${isSync ? 'sync' : 'async'} source whose next() ${name} after the headers is a failure`, async t => {
      const seen = unhandledErrors(t)
      let n = 0
      const iterator = { next: () => n++ === 0 ? { done: false, value: 1 } : next() }
      const served = await serve(t, app => {
        app.get('/', Numbers, (_request, reply) => {
          reply.sse({ [isSync ? Symbol.iterator : Symbol.asyncIterator]: () => iterator } as never)
        })
      })
      const answer = await ask(served, '/')
      t.equal(await answer.ended, 'broken')
      t.match(answer.events, [{ data: '1' }, { event: 'error' }])
      t.equal(errorLines(served).length, 1)
      t.strictSame(seen, [])
    })
  }
}

const SILENT: PumpOwner = { onReady () {}, onOutgoing: () => true, onEnd () {}, onError () {}, onInvalid: () => true }
const PLAIN: ItemEncoder = { frame (item, out) { out.text += String(item) } }

t.test('events of one turn leave in one write, a lone event in its own turn', async t => {
  const written: string[] = []
  const pump = new Pump(PLAIN, { ...SILENT, onOutgoing (out) { written.push(out.take()); return true } })
  let give = (_value: number) => {}
  pump.attach()
  pump.start(openIterator((async function * () {
    yield * [1, 2, 3]
    yield await new Promise<number>(resolve => { give = resolve })
    await new Promise(() => {})
  })()))
  await turn()
  t.strictSame(written, ['123'])
  give(4)
  await turn()
  t.strictSame(written, ['123', '4'])
  pump.stop(() => {})
})

t.test('comments are no events', async t => {
  const { comment } = await import('../../lib/index.ts')
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse([comment('hello'), event(1, { id: 0 })]) })
  })
  t.equal(await (await ask(served, '/')).whole(), ': hello\n\ndata: 1\nid: 0\n\n')
  await eventually(() => summaries(served).length === 1)
  t.match(summaries(served), [{ events: 1 }])
})

t.test('a source that is stopped within its own next() reports nothing any more', t => {
  for (const result of [{ done: true, value: undefined }, { done: false, value: 1 }, { done: false, value: 'bad' }]) {
    const reported: string[] = []
    const report = (what: string) => () => { reported.push(what); return true }
    const encoder: ItemEncoder = {
      frame (item, out) {
        if (item === 'bad') throw new Error('bad')
        out.text += String(item)
      }
    }
    const pump = new Pump(encoder, { onReady: report('ready'), onOutgoing: report('outgoing'), onEnd: report('end'), onError: report('error'), onInvalid: report('invalid') })
    let pulls = 0
    let returned = 0
    const iterator = {
      next () {
        pulls++
        pump.stop(report('failure'))
        return result
      },
      return: () => { returned++; return { done: true, value: undefined } }
    }
    pump.start({ isSync: true, iterator: iterator as Iterator<unknown> })
    t.strictSame({ reported, pulls, returned }, { reported: [], pulls: 1, returned: 1 }, JSON.stringify(result))
  }
  t.end()
})

t.test('text of any script leaves whole, in every write', async t => {
  const served = await serve(t, app => {
    app.get('/', Text, (_request, reply) => {
      reply.sse((async function * () { for (const text of ['a', 'b', 'caf\u00e9', '\u4f60\u597d', '\u{1f600}', 'z']) { yield text; await turn() } })())
    })
  })
  const answer = await ask(served, '/')
  await answer.whole()
  t.strictSame(answer.events.map(({ data }) => JSON.parse(data)), ['a', 'b', 'caf\u00e9', '\u4f60\u597d', '\u{1f600}', 'z'])
})
