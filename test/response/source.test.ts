import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { EventStream, event } from '../../lib/index.ts'
import { openIterator } from '../../lib/response/source.ts'
import { ask, eventually, unhandledErrors, serve, summaries } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }

function * syncNumbers () { yield * [1, 2, 3] }
async function * asyncNumbers () { yield * [1, 2, 3] }

const handwritten = {
  [Symbol.asyncIterator]: () => {
    let n = 0
    return { next: async () => ++n > 3 ? { done: true, value: undefined } : { done: false, value: n } }
  }
}

const handwrittenWithoutPromises = {
  [Symbol.asyncIterator]: () => {
    let n = 0
    return { next: () => ++n > 3 ? { done: true, value: undefined } : { done: false, value: n } }
  }
}

/** What some runtimes and polyfills give: no async iterator. */
function bareWebStream () {
  const reader = ReadableStream.from([1, 2, 3]).getReader()
  return { getReader: () => reader }
}

const SOURCES: Record<string, () => unknown> = {
  'an async generator': asyncNumbers,
  'a sync generator': syncNumbers,
  'an array': () => [1, 2, 3],
  'a set': () => new Set([1, 2, 3]),
  'an array of promises': () => [Promise.resolve(1), 2, Promise.resolve(3)],
  'a sync generator of promises': function * () { yield * [1, Promise.resolve(2), 3] },
  'an async iterable written by hand': () => handwritten,
  'an async iterable whose next() gives no promise': () => handwrittenWithoutPromises,
  'a Node Readable in object mode': () => Readable.from([1, 2, 3]),
  'a web ReadableStream': () => ReadableStream.from([1, 2, 3]),
  'a web ReadableStream that is not iterable': bareWebStream,
  'a function': () => () => asyncNumbers(),
  'an async function': () => async () => [1, 2, 3]
}

for (const [name, source] of Object.entries(SOURCES)) {
  t.test(`${name} is streamed`, async t => {
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => { reply.sse(source() as never) })
    })
    const answer = await ask(served, '/')
    t.equal(answer.status, 200)
    t.equal(await answer.whole(), 'data: 1\n\ndata: 2\n\ndata: 3\n\n')
    await eventually(() => summaries(served).length === 1)
    t.match(summaries(served), [{ reason: 'complete', events: 3, bytes: 27 }])
  })
}

t.test('a function is told the Last-Event-ID, as UTF-8, and the signal', async t => {
  const served = await serve(t, app => {
    app.get('/', (request, reply) => {
      reply.sse(({ lastEventId, signal }) => [event({ lastEventId, isSame: signal === request.signal })])
    })
  })
  const answer = await ask(served, '/', { headers: { 'Last-Event-ID': Buffer.from('ünï 7').toString('latin1') } })
  await answer.whole()
  t.strictSame(answer.events.map(({ data }) => JSON.parse(data)), [{ lastEventId: 'ünï 7', isSame: true }])
  for (const headers of [{}, { 'last-event-id': '' }]) t.equal(await (await ask(served, '/', { headers })).whole(), 'data: {"isSame":true}\n\n')
})

for (const [name, source] of Object.entries<unknown>({
  null: null,
  undefined,
  'a function of null': () => null,
  'an async function of undefined': async () => undefined
})) {
  t.test(`${name} answers 204, so that an EventSource stops`, async t => {
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => { reply.sse(source as never) })
    })
    const answer = await ask(served, '/')
    t.equal(answer.status, 204)
    t.equal(answer.headers['content-type'], undefined)
    t.equal(await answer.whole(), '')
    t.strictSame(summaries(served), [])
  })
}

t.test('a source function is awaited with the headers held back: null is a 204 and an error an HTTP error, however long it took', async t => {
  const given: Record<string, () => unknown> = {
    null: () => null,
    error: () => { throw Object.assign(new Error('mine'), { statusCode: 418 }) },
    source: () => [1]
  }
  const gates: Record<string, () => void> = {}
  const served = await serve(t, app => {
    app.get('/:name', Numbers, (request, reply) => {
      const { name } = request.params as { name: string }
      reply.sse(async () => {
        await new Promise<void>(resolve => { gates[name] = resolve })
        return given[name]!() as never
      }, { commitAfter: 0 })
    })
  })
  for (const [name, status] of [['null', 204], ['error', 418], ['source', 200]] as const) {
    let isAnswered = false
    const asking = ask(served, `/${name}`).finally(() => { isAnswered = true })
    await eventually(() => gates[name] !== undefined)
    await sleep(20)
    t.equal(isAnswered, false, name)
    gates[name]!()
    const answer = await asking
    t.equal(answer.status, status, name)
    await answer.whole()
  }
})

t.test('commitAfter starts when the source function has given its source', async t => {
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => {
      reply.sse(async () => {
        await sleep(250) // longer than commitAfter
        return (async function * () { await turn(); throw Object.assign(new Error('mine'), { statusCode: 418 }) })()
      }, { commitAfter: 200 })
    })
  })
  t.equal((await ask(served, '/')).status, 418)
})

for (const [name, source] of Object.entries<unknown>({
  'a string': 'abc',
  'a number': 7,
  'an object': { a: 1 },
  'an object without a prototype': Object.create(null),
  'a function of a string': () => 'abc',
  'an async function of an object': async () => ({}),
  bytes: Buffer.from('abc'),
  'an iterable whose iterator is nothing': { [Symbol.asyncIterator]: () => null },
  'an iterable whose iterator has no next()': { [Symbol.iterator]: () => ({}) },
  'an iterable whose iterator cannot be had': { [Symbol.iterator] () { throw new TypeError('no iterator') } }
})) {
  t.test(`${name} is refused before the headers`, async t => {
    const served = await serve(t, app => {
      app.get('/', Numbers, (_request, reply) => { reply.sse(source as never) })
    })
    const answer = await ask(served, '/')
    t.equal(answer.status, 500)
    t.match(answer.headers['content-type'], 'application/json')
    t.match(JSON.parse(await answer.whole()), name.includes('cannot') ? { message: 'no iterator' } : { code: 'SSE_ERR_SOURCE' })
  })
}

