// The second way into a session: a feed, here one that the test holds in its hands, in place of a log.
import http from 'node:http'
import { type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import compress from '@fastify/compress'
import t, { type Test } from 'tap'
import { EventStream, type SseOptions } from '../../lib/index.ts'
import { type Feed, type FeedSink, type Following } from '../../lib/response/feed.ts'
import { Frames } from '../../lib/wire/frames.ts'
import { type Answer, ask, errorLines, eventually, unhandledErrors, serve, type Served, summaries } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }

const frame = (n: number, size = 0) => Frames.of(`data: ${String(n).padStart(size, '0')}\nid: ${n}\n\n`, 1)

/** One reader's place; what it is given goes out as a channel of a log would send it. */
class Reader implements Following {
  isBlocked = false
  lastAt = 0
  firstAt = 0
  events = 0
  bytes = 0
  resumed = 0
  isStopped = false
  readonly sink: FeedSink
  #waiting: Frames[] = []

  constructor (sink: FeedSink) {
    this.sink = sink
  }

  push (frames: Frames): void {
    if (this.isStopped) throw new Error('written to after its end')
    if (this.isBlocked) {
      this.#waiting.push(frames)
      return
    }
    this.lastAt = performance.now()
    this.firstAt ||= this.lastAt
    this.events += frames.events
    this.bytes += frames.byteLength
    const { direct } = this.sink
    this.isBlocked = !(direct === null ? this.sink.writeFrames(frames) : direct.write(frames.chunk))
    if (this.isBlocked && direct !== null) this.sink.onBlocked()
  }

  resume (): void {
    this.resumed++
    this.isBlocked = false
    for (const frames of this.#waiting.splice(0)) this.push(frames)
  }

  stop (): void {
    this.isStopped = true
  }
}

class TestFeed implements Feed {
  readers: Reader[] = []
  readonly onFollow: (reader: Reader) => void

  constructor (onFollow: (reader: Reader) => void = () => {}) {
    this.onFollow = onFollow
  }

  follow (sink: FeedSink): Following {
    const reader = new Reader(sink)
    this.readers.push(reader)
    this.onFollow(reader)
    return reader
  }

