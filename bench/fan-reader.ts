// The readers of fan-reader.c, for the client's process: over HTTP/1.1, where there is a compiler.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { FanResult } from './fan-client.ts'
import { percentile } from './stats.ts'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/**
 * Compiles the program.
 *
 * @returns where it is; undefined where there is no `cc`, or no Linux
 */
export function compileReader (): string | undefined {
  const folder = at('../node_modules/.cache')
  mkdirSync(folder, { recursive: true })
  const program = `${folder}/fan-reader`
  const { status } = spawnSync('cc', ['-O2', '-o', program, at('fan-reader.c')], { stdio: 'ignore' })
  return status === 0 ? program : undefined
}

let child: ChildProcessByStdio<Writable, Readable, null> | undefined
let lines: Interface

/** Opens readers; resolves with the time until all have the head of their response, ms. */
export async function joinReaders ({ program, port, count }: { program: string, port: number, count: number }): Promise<number> {
  child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] })
  lines = createInterface(child.stdout)
  return Number(await ask(`join ${port} ${count}`)) / 1000
}

/** Publishes `n` messages of `size` bytes at a time for `ms`; fails unless each reader got each message. */
export async function fanReaders ({ n, size, ms }: { n: number, size: number, ms: number }): Promise<FanResult> {
  const [deliveries = 0, took = 0, cpu = 0, ...latencies] = (await ask(`fan ${n} ${size} ${ms}`)).split(' ').map(Number)
  return { deliveries, ms: took / 1000, busy: cpu / took, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
}

function ask (command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const onExit = () => { reject(new Error('the readers have ended')) }
    child!.once('exit', onExit)
    lines.once('line', line => {
      child!.off('exit', onExit)
      resolve(line)
    })
    child!.stdin.write(command + '\n')
  })
}