const MISTAKEN: Record<string, [unknown, RegExp]> = {
  'an event': [event(1), /got an object of class Message \(a single event goes into an array: `\[event\]`\)$/],
  'an object of fields': [{ data: 1 }, /got an object of class Object \(a single event goes into an array: `\[event\]`\)$/],
  'a string': ['abc', /got a string \(a single event goes into an array: `\[event\]`\)$/],
  'an EventEmitter': [new EventEmitter(), /got an object of class EventEmitter \(for an EventEmitter, write `on\(emitter, name, \{ signal \}\)` of node:events\)$/],
  'an Observable': [{ subscribe: () => {} }, /got an object of class Object \(what calls back, such as an Observable, goes into a `ReadableStream`: see docs\/recipes\.md\)$/],
  'an EventTarget': [new EventTarget(), /got an object of class EventTarget \(what calls back, such as an Observable, goes into a `ReadableStream`: see docs\/recipes\.md\)$/],
  bytes: [Buffer.from('abc'), /got an object of class Buffer$/]
}

for (const [name, [source, message]] of Object.entries(MISTAKEN)) {
  t.test(`the message about ${name} says what to write instead`, async t => {
    t.throws(() => openIterator(source), { code: 'SSE_ERR_SOURCE', message })
  })
}

t.test('a promise is no source: its failure is nobody\'s, and its stream is let go', async t => {
  const seen = unhandledErrors(t)
  let cancelled = 0
  const promises: Record<string, () => Promise<unknown>> = {
    rejected: async () => { throw new Error('mine') },
    fulfilled: async () => new ReadableStream({ cancel () { cancelled++ } })
  }
  const served = await serve(t, app => {
    app.get('/:name', Numbers, (request, reply) => { reply.sse(promises[(request.params as { name: string }).name]!() as never) })
  })
  for (const name of Object.keys(promises)) {
    const answer = await ask(served, `/${name}`)
    t.equal(answer.status, 500)
    t.match(JSON.parse(await answer.whole()), { code: 'SSE_ERR_SOURCE', message: /got a promise \(await it, or give an async function\)/ })
    t.equal((await ask(served, `/${name}`, { method: 'HEAD' })).status, 200)
  }
  await eventually(() => cancelled === 2)
  t.strictSame(seen, [])
})

t.test('a source is let go where reply.sse throws', async t => {
  let cancelled = 0
  const source = () => new ReadableStream<number>({ cancel () { cancelled++ } })
  const served = await serve(t, app => {
    app.get('/options', Numbers, (_request, reply) => { reply.sse(source(), { retry: -1 }) })
    app.get('/contract', Numbers, (_request, reply) => { reply.code(201 as never).sse(source()) })
    app.get('/twice', Numbers, (_request, reply) => {
      reply.sse([1])
      t.throws(() => reply.sse(source()), { code: 'SSE_ERR_ALREADY_SENT' })
    })
  })
  for (const [path, status] of [['/options', 500], ['/contract', 500], ['/twice', 200]] as const) t.equal((await ask(served, path)).status, status, path)
  await eventually(() => cancelled === 3)
})

t.test('a locked web ReadableStream is refused, and left to its owner', async t => {
  const stream = ReadableStream.from([1])
  const reader = stream.getReader()
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse(stream) })
  })
  t.equal((await ask(served, '/')).status, 500)
  t.equal((await ask(served, '/', { method: 'HEAD' })).status, 200)
  t.strictSame(await reader.read(), { done: false, value: 1 })
})

for (const [name, source] of Object.entries<() => unknown>({
  'a Node Readable of bytes': () => Readable.from([Buffer.from('one')], { objectMode: false }),
  'a web ReadableStream of bytes': () => new Blob(['one']).stream()
})) {
  t.test(`${name} is a coded error, never silence`, async t => {
    const served = await serve(t, app => {
      app.get('/plain', (_request, reply) => { reply.sse(source() as never) })
      app.get('/any', { schema: { response: { 200: EventStream({}) } } }, (_request, reply) => { reply.sse(source() as never) })
      app.get('/text', { schema: { response: { 200: EventStream({ type: 'string' }) } } }, (_request, reply) => { reply.sse(source() as never) })
    })
    for (const path of ['/plain', '/any', '/text']) {
      const answer = await ask(served, path)
      t.equal(answer.status, 500, path)
      t.match(JSON.parse(await answer.whole()), { code: 'SSE_ERR_PAYLOAD' }, path)
    }
  })
}

t.test('a source that waits for its first bytes when the client leaves is let go', async t => {
  const cancelled: string[] = []
  const idle: Record<string, () => unknown> = {
    readable: () => new Readable({
      objectMode: true,
      read () {},
      destroy (_error, callback) { cancelled.push('readable'); callback(null) }
    }),
    web: () => new ReadableStream({ cancel () { cancelled.push('web') } })
  }
  const served = await serve(t, app => {
    app.get('/:kind', Numbers, (request, reply) => { reply.sse(idle[(request.params as { kind: string }).kind]!() as never, { commitAfter: 0 }) })
  })
  for (const kind of Object.keys(idle)) {
    const answer = await ask(served, `/${kind}`)
    answer.leave()
    await eventually(() => cancelled.includes(kind), `${kind} is cancelled`)
  }
  t.strictSame(cancelled, ['readable', 'web'])
})
