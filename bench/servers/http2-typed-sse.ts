import { createApp, listen } from './plugin.ts'
import type { Start } from './server.ts'

export const start: Start = async (routes, workload) => listen(await createApp(routes, workload, true))
