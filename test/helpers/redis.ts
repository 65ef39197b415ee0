import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { portToKeep } from './port.ts'

const INSTALL = 'no redis-server is installed: apt-get install redis-server (Debian, Ubuntu), brew install redis (macOS)'

/** Why tests that need a Redis are skipped; false where they are not. In CI nothing is skipped: they fail. */
export const skipRedis: string | false = spawnSync('redis-server', ['--version']).error !== undefined && process.env.CI !== 'true' && INSTALL

/** A redis-server of the test's own, on a free port and with a directory of its own. */
export class RedisServer {
  readonly port: number
  readonly dir: string
  readonly #args: readonly string[]
  #process: ChildProcess | undefined

  private constructor (port: number, dir: string, args: readonly string[]) {
    this.port = port
    this.dir = dir
    this.#args = args
  }

  /** @param args of redis-server, such as `['--appendonly', 'yes']`; nothing is persisted by default */
  static async start (t: { teardown: (callback: () => unknown) => unknown }, args: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await portToKeep(), await mkdtemp(join(tmpdir(), 'typed-sse-redis-')), args)
    t.teardown(async () => {
      await server.stop('SIGKILL')
      await rm(server.dir, { recursive: true, force: true })
    })
    await server.start()
    return server
  }

  get pid (): number {
    return this.#process!.pid!
  }

  /** Resolves once it answers, also after it has loaded its data. */
  async start (): Promise<void> {
    const child = spawn('redis-server', ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.dir, '--save', '', ...this.#args], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#process = child
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', code => reject(new Error(`redis-server ended with ${code}:\n${log}`)))
      child.stdout!.setEncoding('utf8').on('data', text => {
        log += text
        if (log.includes('Ready to accept connections')) resolve()
      })
    })
    child.removeAllListeners('exit')
  }

  async stop (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  /** What was written is kept only where the arguments say so. */
  async restart (): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Stops or continues the process: SIGSTOP leaves its connections half open. */
  signal (signal: NodeJS.Signals): void {
    this.#process!.kill(signal)
  }

  /** One command on a connection of its own, as redis-cli would: resolves to the first line of the reply. */
  async command (...args: string[]): Promise<string> {
    const socket = connect(this.port, '127.0.0.1')
    try {
      return await new Promise<string>((resolve, reject) => {
        socket.once('error', reject)
        socket.once('data', reply => resolve(String(reply).trimEnd()))
        socket.write(`*${args.length}\r\n${args.map(arg => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`)
      })
    } finally {
      socket.destroy()
    }
  }
}
