import { setTimeout as sleep } from 'node:timers/promises'
import { type FastifyInstance } from 'fastify'
import t from 'tap'
import { type Proxy, PROXIES, programOf, startProxy } from '../helpers/proxies.ts'
import { ask, type Served, serve } from '../helpers/serve.ts'

// What the proxies of Debian make of a stream. The figures are printed; docs/deployment.md has them as a table.

/** A silence that no proxy bridges by joining writes, ms. */
const BEAT = 100

/** What is waited for a client's leaving to be noticed: later it counts as never. */
const BEATS_AT_MOST = 30

async function origin (t: { teardown (fn: () => unknown): void }, proxy: Proxy): Promise<Served & { left: Promise<number> }> {
  let tell: (beats: number) => void
  const left = new Promise<number>(resolve => { tell = resolve })
  const served = await serve(t, (app: FastifyInstance) => {
    app.get('/well', (_request, reply) => reply.sse(['a', 'b']))
    app.get('/fails', (_request, reply) => reply.sse((async function * () {
      yield 'a'
      await sleep(BEAT)
      throw new Error('late')
    })()))
    app.get('/ticks', (_request, reply) => reply.sse((async function * () {
      for (let n = 0; n < 10; n++) {
        yield { n, at: performance.now() }
        await sleep(BEAT)
      }
    })()))
    app.get('/quiet', (request, reply) => reply.sse((async function * () {
      request.signal.addEventListener('abort', () => tell((performance.now() - startedAt) / BEAT))
      yield 'a'
      const startedAt = performance.now()
      await sleep(BEATS_AT_MOST * BEAT, undefined, { signal: request.signal })
      tell(Infinity)
    })()))
  }, { sse: { heartbeat: BEAT }, http2: proxy.isHttp2 ?? false })
  return { ...served, left }
}

/** How late each of ten events arrives, ms. */
async function delaysOf (url: string, onEncoding: (encoding: string | null) => void): Promise<number[]> {
  const response = await fetch(url, { headers: { 'accept-encoding': 'gzip' } })
  onEncoding(response.headers.get('content-encoding'))
  const delays: number[] = []
  let text = ''
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk as Uint8Array).toString()
    for (let found; (found = /^data: (.*)\n\n/m.exec(text)) !== null; text = text.slice(found.index + found[0].length)) {
      delays.push(performance.now() - JSON.parse(found[1]!).at)
    }
  }
  return delays
}

for (const proxy of PROXIES) {
  const missing = programOf(proxy) === undefined && `${proxy.program} is not installed: apt-get install ${proxy.packages}`
  // In CI the ones that it installs have to be there.
  const isOptional = !['nginx', 'haproxy'].includes(proxy.program)
  t.test(proxy.name, { skip: process.env.CI === 'true' && !isOptional ? false : missing }, async t => {
    const { left, ...upstream } = await origin(t, proxy)
    const served = { ...upstream, isHttp2: false, port: await startProxy(t, proxy, upstream.port) }

    const well = await ask(served, '/well')
    t.equal(await well.ended, 'end', 'a good end arrives as one')
    t.equal(well.events.length, 2)

    const failing = await ask(served, '/fails')
    t.equal(await failing.ended, proxy.hidesFailures ? 'end' : 'broken', 'a failure does not look like a good end, unless the proxy makes one of it')
    if (proxy.mayDropLast !== true) t.match(failing.text, 'event: error', 'the error event arrives before the cut')

    const delays = await delaysOf(`http://127.0.0.1:${served.port}/ticks`, encoding => t.equal(encoding, proxy.isCompressing ? 'gzip' : null))

    const quiet = await ask(served, '/quiet')
    await quiet.until('"a"')
    quiet.leave()
    const beats = await left
    t.equal(delays.length, 10)
    t.ok(Number.isFinite(beats), 'a client that left is noticed')
    t.comment(`${proxy.name}: delays of events ${delays.map(delay => delay.toFixed(0)).join(' ')} ms; a client that left is noticed after ${beats.toFixed(1)} heartbeats`)
  })
}
