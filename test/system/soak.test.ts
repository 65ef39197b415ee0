// 1,000 clients at a time that come, read, stall, pipeline, cut in mid-frame and leave during backpressure, over HTTP/1.1
// and HTTP/2, for SOAK_SECONDS (60 by default). Afterwards nothing of them is left in the server, which then closes within
// its grace.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import http2, { type ClientHttp2Stream } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { random } from '../helpers/random.ts'
import { CHILD_ENV } from '../helpers/serve.ts'
// As a type only: `import { type … }` would run the server in this process too.
import type { Stats } from '../helpers/soak-server.ts'

const SECONDS = Number(process.env.SOAK_SECONDS ?? 60)
/** Of equal length. The heap is measured after each. The first warms up. */
const PARTS = 6
/** In bytes: less than a listener, or the entry of a map and its value. */
const MOST_PER_STREAM = 50
const CLIENTS = 1000
/** What a session of HTTP/2 carries at a time. */
const STREAMS = 10
const ROUTES = ['ticks', 'flood', 'short', 'fails', 'waits'].flatMap(name => [`/${name}`, `/later/${name}`])
/** Of the server's options. */
const GRACE = 1000

const draw = random(42)
const pick = <T> (list: readonly T[]): T => list[Math.floor(draw() * list.length)]!
const pause = (ms: number): Promise<unknown> => sleep(draw() * ms)

type Reader = Socket | ClientHttp2Stream

/** What a client does with a response until it leaves. */
const HABITS: Record<string, (stream: Reader) => Promise<unknown>> = {
  async reads (stream) { stream.resume(); await pause(400) },
  async stalls (stream) { await pause(400); stream.resume(); await pause(100) },
  async leavesUnread () { await pause(200) },
  async leavesAtOnce () {},
  async cutsInMidFrame (stream) { await Promise.race([once(stream, 'data'), once(stream, 'close'), pause(400)]) },
  async readsToTheEnd (stream) { stream.resume(); await Promise.race([once(stream, 'end'), once(stream, 'close'), sleep(400)]) }
}

async function visitHttp1 (port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => { /* the server breaks some off */ })
  const requests = draw() < 0.2 ? 1 + Math.floor(draw() * 20) : 1
  for (let i = 0; i < requests; i++) socket.write(`${draw() < 0.05 ? 'HEAD' : 'GET'} ${pick(ROUTES)} HTTP/1.${draw() < 0.1 ? 0 : 1}\r\nhost: a\r\n\r\n`)
  await pick(Object.values(HABITS))(socket).catch(() => {})
  if (draw() < 0.2) socket.end()
  else socket.destroy()
  socket.resume()
  if (!socket.closed) await Promise.race([once(socket, 'close').catch(() => {}), sleep(2000)])
  socket.destroy()
}

async function visitHttp2 (port: number): Promise<void> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => { /* as above */ })
  await Promise.all(Array.from({ length: STREAMS }, async () => {
    const stream = session.request({ ':path': pick(ROUTES) })
    stream.on('error', () => { /* as above */ })
    await pick(Object.values(HABITS))(stream).catch(() => {})
    stream.close(draw() < 0.5 ? http2.constants.NGHTTP2_CANCEL : http2.constants.NGHTTP2_NO_ERROR)
  }))
  session.destroy()
}

async function visit (ports: readonly number[], until: number): Promise<number> {
  let visits = 0
  const loop = async (one: () => Promise<void>): Promise<void> => {
    await pause(500)
    while (Date.now() < until) {
      await one()
      visits++
    }
  }
  await Promise.all([
    ...Array.from({ length: CLIENTS / 2 }, () => loop(() => visitHttp1(ports[0]!))),
    ...Array.from({ length: CLIENTS / 2 / STREAMS }, () => loop(() => visitHttp2(ports[1]!)))
  ])
  return visits
}

async function tell (server: ChildProcess, message: 'stats' | 'close'): Promise<Stats & { took?: number }> {
  server.send(message)
  const [answer] = await once(server, 'message')
  return answer as Stats
}

/** The server's state once all clients are gone. */
async function quiet (server: ChildProcess): Promise<Stats> {
  for (let attempt = 0; ; attempt++) {
    const stats = await tell(server, 'stats')
    if ((stats.open === 0 && stats.connections === 0 && stats.started === stats.freed) || attempt === 40) return stats
    await sleep(250)
  }
}

t.test(`${CLIENTS} clients for ${SECONDS} s leave nothing behind`, { timeout: (SECONDS + 120) * 1000 }, async t => {
  const server = fork(new URL('../helpers/soak-server.ts', import.meta.url), { execArgv: ['--expose-gc', '--import', 'tsx'], env: CHILD_ENV })
  t.teardown(() => server.kill('SIGKILL'))
  const [ports] = await once(server, 'message') as [number[]]
  const parts: Stats[] = []
  let visits = 0
  while (parts.length < PARTS) {
    visits += await visit(ports, Date.now() + SECONDS * 1000 / PARTS)
    parts.push(await quiet(server))
  }
  const before = parts[0]!
  const after = parts.at(-1)!
  t.ok(after.started > before.started && visits > 0)
  t.equal(after.started, after.freed, 'every source that started was freed')
  t.equal(after.open, 0)
  t.equal(after.connections, 0)
  t.strictSame(after.listeners, before.listeners)
  t.strictSame(after.trouble, [])
  // A leak grows in every part, a cache or compiled code in some: so the median tells.
  const growth = parts.slice(1).map((part, i) => Math.round((part.heap - parts[i]!.heap) / (part.started - parts[i]!.started)))
  t.comment(`${after.started} streams; bytes a stream in each part: ${growth.join(', ')}; heap ${before.heap} to ${after.heap}`)
  t.ok([...growth].sort((a, b) => a - b)[Math.floor(growth.length / 2)]! < MOST_PER_STREAM, `the heap grew by ${growth.join(', ')} bytes a stream`)

  const last = visit(ports, Date.now() + 1500)
  await sleep(1000)
  const closed = await tell(server, 'close')
  // Beyond the grace, responses that ended have 250 ms to leave. The rest is for a machine that is busy with 1,000 clients.
  t.ok(closed.took! < GRACE + 250 + 2000, `close() took ${Math.round(closed.took!)} ms`)
  await last
  t.equal(closed.open, 0)
  t.strictSame(closed.trouble, [])
})
