// Readers of a run of the plugin that has had an event and goes on.
import { payloadOf } from '../payload.ts'
import { createApp, Events, listen } from './plugin.ts'
import type { Start } from './server.ts'

export const start: Start = async ({ '/idle': _, ...routes }, workload) => {
  const app = await createApp(routes, workload)
  const run = app.sse.run('idle', Events)
  app.get('/idle', { schema: { response: { 200: Events } } }, (_request, reply) => reply.sse(run))
  const writer = await run.open()
  await writer.append(payloadOf(0))
  return listen(app)
}
