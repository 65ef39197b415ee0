import type { AddressInfo } from 'node:net'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import type { Test } from 'tap'
import typedSse, { event, EventStream } from '../../lib/index.ts'
import type { PublishedLog } from './resuming.ts'

const Numbered = Type.Object({ n: Type.Integer() })
const Log = EventStream({ n: Numbered, done: Numbered })

async function appOf (t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse, { retry: 1, shutdownGrace: 0 })
  // For pages of other origins.
  app.addHook('onRequest', async (_request, reply) => { reply.header('access-control-allow-origin', '*') })
  return app
}

async function portOf (app: Awaited<ReturnType<typeof appOf>>): Promise<number> {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** A topic as a log of numbered events, which keeps at least so many. */
export async function publishedTopic (t: Test, maxEvents = 1_000_000): Promise<PublishedLog> {
  const app = await appOf(t)
  const topic = app.sse.topic('log', Log, { maxEvents })
  app.get('/', { schema: { response: { 200: Log } } }, (_request, reply) => reply.sse(topic))
  let n = 0
  return {
    port: await portOf(app),
    hasReady: true,
    publish: () => topic.publish(event({ n: n++ }, { event: 'n' })),
    finish: () => topic.publish(event({ n: n++ }, { event: 'done' }))
  }
}

/** A run as a log of numbered events, which is written by hand. */
export async function publishedRun (t: Test): Promise<PublishedLog> {
  const app = await appOf(t)
  const run = app.sse.run('log', Log, { maxEvents: 1_000_000, maxBytes: 1e9, shutdownGrace: 0 })
  app.get('/', { schema: { response: { 200: Log } } }, (_request, reply) => reply.sse(run.of('a')))
  const port = await portOf(app)
  const writer = await run.of('a').open()
  let n = 0
  return {
    port,
    hasReady: false,
    publish: () => writer.append(event({ n: n++ }, { event: 'n' })),
    async finish () {
      await writer.append(event({ n: n++ }, { event: 'done' }))
      await writer.end()
    }
  }
}
