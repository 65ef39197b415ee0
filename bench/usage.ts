import { microseconds } from './payload.ts'

/** What a process has used. */
export interface Usage {
  /** Monotonic clock, us. */
  at: number
  /** User and system time of the process so far, us. */
  cpu: number
  rss: number
  heap: number
  /** Outside the heap: the contents of Buffers. */
  external: number
  /** Highest resident set so far, bytes. */
  peak: number
}

export function ownCpu (): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

export function usage (): Usage {
  const { rss, heapUsed, external } = process.memoryUsage()
  return { at: microseconds(), cpu: ownCpu(), rss, heap: heapUsed, external, peak: process.resourceUsage().maxRSS * 1024 }
}

/** After garbage collections. */
export function collect (): Usage {
  globalThis.gc?.()
  globalThis.gc?.()
  return usage()
}
