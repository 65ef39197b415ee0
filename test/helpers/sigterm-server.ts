import { type AddressInfo } from 'node:net'
import { setInterval as interval } from 'node:timers/promises'
import Fastify from 'fastify'
import typedSse from '../../lib/index.ts'

// The process has nothing else to live for: it exits by itself if close() leaves nothing behind.
const app = Fastify()
await app.register(typedSse, { shutdownGrace: 100 })
app.get('/idle', (_request, reply) => { reply.sse(new ReadableStream({}), { commitAfter: 0 }) })
app.get('/ticking', (_request, reply) => { reply.sse(interval(10, 'tick')) })
process.once('SIGTERM', () => { app.close() })
await app.listen({ port: 0, host: '127.0.0.1' })
console.log((app.server.address() as AddressInfo).port)
