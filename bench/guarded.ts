// Programs beside Node (nginx, redis-server) that cannot outlive the process that started them, however that ends.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The shell that starts the program waits for the end of its own input, which only the starting process holds open. */
const GUARD = `
folder=$1; shift
trap '' INT TERM HUP
: >"$folder/log"
"$@" >>"$folder/log" 2>&1 &
child=$!
echo $child
exec >/dev/null 2>&1
read -r _
kill -9 $child
wait $child
rm -rf "$folder"
`

/** Clock ticks in a second, as Linux counts CPU time in /proc. */
const TICKS = 100
const START_TIMEOUT = 10_000

export interface Guarded {
  folder: string
  /** User and system time so far, us. */
  cpu: () => number
  /** Kills it and removes its folder. */
  stop: () => Promise<void>
}

/**
 * Starts a program that listens on a port of 127.0.0.1, with a temporary folder of its own; both are gone when this process ends, also
 * when it is killed.
 *
 * @throws where nobody listens within ten seconds, with what the program said
 */
export async function startGuarded (port: number, command: (folder: string) => string[]): Promise<Guarded> {
  const folder = mkdtempSync(join(tmpdir(), 'typed-sse-bench-'))
  try {
    return await start(port, folder, command(folder))
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function start (port: number, folder: string, command: string[]): Promise<Guarded> {
  // In a session of its own, because Ctrl-C must not reach the guard before it has cleaned up.
  const guard = spawn('sh', ['-c', GUARD, 'guard', folder, ...command], { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
  const exited = once(guard, 'exit')
  const stop = async () => {
    guard.stdin.end()
    await exited
  }
  try {
    const [text] = await once(guard.stdout, 'data') as [Buffer]
    const pid = Number(String(text))
    await untilListening(port, pid, folder)
    return { folder, cpu: () => cpuOf(pid), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilListening (port: number, pid: number, folder: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT
  while (!await listens(port)) {
    const said = readFileSync(join(folder, 'log'), 'utf8').trim()
    if (!isAlive(pid)) throw new Error(`the program ended: ${said.split('\n').at(-1)}`)
    if (performance.now() > deadline) throw new Error(`nobody listens on port ${port}: ${said.split('\n').at(-1)}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function listens (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
    socket.on('error', () => resolve(false))
  })
}

/** Not so for one that has ended and was not waited for yet. */
function isAlive (pid: number): boolean {
  try {
    return fieldsOf(pid)[0] !== 'Z'
  } catch {
    return false
  }
}

function cpuOf (pid: number): number {
  const fields = fieldsOf(pid)
  return (Number(fields[11]) + Number(fields[12])) / TICKS * 1e6
}

/** Of /proc/PID/stat, from the state on. */
function fieldsOf (pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')
}
