// A server with a topic, in a process of its own: what it holds for readers is measured after a garbage collection.
import { type AddressInfo, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify from 'fastify'
import typedSse, { event, EventStream } from '../../lib/index.ts'

/** What the server holds, bytes. */
export interface Held {
  /** In memory, within and outside of the heap. */
  readonly memory: number
  /** Of each connection, what waits for its socket. */
  readonly waiting: readonly number[]
}

const AT_ONCE = 10
const text = 'x'.repeat(1_000)

const app = Fastify()
await app.register(typedSse)
const Text = EventStream({ type: 'string' } as const)
const topic = app.sse.topic('topic', Text)
app.get('/', { schema: { response: { 200: Text } } }, (_request, reply) => reply.sse(topic))
const sockets = new Set<Socket>()
app.server.on('connection', socket => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
})

async function publish (events: number): Promise<Held> {
  for (let n = 0; n < events; n += AT_ONCE) {
    for (let i = 0; i < AT_ONCE; i++) await topic.publish(event(text))
    await turn()
  }
  for (let i = 0; i < 5; i++) {
    globalThis.gc!()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return { memory: heapUsed + external, waiting: Array.from(sockets, socket => socket.writableLength) }
}

process.on('message', async (events: number) => { process.send!(await publish(events)) })
process.once('disconnect', () => process.exit())
await app.listen({ port: 0, host: '127.0.0.1' })
process.send!((app.server.address() as AddressInfo).port)
