import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * A free port for a server that stops and starts again. It is none of those that systems give to whoever asks for any:
 * another process, or the client that calls again and again, could have it in between.
 */
export async function portToKeep (): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('no port is free')
}

async function isFree (port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
