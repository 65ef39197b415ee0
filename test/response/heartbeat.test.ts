import t from 'tap'
import { EventStream } from '../../lib/index.ts'
import { type HeartbeatTarget, Heartbeats } from '../../lib/response/heartbeat.ts'
import { ask, eventually, serve, standstill, summaries, turns } from '../helpers/serve.ts'

const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }

function timers (): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

t.test('an idle stream beats; one that speaks does not', async t => {
  let go = () => {}
  const served = await serve(t, app => {
    app.get('/idle', Text, (_request, reply) => { reply.sse((async function * () { yield 'a'; await new Promise(() => {}) })(), { heartbeat: 30 }) })
    app.get('/speaks', Text, (_request, reply) => {
      reply.sse((async function * () { for (let i = 0; i < 20; i++) { yield 'a'; await turns() } })(), { heartbeat: 5000 })
    })
    app.get('/off', Text, (_request, reply) => {
      reply.sse((async function * () { yield 'a'; await new Promise<void>(resolve => { go = resolve }); yield 'b' })(), { heartbeat: false })
    })
  })
  const off = await ask(served, '/off')
  const idle = await ask(served, '/idle')
  t.match(await idle.until(':\n\n:\n\n'), /^data: "a"\n\n:\n\n:\n\n/)
  idle.leave()
  go()
  t.equal(await off.whole(), 'data: "a"\n\ndata: "b"\n\n')
  t.notMatch(await (await ask(served, '/speaks')).whole(), /^:/m)
})

t.test('no heartbeat goes out before the headers, nor into a full socket', async t => {
  let go = () => {}
  let pulled = 0
  let isOver = false
  const served = await serve(t, app => {
    app.get('/before', Text, (_request, reply) => {
      reply.sse((async function * () { await new Promise<void>(resolve => { go = resolve }); yield 'a' })(), { heartbeat: 20, commitAfter: Infinity })
    })
    app.get('/full', Text, (_request, reply) => {
      const big = 'x'.repeat(64 * 1024)
      reply.sse((async function * () { for (;; pulled++) { if (isOver) return; yield big } })(), { heartbeat: 20 })
    })
    // Its beats are the clock: they come when those of the others would.
    app.get('/clock', Text, (_request, reply) => { reply.sse(new ReadableStream(), { heartbeat: 20, commitAfter: 0 }) })
  })
  const before = ask(served, '/before')
  const full = await ask(served, '/full', { isReading: false })
  await standstill(() => pulled)
  const clock = await ask(served, '/clock')
  await clock.until(':\n\n'.repeat(12))
  clock.leave()
  isOver = true
  full.read()
  await full.ended
  // A slow machine may pause before the socket is full.
  const beats = full.text.match(/^:/gm)?.length ?? 0
  t.ok(beats <= 3, `${beats} beats`)
  go()
  t.equal(await (await before).whole(), 'data: "a"\n\n')
  await eventually(() => summaries(served).length === 3)
})

t.test('one timer serves all streams, and goes with the last one', async t => {
  const served = await serve(t, app => {
    app.get('/:ms', Text, (request, reply) => {
      reply.sse(new ReadableStream(), { heartbeat: Number((request.params as { ms: string }).ms), commitAfter: 0 })
    })
  })
  const before = timers()
  const answers = []
  for (let i = 0; i < 100; i++) answers.push(await ask(served, `/${10_000 + i}`))
  t.ok(timers() - before <= 2, `${timers() - before} timers for 100 streams`)
  const quick = await ask(served, '/20')
  await quick.until(':')
  for (const answer of [...answers, quick]) answer.leave()
  await eventually(() => served.app.sse.open === 0)
  await eventually(() => timers() <= before)
})

t.test('many beats are spread over turns, and a stream that left meanwhile gets none', async t => {
  const heartbeats = new Heartbeats()
  let beats = 0
  const streams: Array<HeartbeatTarget & { lastByteAt: number }> = Array.from({ length: 600 }, () => ({
    lastByteAt: 0,
    beat () {
      beats++
      this.lastByteAt = heartbeats.now
      heartbeats.delete(last)
    }
  }))
  const last = streams.at(-1)!
  last.beat = () => t.fail('it has left')
  for (const stream of streams) heartbeats.add(stream, 5)
  heartbeats.delete({ ...last })
  await eventually(() => beats >= 599)
  for (const stream of streams) heartbeats.delete(stream)
  heartbeats.delete(last)
  const after = beats
  // Another stream's beats are the clock.
  let ticks = 0
  const clock: HeartbeatTarget & { lastByteAt: number } = { lastByteAt: 0, beat () { ticks++; this.lastByteAt = heartbeats.now } }
  heartbeats.add(clock, 5)
  await eventually(() => ticks === 3)
  heartbeats.delete(clock)
  t.equal(beats, after)
})
