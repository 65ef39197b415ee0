import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'

/**
 * Starts the redis-server that is on the path, on a free port, without a file.
 *
 * @throws Error that says what to install
 */
export async function startRedis (): Promise<{ url: string, stop: () => unknown }> {
  const port = String(await freePort())
  // Detached: it has to outlive the instances when a terminal interrupts them all.
  const child = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  process.once('exit', () => child.kill())
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new Error(
      'Two instances share their streams in a Redis, and there is no redis-server on the path:\n' +
      'apt-get install redis-server (Debian, Ubuntu), brew install redis (macOS), or REDIS_URL=redis://host:6379 npm run start:cluster')))
    child.once('exit', code => reject(new Error(`redis-server ended with ${code}:\n${log}`)))
    child.stdout.setEncoding('utf8').on('data', text => {
      log += text
      if (log.includes('Ready to accept connections')) resolve()
    })
  })
  return { url: `redis://127.0.0.1:${port}`, stop: () => child.kill() }
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
