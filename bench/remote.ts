import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** True where the server and the client can be given a core each. */
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

const CALL_TIMEOUT = 60_000

interface Answer { call: number, value?: unknown, error?: string }

/** A child process that answers calls: `serve` below is its other end. */
export class Remote {
  #child: ChildProcess
  #calls = new Map<number, { resolve: (value: unknown) => void, reject: (error: Error) => void }>()
  #next = 0

  private constructor (child: ChildProcess) {
    this.#child = child
    child.on('message', ({ call, value, error }: Answer) => {
      const waiting = this.#calls.get(call)
      this.#calls.delete(call)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#calls.values()) reject(new Error(`the process ended: ${signal ?? code}`))
      this.#calls.clear()
    })
  }

  /** Starts `script` of this folder on the given core. */
  static start (script: string, args: string[], core: number): Remote {
    const node = [process.execPath, '--import', 'tsx', '--expose-gc', `bench/${script}`, ...args]
    const [command, ...rest] = canPin ? ['taskset', '-c', String(core), ...node] : node
    return new Remote(spawn(command as string, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
  }

  call<T> (name: string, argument?: unknown, timeout = CALL_TIMEOUT): Promise<T> {
    const call = this.#next++
    const answer = new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error(`no answer to '${name}' in ${timeout / 1000} s`)) }, timeout)
      this.#calls.set(call, {
        resolve: value => { clearTimeout(timer); resolve(value as T) },
        reject: error => { clearTimeout(timer); reject(error) }
      })
      this.#child.send({ call, name, argument }, error => { if (error !== null) this.#calls.get(call)?.reject(error) })
    })
    // A case that has failed elsewhere awaits it no more.
    answer.catch(() => {})
    return answer
  }

  /** Kills the process and waits for its end, so that the next one has the core to itself. */
  async stop (): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await exited
  }
}

/** In the child: answers the parent's calls with these functions. */
export function serve (functions: Record<string, (argument: never) => unknown>): void {
  process.on('message', async ({ call, name, argument }: { call: number, name: string, argument: never }) => {
    try {
      process.send?.({ call, value: await functions[name]?.(argument) })
    } catch (error) {
      process.send?.({ call, error: (error as Error).stack ?? String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
}
