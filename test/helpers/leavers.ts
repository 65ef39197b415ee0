import { EventEmitter, once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setImmediate as turn, setInterval as interval } from 'node:timers/promises'
import Fastify from 'fastify'
import typedSse, { EventStream } from '../../lib/index.ts'

// Clients that come and leave, in a process of its own: what is left behind is counted after a garbage collection.
const CYCLES = Number(process.argv[2])
const AT_ONCE = 50

const app = Fastify()
await app.register(typedSse)

let returned = 0
let collected = 0
const registry = new FinalizationRegistry(() => { collected++ })
const never = new Promise<void>(() => {})
const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }

app.addHook('onRequest', async (request, reply) => {
  registry.register(request, 0)
  registry.register(reply, 0)
  registry.register(request.raw, 0)
})

const big = 'x'.repeat(64 * 1024)

/** Awaits something that outlives every request, so that whatever hangs on the generator is kept. */
async function * idle () { yield 'hello'; await never }
async function * ticking () { try { for await (const tick of interval(3, 'tick')) yield tick } finally { returned++ } }
async function * stalled () { try { for (;;) yield big } finally { returned++ } }
async function * waiting (signal: AbortSignal) {
  yield 'hello'
  try { await once(signal, 'never', { signal }) } finally { returned++ }
}

app.get('/0', Text, (_request, reply) => { reply.sse(idle()) })
app.get('/1', Text, (_request, reply) => { reply.sse(ticking()) })
app.get('/2', Text, (_request, reply) => { reply.sse(stalled()) })
app.get('/3', Text, (_request, reply) => { reply.sse(({ signal }: { signal: AbortSignal }) => waiting(signal), { maxDuration: 60_000 }) })
const connections = new Set<Socket>()
const left = new EventEmitter()
app.server.on('connection', socket => {
  connections.add(socket)
  // After the listener of Node, by which the response is closed.
  socket.once('close', () => {
    connections.delete(socket)
    left.emit('left')
  })
})
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as AddressInfo

async function visit (i: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  // Those that stall read their headers only.
  socket.write(`GET /${i % 4} HTTP/1.1\r\nhost: a\r\n\r\n`)
  await once(socket, 'readable')
  socket.destroy()
  if (!socket.closed) await once(socket, 'close')
}

async function visits (count: number): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) await visit(next++)
  }))
  while (connections.size > 0) await once(left, 'left')
}

async function settle (): Promise<number> {
  let last = -1
  while (last !== collected) {
    last = collected
    for (let i = 0; i < 5; i++) {
      globalThis.gc!()
      // Finalizers run in tasks of their own.
      for (let turns = 0; turns < 10; turns++) await turn()
    }
  }
  return process.memoryUsage().heapUsed
}

function timers (): number {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout' || name === 'Immediate').length
}

await visits(500)
const heapBefore = await settle()
const timersBefore = timers()
const collectedBefore = collected
returned = 0
await visits(CYCLES)
const heapAfter = await settle()
console.log(JSON.stringify({
  open: app.sse.open,
  connections: connections.size,
  returned,
  timers: timers() - timersBefore,
  kept: CYCLES * 3 + 500 * 3 - collected,
  keptBefore: 500 * 3 - collectedBefore,
  heapPerCycle: Math.round((heapAfter - heapBefore) / CYCLES),
  listeners: process.eventNames().map(String),
  serverListeners: app.server.listenerCount('close')
}))
await app.close()
