import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The demo as users start it: a process of its own, on the built package. */
export class DemoServer {
  readonly #child: ChildProcess
  readonly url: string

  constructor (child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  static async start ({ port = '0', folder = '' } = {}): Promise<DemoServer> {
    // The runner's coverage hooks would follow the child, and count the built files as sources that are half covered.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_V8_COVERAGE|NODE_OPTIONS|TAP.*|_TAPJS.*)$/.test(name)))
    const child = spawn(process.execPath, ['--import', 'tsx', 'examples/demo/server.ts'], {
      cwd: root,
      env: { ...env, PORT: port, HOST: '127.0.0.1', JOB_FOLDER: folder },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
    for (;;) {
      const url = /The demo is at (\S+)/.exec(output)?.[1]
      if (url !== undefined) return new DemoServer(child, url)
      if (child.exitCode !== null) throw new Error(`the demo did not start:\n${output}`)
      await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    }
  }

  get port (): string {
    return new URL(this.url).port
  }

  /** @returns the exit code, or null when the process was killed */
  async stop (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill(signal)
      await exit
    }
    return this.#child.exitCode
  }
}
