import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import tls from 'node:tls'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import typedSse from '../../lib/index.ts'
import { serve } from '../helpers/serve.ts'

// A key and a certificate for localhost, of no use elsewhere.
const pem = readFileSync(new URL('../helpers/localhost.pem', import.meta.url))

t.test('close() does not wait for a connection on which nothing was asked', async t => {
  const { app, port } = await serve(t, () => {})
  const socket = net.connect(port, '127.0.0.1')
  const closed = once(socket, 'close')
  await once(app.server, 'connection')
  await app.close()
  await t.resolves(closed)
})

t.test('nor for one that comes while it closes', async t => {
  let closed: Promise<unknown> | undefined
  const { app } = await serve(t, app => {
    // It runs after the plugin's own.
    app.addHook('preClose', async () => {
      const accepted = once(app.server, 'connection')
      const socket = net.connect((app.server.address() as AddressInfo).port, '127.0.0.1')
      closed = once(socket, 'close')
      await accepted
    })
  })
  await app.close()
  await t.resolves(closed!)
})

async function secure (t: Test, route: (app: FastifyInstance) => unknown): Promise<{ app: FastifyInstance, port: number }> {
  const app = Fastify({ https: { key: pem, cert: pem } }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(typedSse)
  await route(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port }
}

t.test('over TLS the handshake is no request', async t => {
  const { app, port } = await secure(t, () => {})
  const accepted = once(app.server, 'secureConnection')
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  const closed = once(socket, 'close')
  await accepted
  await app.close()
  await t.resolves(closed)
})

t.test('a request that is being answered is waited for', async t => {
  const called = new EventEmitter()
  const { app, port } = await secure(t, app => {
    app.get('/slow', async () => {
      called.emit('slow')
      await once(called, 'closing')
      return { done: true }
    })
    // It runs after the plugin's own.
    app.addHook('preClose', async () => { called.emit('closing') })
  })
  const request = https.get({ port, host: '127.0.0.1', path: '/slow', rejectUnauthorized: false, agent: false })
  const responded = once(request, 'response')
  await once(called, 'slow')
  await app.close()
  const [response] = await responded
  t.strictSame(JSON.parse(String(Buffer.concat(await response.toArray()))), { done: true })
})
