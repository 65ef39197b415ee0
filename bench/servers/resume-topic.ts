import { createApp, listen, Messages } from './plugin.ts'
import { missed, serveIds } from './resume.ts'
import type { Start } from './server.ts'

export const start: Start = async (_routes, workload) => {
  const app = await createApp({}, workload)
  const topic = app.sse.topic('resume', Messages)
  const ids: string[] = []
  app.get('/resume', { schema: { response: { 200: Messages } } }, (_request, reply) => reply.sse(topic))
  serveIds(app, ids)
  await app.ready()
  for (const message of missed()) ids.push(await topic.publish(message))
  return listen(app)
}
