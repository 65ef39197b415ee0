// The server of the soak test, in a process of its own: what its streams leave behind is counted after a garbage collection.
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import typedSse, { event, EventStream } from '../../lib/index.ts'
import { connectionsOf, heapInUse, trouble } from './left-behind.ts'

export interface Stats {
  started: number
  freed: number
  open: number
  connections: number
  /** Bytes, after garbage collections. */
  heap: number
  /** Of the servers, by event. */
  listeners: Record<string, number>
  /** Process warnings, unhandled rejections and uncaught exceptions. */
  trouble: string[]
}

let started = 0
let freed = 0

/** Counts what a stream starts and frees. */
async function * counted (items: AsyncGenerator<string> | Generator<string>): AsyncGenerator<unknown> {
  started++
  let id = 0
  try {
    for await (const item of items) yield event(item, { id: ++id })
  } finally {
    freed++
  }
}

const BIG = 'x'.repeat(4096)
async function * ticks (signal: AbortSignal) { while (!signal.aborted) { yield 'tick'; await sleep(20) } }
function * flood () { for (;;) yield BIG }
function * short () { for (let i = 0; i < 20; i++) yield 'short' }
async function * fails () { yield 'a'; await sleep(1); throw new Error('expected') }
async function * waits (signal: AbortSignal) { yield 'hello'; await once(signal, 'never', { signal }) }

const SOURCES: Record<string, (signal: AbortSignal) => AsyncGenerator<string> | Generator<string>> = { ticks, flood, short, fails, waits }

async function serve (options: object): Promise<FastifyInstance> {
  const app = Fastify(options as FastifyServerOptions) as unknown as FastifyInstance
  await app.register(typedSse, { heartbeat: 100, shutdownGrace: 1000 })
  const Text = { schema: { response: { 200: EventStream({ type: 'string' }) } } }
  for (const [name, source] of Object.entries(SOURCES)) {
    app.get(`/${name}`, Text, (request, reply) => { reply.sse(counted(source(request.signal)) as never) })
    app.get(`/later/${name}`, Text, async (_request, reply) => {
      await sleep(2)
      reply.sse((async ({ signal }: { signal: AbortSignal }) => { await sleep(2); return counted(source(signal)) }) as never, { maxDuration: 500 })
    })
  }
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app
}

// Node does not clear the timeout of a session that is destroyed, which retains it, some 2 KB, for Fastify's 72 s.
const apps = [await serve({}), await serve({ http2: true, http2SessionTimeout: 0 })]

async function stats (): Promise<Stats> {
  const heap = await heapInUse()
  const listeners: Record<string, number> = {}
  let connections = 0
  for (const { server } of apps) {
    for (const name of server.eventNames()) listeners[String(name)] = (listeners[String(name)] ?? 0) + server.listenerCount(name)
    connections += await connectionsOf(server)
  }
  return { started, freed, open: apps.reduce((sum, app) => sum + app.sse.open, 0), connections, heap, listeners, trouble }
}

process.on('message', async (message: 'stats' | 'close') => {
  const answer: Partial<Stats> & { took?: number } = {}
  if (message === 'close') {
    const from = performance.now()
    await Promise.all(apps.map(app => app.close()))
    answer.took = performance.now() - from
  }
  process.send!({ ...await stats(), ...answer })
})
process.send!(apps.map(app => (app.server.address() as AddressInfo).port))
