// Readers of a topic of the plugin: their first frame is `$ready`.
import { createApp, Events, listen } from './plugin.ts'
import type { Start } from './server.ts'

export const start: Start = async ({ '/idle': _, ...routes }, workload) => {
  const app = await createApp(routes, workload)
  const topic = app.sse.topic('idle', Events)
  app.get('/idle', { schema: { response: { 200: Events } } }, (_request, reply) => reply.sse(topic))
  return listen(app)
}
