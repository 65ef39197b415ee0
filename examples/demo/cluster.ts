/**
 * `npm run start:cluster`: two instances on one port, behind the balancer of Node's cluster. What they share is in the Redis at
 * REDIS_URL, or in one that is started for them. Kill an instance, and its readers go on at the other; a new one follows.
 */
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { startRedis } from './redis.ts'

const RESTART_AFTER = 5000
let isClosing = false

const { url, stop } = await redisToUse()
cluster.setupPrimary({ exec: fileURLToPath(new URL('server.ts', import.meta.url)) })
for (const instance of ['A', 'B']) start(instance)

function start (instance: string): void {
  const worker = cluster.fork({ STORE: 'redis', REDIS_URL: url, INSTANCE: instance })
  const { pid } = worker.process
  worker.on('listening', ({ port }) => {
    console.log(`  The demo is at http://localhost:${port}, served by ${instance} too. To kill it: kill -9 ${pid}`)
  })
  worker.on('exit', (code, signal) => {
    // One that cannot start will not the next time either.
    isClosing ||= code === 1
    if (isClosing) {
      if (Object.keys(cluster.workers!).length === 0) stop()
      return
    }
    console.log(`  ${instance} is gone (${signal ?? code}). Another follows.`)
    setTimeout(() => { if (!isClosing) start(instance) }, RESTART_AFTER)
  })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isClosing = true
    // A terminal sends SIGINT to all processes by itself.
    if (signal === 'SIGTERM') for (const worker of Object.values(cluster.workers!)) worker!.process.kill()
  })
}

async function redisToUse () {
  const { REDIS_URL } = process.env
  if (REDIS_URL !== undefined) return { url: REDIS_URL, stop: () => {} }
  try {
    return await startRedis()
  } catch (error) {
    console.error((error as Error).message)
    process.exit(1)
  }
}
