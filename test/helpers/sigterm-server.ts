import { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import typedSse from '../../lib/index.ts'

// The process has nothing else to live for: it exits by itself if close() leaves nothing behind.
const app = Fastify()
await app.register(typedSse, { shutdownGrace: 100 })
app.get('/idle', (_request, reply) => { reply.sse(new ReadableStream({}), { commitAfter: 0 }) })
app.get('/ticking', (_request, reply) => {
  reply.sse((async function * () { for (;;) { yield 'tick'; await sleep(10) } })())
})
process.once('SIGTERM', () => { app.close() })
await app.listen({ port: 0, host: '127.0.0.1' })
console.log((app.server.address() as AddressInfo).port)
