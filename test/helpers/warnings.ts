import { setImmediate as turn } from 'node:timers/promises'
import { EventStream } from '../../lib/index.ts'
import { ask, serve } from './serve.ts'

// Every ending over HTTP/2 and HTTP/1.1, in a process that throws at deprecations.
const warnings: string[] = []
process.on('warning', warning => warnings.push(String(warning.stack)))

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }
const closing: Array<() => unknown> = []
const connection: unknown[] = []

for (const http2 of [true, false]) {
  const served = await serve({ teardown: fn => closing.push(fn) }, app => {
    app.get('/ends', Numbers, (_request, reply) => { reply.sse([1, 2]) })
    app.get('/fails', Numbers, (_request, reply) => { reply.sse((async function * () { yield 1; await turn(); throw new Error('x') })()) })
    app.get('/refused', Numbers, (_request, reply) => { reply.sse(['x'] as never) })
    app.get('/empty', Numbers, (_request, reply) => { reply.sse(null) })
    app.get('/ticks', Numbers, (_request, reply) => {
      reply.sse((async function * () { for (let i = 0; ; i++) { yield i; await turn() } })(), { maxDuration: 200, retry: 5 })
    })
    app.get('/idle', Numbers, (_request, reply) => { reply.sse(new ReadableStream(), { commitAfter: 0, heartbeat: 5 }) })
  }, { http2 })
  const ends = await ask(served, '/ends')
  if (http2) connection.push(ends.headers.connection, ends.headers['transfer-encoding'])
  await ends.whole()
  for (const path of ['/fails', '/refused', '/empty', '/ticks']) await (await ask(served, path)).ended
  await (await ask(served, '/ends', { method: 'HEAD' })).ended
  const leaves = await ask(served, '/ticks')
  await leaves.until('data: 3')
  leaves.leave()
  await Promise.all(Array.from({ length: 30 }, () => ask(served, '/idle')))
}
await Promise.all(closing.map(close => close()))
console.log(JSON.stringify({ warnings, connection: connection.filter(value => value !== undefined) }))
