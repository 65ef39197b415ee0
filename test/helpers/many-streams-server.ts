// The server of the tests with thousands of open streams, in a process of its own: what they leave behind is counted after a
// garbage collection.
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import typedSse, { EventStream } from '../../lib/index.ts'

export interface Stats {
  open: number
  subscribers: number
  connections: number
  /** Sources that were started, and those whose `finally` has run. */
  started: number
  freed: number
  /** Bytes, after garbage collections. */
  heap: number
  /** Process warnings, unhandled rejections and uncaught exceptions. */
  trouble: string[]
}

const trouble: string[] = []
process.on('warning', warning => trouble.push(`warning: ${warning.message}`))
process.on('unhandledRejection', error => trouble.push(`unhandled rejection: ${error}`))
process.on('uncaughtException', error => trouble.push(`uncaught exception: ${error.stack}`))

let started = 0
let freed = 0

/** One event, then nothing. */
async function * waiting (signal: AbortSignal): AsyncGenerator<string> {
  started++
  try {
    yield 'hello'
    await once(signal, 'never', { signal })
  } finally {
    freed++
  }
}

const app = Fastify()
await app.register(typedSse, { heartbeat: Number(process.argv[2]), shutdownGrace: 1000 })
const Text = EventStream({ type: 'string' })
const topic = app.sse.topic('news', Text)
const schema = { response: { 200: Text } }
app.get('/idle', { schema }, (request, reply) => { reply.sse(waiting(request.signal) as never) })
app.get('/topic', { schema }, (_request, reply) => { reply.sse(topic) })
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })

async function stats (): Promise<Stats> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc!()
    await sleep(50)
  }
  const connections = await new Promise<number>(resolve => app.server.getConnections((_error, count) => resolve(count)))
  return { open: app.sse.open, subscribers: topic.subscribers, connections, started, freed, heap: process.memoryUsage().heapUsed, trouble }
}

const actions = {
  stats,
  publish: (text: string) => topic.publish(text as never),
  close: () => app.close()
}

process.on('message', async ({ action, text }: { action: keyof typeof actions, text: string }) => {
  process.send!({ answer: await actions[action](text) })
})
process.send!({ answer: (app.server.address() as AddressInfo).port })