  get reader (): Reader {
    return this.readers.at(-1)!
  }
}

interface Way {
  http2?: boolean
  /** Whether chunks are written to the socket itself. */
  isDirect: boolean
  plugins?: (app: Served['app']) => unknown
  ask: (served: Served, path: string) => Promise<Pick<Answer, 'until' | 'whole' | 'ended' | 'leave'>>
}

const WAYS: Record<string, Way> = {
  'HTTP/1.1': { isDirect: true, ask },
  'HTTP/2': { http2: true, isDirect: false, ask },
  'a patched response': {
    isDirect: false,
    plugins: app => app.addHook('onRequest', async (_request, { raw }) => { raw.write = raw.write.bind(raw) as typeof raw.write }),
    ask
  }
}

async function feeding (t: Test, way: Way, feed: () => unknown, options: SseOptions = {}): Promise<Served> {
  return await serve(t, async app => {
    await way.plugins?.(app)
    app.get('/', Numbers, (_request, reply) => { reply.sse(feed as never, options) })
  }, { http2: way.http2 ?? false })
}

for (const [name, way] of Object.entries(WAYS)) {
  t.test(`a feed over ${name}: headers at once, then what it writes, then its end`, async t => {
    const seen = unhandledErrors(t)
    const feed = new TestFeed()
    const served = await feeding(t, way, () => feed, { commitAfter: Infinity, retry: 7 })
    const answer = await way.ask(served, '/')
    await answer.until('retry: 7\n\n')
    t.equal(feed.reader.sink.direct !== null, way.isDirect)
    feed.reader.push(frame(1))
    await answer.until('id: 1')
    feed.reader.push(Frames.join([frame(2), frame(3)]))
    feed.reader.sink.end(Frames.of('data: [DONE]\nid: 4\n\n', 0), true)
    t.equal(await answer.whole(), 'retry: 7\n\ndata: 1\nid: 1\n\ndata: 2\nid: 2\n\ndata: 3\nid: 3\n\ndata: [DONE]\nid: 4\n\n')
    await eventually(() => summaries(served).length === 1)
    const [summary] = summaries(served)
    t.match(summary, { reason: 'complete', events: 3, bytes: 10 + 45 + 20 })
    t.ok(summary!.firstEvent! > 0)
    t.equal(feed.reader.isStopped, true)
    t.strictSame(seen, [])
  })

  t.test(`a feed over ${name} that ends badly, or fails, breaks the response off`, async t => {
    const feed = new TestFeed()
    const served = await feeding(t, way, () => feed)
    const bad = await way.ask(served, '/')
    feed.reader.push(frame(1))
    feed.reader.sink.end(Frames.of('event: error\ndata: {}\nid: 2\n\n', 0), false)
    t.equal(await bad.ended, 'broken')
    await bad.until('data: 1\nid: 1\n\nevent: error\ndata: {}\nid: 2\n\n')
    t.strictSame(errorLines(served), [], 'the end of a run is no failure of its readers')
    const failed = await way.ask(served, '/')
    feed.reader.sink.fail(Object.assign(new Error('mine'), { statusCode: 418 }))
    t.equal(await failed.ended, 'broken')
    await failed.until('"statusCode":418')
    await eventually(() => summaries(served).length === 2)
    t.strictSame(summaries(served).map(({ reason }) => reason), ['error', 'error'])
    t.match(errorLines(served), [{ msg: 'stream failed', err: { message: 'mine' } }])
    t.ok(feed.readers.every(({ isStopped }) => isStopped))
  })

  t.test(`a feed over ${name} is stopped when its client leaves`, async t => {
    const feed = new TestFeed()
    const served = await feeding(t, way, () => feed)
    const answer = await way.ask(served, '/')
    feed.reader.push(frame(1))
    await answer.until('id: 1')
    answer.leave()
    await eventually(() => feed.reader.isStopped)
    await eventually(() => summaries(served).length === 1)
    t.match(summaries(served), [{ reason: 'client', events: 1 }])
  })

  t.test(`a feed over ${name} waits for a client that does not read, and goes on when it does`, async t => {
    const feed = new TestFeed()
    const served = await feeding(t, way, () => feed, { heartbeat: 5 })
    const answer = await ask(served, '/', { isReading: false })
    let n = 0
    // Buffers of the kernel drain at first.
    let turns = 0
    await eventually(() => {
      if (!feed.reader.isBlocked) {
        feed.reader.push(frame(++n, 64 * 1024))
        turns = 0
      }
      return ++turns > 100
    })
    feed.reader.push(frame(++n))
    const { resumed } = feed.reader
    answer.read()
    await answer.until(`id: ${n}\n\n`)
    t.ok(feed.reader.resumed > resumed)
    feed.reader.sink.end(null, true)
    await answer.whole()
    t.strictSame(answer.events.map(({ id }) => Number(id)), Array.from({ length: n }, (_, i) => i + 1))
  })

  t.test(`close() and maxDuration end a feed over ${name} well: its reader can resume`, async t => {
    const feed = new TestFeed()
    const served = await feeding(t, way, () => feed, { shutdownGrace: 60_000 })
    const answer = await way.ask(served, '/')
    feed.reader.push(frame(1))
    await answer.until('id: 1')
    await served.app.close()
    t.equal(await answer.whole(), 'data: 1\nid: 1\n\n')
    t.match(summaries(served), [{ reason: 'shutdown', events: 1 }])
    const short = await feeding(t, way, () => feed, { maxDuration: 20 })
    t.equal(await (await way.ask(short, '/')).whole(), '')
    await eventually(() => summaries(short).length === 1)
    t.match(summaries(short), [{ reason: 'maxDuration', events: 0 }])
  })
}

t.test('headers leave in one write with frames of the same turn, and by themselves where a feed is silent', async t => {
  const feed = new TestFeed(reader => { Promise.resolve().then(() => reader.push(frame(1))).catch(t.fail) })
  const silent = new TestFeed()
  const writes: string[] = []
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse((() => feed) as never) })
    app.get('/silent', Numbers, (_request, reply) => { reply.sse((() => silent) as never) })
    app.server.on('connection', socket => {
      const writev = socket._writev!
      socket._writev = (chunks, callback) => {
        writes.push(chunks.map(({ chunk }) => String(chunk)).join(''))
        writev.call(socket, chunks, callback)
      }
    })
  })
  const answer = await ask(served, '/')
  await answer.until('id: 1')
  t.equal(writes.length, 1)
  t.match(writes[0], /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nf\r\ndata: 1\nid: 1\n\n\r\n$/)
  t.equal((await ask(served, '/silent')).status, 200)
})

