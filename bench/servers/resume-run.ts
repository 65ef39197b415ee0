import { createApp, listen, Messages } from './plugin.ts'
import { missed, serveIds } from './resume.ts'
import type { Start } from './server.ts'

export const start: Start = async (_routes, workload) => {
  const app = await createApp({}, workload)
  const run = app.sse.run('resume', Messages)
  const ids: string[] = []
  app.get('/resume', { schema: { response: { 200: Messages } } }, (_request, reply) => reply.sse(run))
  serveIds(app, ids)
  const writer = await run.open()
  for (const message of missed()) ids.push(await writer.append(message))
  return listen(app)
}
