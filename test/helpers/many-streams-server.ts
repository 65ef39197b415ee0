// The server of the tests with thousands of open streams, in a process of its own: what they leave behind is counted after a
// garbage collection.
import { once } from 'node:events'
import { type AddressInfo } from 'node:net'
import Fastify from 'fastify'
import typedSse, { EventStream } from '../../lib/index.ts'
import { connectionsOf, heapInUse, trouble } from './left-behind.ts'

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
app.get('/idle', { schema }, (request, reply) => { reply.sse(waiting(request.signal)) })
app.get('/topic', { schema }, (_request, reply) => { reply.sse(topic) })
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })

async function stats (): Promise<Stats> {
  const heap = await heapInUse()
  return { open: app.sse.open, subscribers: topic.subscribers, connections: await connectionsOf(app.server), started, freed, heap, trouble }
}

const actions = {
  stats,
  publish: (text: string) => topic.publish(text),
  close: () => app.close()
}

process.on('message', async ({ action, text }: { action: keyof typeof actions, text: string }) => {
  process.send!({ answer: await actions[action](text) })
})
process.send!({ answer: (app.server.address() as AddressInfo).port })
