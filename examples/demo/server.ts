/** `npm start`. PORT (3000), HOST (localhost) and JOB_FOLDER (the project's node_modules) come from the environment. */
import { buildApp } from './app.ts'

const { PORT = '3000', HOST = 'localhost', JOB_FOLDER } = process.env

const app = await buildApp(JOB_FOLDER ? { folder: JOB_FOLDER } : {})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    console.log(`${signal}: closing ${app.sse.open} streams`)
    app.close()
  })
}

try {
  await app.listen({ port: Number(PORT), host: HOST })
  const { port } = app.server.address() as { port: number }
  console.log(`\n  The demo is at http://${HOST === '0.0.0.0' || HOST === '::' ? 'localhost' : HOST}:${port}\n`)
} catch (error) {
  console.error((error as Error).message, (error as { code?: string }).code === 'EADDRINUSE' ? '\nChoose another: PORT=3001 npm start' : '')
  process.exitCode = 1
  await app.close()
}
