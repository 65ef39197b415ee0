// The server's process: `host.ts <file in servers/> [a build of the plugin]`.
import type { AddressInfo, Server, Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { microseconds } from './payload.ts'
import { serve } from './remote.ts'
import { createSources, type Workload } from './sources.ts'
import { collect, ownCpu, usage, type Usage } from './usage.ts'
import type { Start } from './servers/server.ts'

/** With the events that were pulled from each source. */
export interface HostUsage extends Usage { pulled: Record<string, number> }

export interface Slot { from: number, to: number, cpu: number }

interface StreamHandle { bytesWritten: number, writeQueueSize: number }

// `cpu` where the server is a process of its own
const { start, cpu = ownCpu } = await import(`./servers/${process.argv[2]}.ts`) as { start: Start, cpu?: () => number }
const workload: Workload = { connections: 1, floodFor: 1000, interval: 20, heartbeat: false }
const { routes, pulled } = createSources(workload)
const sockets = new Set<Socket>()
let server: Server

const hostUsage = (): HostUsage => ({ ...usage(), cpu: cpu(), pulled })

function takenFrom (socket: Socket) {
  const handle = (socket as unknown as { _handle: StreamHandle | null })._handle
  return handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize
}

function isFull (socket: Socket) {
  const handle = (socket as unknown as { _handle: StreamHandle | null })._handle
  return handle !== null && handle.writeQueueSize > 0
}

/** CPU used in each slot of `width` ms until `duration` ms have passed. */
async function watchCpu ({ duration, width }: { duration: number, width: number }): Promise<Slot[]> {
  const slots: Slot[] = []
  const end = performance.now() + duration
  let from = microseconds()
  let before = process.cpuUsage()
  while (performance.now() < end) {
    await new Promise(resolve => setTimeout(resolve, width))
    const to = microseconds()
    const { user, system } = process.cpuUsage(before)
    slots.push({ from, to, cpu: user + system })
    from = to
    before = process.cpuUsage()
  }
  return slots
}

/** The longest time the loop was blocked within `duration` ms, in ms. Apart from `watchCpu`, whose figures its timer would spoil. */
async function watchLoop ({ duration }: { duration: number }): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await new Promise(resolve => setTimeout(resolve, duration))
  delay.disable()
  return delay.max / 1e6
}

let watching: ReturnType<typeof monitorEventLoopDelay> | undefined

serve({
  async listen (changes: Partial<Workload>) {
    Object.assign(workload, changes)
    server = await start(routes, workload)
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    return (server.address() as AddressInfo).port
  },
  configure (changes: Partial<Workload>) { Object.assign(workload, changes) },
  usage: hostUsage,
  watchCpu,
  watchLoop,
  /** As `watchLoop`, for what takes as long as it takes. */
  beginWatch () {
    watching = monitorEventLoopDelay({ resolution: 1 })
    watching.enable()
  },
  endWatch () {
    watching?.disable()
    return (watching?.max ?? NaN) / 1e6
  },
  /** Resolves when all clients have left, and what waits for a later turn has been done. */
  async untilGone () {
    while (sockets.size > 0) await new Promise(resolve => setTimeout(resolve, 10))
    for (let i = 0; i < 5; i++) {
      await new Promise(resolve => setTimeout(resolve, 100))
      globalThis.gc?.()
    }
  },
  /** The bytes that the kernel took from the busiest socket. */
  mostTaken: () => Math.max(...Array.from(sockets, takenFrom)),
  /** The number of connections with bytes that the kernel has not taken. */
  waiting: () => Array.from(sockets).filter(isFull).length,
  collect: (): HostUsage => ({ ...collect(), cpu: cpu(), pulled })
})
