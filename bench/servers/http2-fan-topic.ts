import { serveTopic } from './fan-topic.ts'
import { createApp, listen } from './plugin.ts'
import type { Start } from './server.ts'

export const start: Start = async (_routes, workload) => {
  const app = await createApp({}, workload, true)
  serveTopic(app)
  return listen(app)
}
