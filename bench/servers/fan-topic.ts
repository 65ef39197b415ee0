// The plugin's topics, in the memory of the process: checked, serialized and stored once, then written to all.
import type { FastifyInstance } from 'fastify'
import { nextMessage, publishing } from './fan-out.ts'
import { createApp, listen, Messages } from './plugin.ts'
import type { Start } from './server.ts'

/** GET /fan reads a topic, POST /publish publishes to it. */
export function serveTopic (app: FastifyInstance): void {
  const topic = app.sse.topic('fan', Messages)
  app.get('/fan', { schema: { response: { 200: Messages } } }, (_request, reply) => reply.sse(topic))
  app.post('/publish', (request, reply) => {
    const { n, size } = publishing(request.url)
    for (let i = 0; i < n; i++) topic.publish(nextMessage(size)).catch((error: unknown) => { throw error })
    reply.send()
  })
}

export const start: Start = async (_routes, workload) => {
  const app = await createApp({}, workload)
  serveTopic(app)
  return listen(app)
}
