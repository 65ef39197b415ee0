import { once } from 'node:events'
import http from 'node:http'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { EventStream } from '../../lib/index.ts'
import { ask, errorLines, eventually, unhandledErrors, serve, summaries } from '../helpers/serve.ts'

const Numbers = { schema: { response: { 200: EventStream({ type: 'number' }) } } }

const ticks = async function * (count: number) { for (let i = 0; i < count; i++) { yield i; await turn() } }

t.test('pipelined requests get their streams one after the other, each whole', async t => {
  const served = await serve(t, app => { app.get('/', Numbers, (_request, reply) => { reply.sse(ticks(5)) }) })
  const socket = connect(served.port, '127.0.0.1').setEncoding('latin1')
  const request = 'GET / HTTP/1.1\r\nhost: a\r\n'
  socket.write(`${request}\r\n${request}\r\n${request}connection: close\r\n\r\n`)
  const text = (await socket.toArray()).join('')
  const body = [0, 1, 2, 3, 4].map(i => `9\r\ndata: ${i}\n\n\r\n`).join('') + '0\r\n\r\n'
  const responses = text.split('HTTP/1.1 200 OK\r\n').slice(1).map(response => response.slice(response.indexOf('\r\n\r\n') + 4))
  t.equal(responses.length, 3)
  t.equal(responses[0], body)
  // Those that waited had their events together.
  for (const response of responses) t.strictSame(response.match(/data: \d/g), body.match(/data: \d/g))
  t.match(responses[2], /0\r\n\r\n$/)
  await eventually(() => summaries(served).length === 3)
  t.strictSame(summaries(served).map(({ reason, events }) => [reason, events]), Array(3).fill(['complete', 5]))
})

t.test('a kept connection gathers no listeners', async t => {
  const counts: number[] = []
  const served = await serve(t, app => {
    app.get('/', Numbers, (request, reply) => {
      const { socket } = request.raw
      counts.push(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0))
      reply.sse(ticks(2))
    })
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (let i = 0; i < 20; i++) await (await ask(served, '/', { agent })).whole()
  t.strictSame(counts, Array(20).fill(counts[0]))
})

t.test('a client that says it will send no more is one that leaves, as for any response of Node', async t => {
  const seen = unhandledErrors(t)
  const served = await serve(t, app => { app.get('/', Numbers, (_request, reply) => { reply.sse(ticks(100_000)) }) })
  const socket = connect({ port: served.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(socket, 'data')
  socket.end()
  socket.resume()
  await once(socket, 'close')
  await eventually(() => summaries(served).length === 1)
  t.match(summaries(served), [{ reason: 'client' }])
  t.strictSame(errorLines(served), [])
  t.strictSame(seen, [])
})
