import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { MOST_JOINED } from '../../lib/log/ring.ts'
import { CHILD_ENV } from '../helpers/serve.ts'
import type { Held } from '../helpers/stalled-server.ts'

// FAULT_ROUNDS multiplies the events.
const EVENTS = 60_000 * Number(process.env.FAULT_ROUNDS ?? 1)
const STALLED = 10
const FRAME = 1_100
const HIGH_WATER_MARK = 16_384
/** What a process holds more or less from one time to the next, whoever reads, bytes. */
const NOISE = 2_000_000

async function visit (t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(socket, 'readable')
  return socket
}

t.test(`10 readers that stall while ${EVENTS} events of 1 KB are published: the server holds a chunk for each`, async t => {
  const started = performance.now()
  const server = fork(new URL('../helpers/stalled-server.ts', import.meta.url), { execArgv: ['--expose-gc', '--import', new URL('../typescript/register.js', import.meta.url).href], env: CHILD_ENV })
  t.teardown(() => server.kill('SIGKILL'))
  const [port] = await once(server, 'message') as [number]
  const publish = async (events: number): Promise<Held> => {
    server.send(events)
    const [held] = await once(server, 'message') as [Held]
    return held
  }
  const reading = await visit(t, port)
  let read = 0
  reading.on('data', chunk => { read += chunk.length })
  const before = await publish(10_000)
  const stalled = await Promise.all(Array.from({ length: STALLED }, () => visit(t, port)))
  const during = await publish(EVENTS)
  const waiting = during.waiting.toSorted((a, b) => b - a)
  const most = MOST_JOINED + FRAME + HIGH_WATER_MARK
  t.ok(waiting.slice(0, STALLED).every(bytes => bytes > 0), 'all of them stalled')
  t.ok(waiting[0]! <= most, `at most ${waiting[0]} bytes wait for one`)
  const more = during.memory - before.memory
  t.ok(more <= STALLED * most + NOISE, `${more} bytes more than without them`)
  t.ok(read > EVENTS * 1_000, 'the reader that reads had everything')

  const [late] = stalled
  let text = ''
  for await (const chunk of late!.setEncoding('latin1')) {
    text = (text + chunk).slice(-200_000)
    if (text.includes('event: $gap')) break
  }
  t.match(text, 'event: $gap', 'one that reads again is told what it missed')
  t.comment(`at most ${waiting[0]} bytes wait for a socket, ${Math.round(more / 1_024)} KiB more are held, ${((performance.now() - started) / 1_000).toFixed(1)} s`)
})
