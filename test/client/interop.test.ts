import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import fastifySse from '@fastify/sse'
import { createSession } from 'better-sse'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import t from 'tap'
import { connect } from '../../lib/client/index.ts'
import { collect, serve, stop, stream } from './fixtures/server.ts'

interface OtherSse {
  lastEventId: string | null
  send (message: { id?: string, event?: string, data: unknown, retry?: number }): Promise<void>
}

const payload = { text: 'a\nb', n: 1.5, ż: null }

t.test('reads a stream of @fastify/sse, and resumes it', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(fastifySse as unknown as FastifyPluginAsync)
  // Its types and this package's both augment `reply.sse`.
  const route = {
    method: 'GET',
    url: '/',
    sse: true,
    async handler (_request: unknown, reply: { sse: OtherSse, code (status: number): { send (): unknown } }) {
      if (reply.sse.lastEventId === '2') return reply.code(204).send()
      await reply.sse.send({ id: '1', event: 'first', data: payload })
      await reply.sse.send({ id: '2', data: [1], retry: 5 })
      return undefined
    }
  }
  app.route(route as never)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.same(await collect(connect(url, { backoff: { delay: 1 } })), [
    { event: 'first', data: payload, id: '1' },
    { event: 'message', data: [1], id: '2' }
  ])
})

t.test('reads a stream of better-sse, and resumes it', async t => {
  const server = createServer(async (request, response) => {
    if (request.headers['last-event-id'] === '2') return response.writeHead(204).end()
    const session = await createSession(request, response, { retry: 5 })
    session.push(payload, 'first', '1').push([1], 'message', '2')
    return response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => stop(server))
  t.same(await collect(connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { backoff: { delay: 1 } })), [
    { event: 'first', data: payload, id: '1' },
    { event: 'message', data: [1], id: '2' }
  ])
})

t.test('reads a stream shaped as OpenAI\'s, to its [DONE]', async t => {
  const chunk = (content: string) => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: null }] })
  const { url, requests } = await serve(t, stream(`: OPENROUTER PROCESSING\n\ndata: ${JSON.stringify(chunk('He'))}\n\ndata: ${JSON.stringify(chunk('llo'))}\n\ndata: [DONE]\n\n`))
  const got = await collect(connect(url, { method: 'POST', body: { stream: true }, headers: { authorization: 'Bearer x' } }))
  t.same(got.map(({ data }) => data), [chunk('He'), chunk('llo')])
  t.match(requests, [{ body: '{"stream":true}', headers: { authorization: 'Bearer x' } }])
  t.equal(requests.length, 1)
})
