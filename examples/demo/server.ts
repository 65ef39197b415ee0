/**
 * `npm start`. From the environment: PORT (3000), HOST (localhost), JOB_FOLDER (the project's node_modules), STORE (memory,
 * sqlite with STORE_FILE, or redis with REDIS_URL), INSTANCE (a name, where there are several).
 */
import cluster from 'node:cluster'
import { buildApp } from './app.ts'
import { openStore } from './store.ts'

const { PORT = '3000', HOST = 'localhost', JOB_FOLDER, INSTANCE } = process.env

try {
  const { store, place } = openStore(process.env)
  const app = await buildApp({ store, instance: INSTANCE, ...JOB_FOLDER && { folder: JOB_FOLDER } })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.log(`${signal}: closing ${app.sse.open} streams, and finishing the answers that are being given`)
      // The channel to the primary would keep the process.
      app.close().finally(() => cluster.worker?.disconnect())
    })
  }
  try {
    await app.listen({ port: Number(PORT), host: HOST })
  } catch (error) {
    await app.close()
    throw error
  }
  const { port } = app.server.address() as { port: number }
  if (cluster.isPrimary) console.log(`\n  The demo is at http://${HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST}:${port}\n  Votes, notices and answers are kept ${place}\n`)
} catch (error) {
  console.error((error as Error).message, (error as { code?: string }).code === 'EADDRINUSE' ? '\nChoose another: PORT=3001 npm start' : '')
  process.exitCode = 1
}