t.test('a feed that ends before its headers have left ends in chunks', async t => {
  const feed = new TestFeed(reader => { Promise.resolve().then(() => reader.sink.end(null, true)).catch(t.fail) })
  const served = await serve(t, app => {
    app.get('/', Numbers, (_request, reply) => { reply.sse((() => feed) as never) })
  })
  const answer = await ask(served, '/')
  t.equal(answer.headers['transfer-encoding'], 'chunked')
  t.equal(await answer.whole(), '')
})

t.test('a feed through a compressor', async t => {
  const feed = new TestFeed()
  const served = await serve(t, async app => {
    await app.register(compress, { global: true, threshold: 0, customTypes: /event-stream/, encodings: ['gzip'], zlibOptions: { flush: 2 } })
    app.get('/', Numbers, (_request, reply) => { reply.sse((() => feed) as never) })
  })
  const request = http.get({ host: '127.0.0.1', port: served.port, headers: { 'accept-encoding': 'gzip' }, agent: false })
  request.on('error', () => {})
  const text = new Promise<string>((resolve, reject) => request.on('response', response => {
    response.pipe(createGunzip()).setEncoding('utf8').toArray().then(chunks => resolve(chunks.join('')), reject)
  }))
  await eventually(() => feed.readers.length === 1)
  t.equal(feed.reader.sink.direct, null)
  let n = 0
  await eventually(() => { if (!feed.reader.isBlocked) feed.reader.push(frame(++n, 1024)); return feed.reader.resumed > 0 })
  feed.reader.sink.end(null, true)
  t.equal((await text).match(/^id: /gm)?.length, n)
  await eventually(() => summaries(served).length === 1)
  t.match(summaries(served), [{ reason: 'complete', events: n }])
})

t.test('a feed to inject', async t => {
  const feed = new TestFeed(reader => {
    reader.push(frame(1))
    reader.sink.end(Frames.of(':\n\n', 0), true)
  })
  const served = await feeding(t, { isDirect: false, ask }, () => feed)
  t.equal((await served.app.inject('/')).body, 'data: 1\nid: 1\n\n:\n\n')
  t.equal(feed.reader.isStopped, true, 'though it ended before it was followed')
  const endless = new TestFeed()
  const other = await feeding(t, { isDirect: false, ask }, () => endless)
  const answer = await other.app.inject({ url: '/', payloadAsStream: true })
  const body = answer.stream() as Readable
  endless.reader.push(frame(1))
  const [chunk] = await body.take(1).toArray() as [Buffer]
  t.equal(String(chunk), 'data: 1\nid: 1\n\n')
})

t.test('a function may take its time for a feed, and then says null, throws, or gives it', async t => {
  const feed = new TestFeed()
  const given: Record<string, () => unknown> = {
    '/null': () => null,
    '/throws': () => { throw Object.assign(new Error('no such run'), { statusCode: 404 }) },
    '/feed': () => feed
  }
  const served = await serve(t, app => {
    for (const [path, give] of Object.entries(given)) {
      app.get(path, Numbers, (_request, reply) => { reply.sse((async () => { await new Promise(resolve => setTimeout(resolve, 20)); return give() }) as never, { commitAfter: 0 }) })
    }
  })
  t.equal((await ask(served, '/null')).status, 204)
  t.equal((await ask(served, '/throws')).status, 404)
  const answer = await ask(served, '/feed')
  t.equal(answer.status, 200)
  feed.reader.sink.end(frame(1), true)
  t.equal(await answer.whole(), 'data: 1\nid: 1\n\n')
})

t.test('a feed that is silent gets heartbeats, and may say something else in their place', async t => {
  const feed = new TestFeed()
  const served = await feeding(t, { isDirect: true, ask }, () => feed, { heartbeat: 20 })
  const answer = await ask(served, '/')
  await answer.until(':\n\n:\n\n')
  Object.assign(feed.reader, { beat: () => frame(9) })
  await answer.until('id: 9')
  Object.assign(feed.reader, { beat: () => null })
  const { length } = answer.text
  await eventually(() => answer.text.slice(length).includes(':\n\n:\n\n'))
  answer.leave()
})

t.test('handlerTimeout does not bound how long a feed may be silent', async t => {
  const feed = new TestFeed()
  const served = await serve(t, app => {
    app.get('/', { ...Numbers, handlerTimeout: 50 }, (_request, reply) => { reply.sse((() => feed) as never, { heartbeat: 20 }) })
  })
  const answer = await ask(served, '/')
  await answer.until(':\n\n'.repeat(5))
  feed.reader.sink.end(frame(1), true)
  t.match(await answer.whole(), /id: 1\n\n$/)
})
