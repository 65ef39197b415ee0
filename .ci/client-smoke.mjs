// The packed client against the packed server: contract, POST, resuming over a cut, error event, abort, parse, sharing and the
// testing entry. `serve` runs the server alone and tells its URL, a URL the client alone.
import assert from 'node:assert/strict'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import typedSse, { event, EventStream } from 'fastify-typed-sse'
import { connect, parse, StreamError } from 'fastify-typed-sse/client'
import { shareTabs } from 'fastify-typed-sse/client/share'
import { injectStream } from 'fastify-typed-sse/testing'

const Count = EventStream({ n: Type.Number() })
const app = Fastify()
await app.register(typedSse)
app.post('/', { schema: { response: { 200: Count } } }, (request, reply) => {
  const from = Number(request.headers['last-event-id'] ?? 0)
  if (from === 20) return reply.sse(null)
  return reply.sse((async function * () {
    for (let n = from + 1; n <= 20; n++) {
      yield event(n, { event: 'n', id: n, retry: 1 })
      if (n % 7 !== 0) continue
      await new Promise(resolve => setTimeout(resolve, 50))
      reply.raw.socket?.destroy()
    }
  })())
})
app.get('/error', { schema: { response: { 200: Count } } }, (_request, reply) => reply.sse((async function * () {
  yield event(1, { event: 'n' })
  await new Promise(resolve => setTimeout(resolve, 200))
  throw Object.assign(new Error('gone'), { statusCode: 410 })
})()))
const [given] = process.argv.slice(2)
const url = given?.startsWith('http') ? given : await app.listen({ port: 0, host: '127.0.0.1' })
if (given === 'serve') console.log(url)
else await run()

async function run () {
  const got = []
  for await (const { data } of connect(url, { contract: Count, body: {}, method: 'POST', reconnect: true, backoff: { delay: 1, attempts: 5 } })) got.push(data)
  assert.deepEqual(got, Array.from({ length: 20 }, (_, i) => i + 1))

  await assert.rejects(async () => {
    for await (const { data } of connect(`${url}/error`)) assert.equal(data, 1)
  }, error => error instanceof StreamError && error.statusCode === 410)

  const messages = parse(await fetch(url, { method: 'POST' }), { contract: Count })
  assert.deepEqual((await messages.next()).value, { event: 'n', data: 1, id: '1' })
  await messages.return()

  const shared = connect(url, { contract: Count, method: 'POST', share: shareTabs() })
  assert.deepEqual((await shared.next()).value, { event: 'n', data: 1, id: '1' })
  await shared.return()

  const controller = new AbortController()
  const left = connect(url, { contract: Count, method: 'POST', signal: controller.signal })
  await left.next()
  controller.abort(new Error('left'))
  await assert.rejects(left.next(), /left/)

  console.log(`${globalThis.Deno ? 'Deno ' + globalThis.Deno.version.deno : globalThis.Bun ? 'Bun ' + globalThis.Bun.version : 'Node ' + process.version}: the packed client works`)
  if (given) return

  const stream = await injectStream(app, { url: '/', method: 'POST' })
  assert.equal((await stream.next(3)).length, 3)
  await stream.disconnect()

  await app.close()
}
