import type { Remote } from '../remote.ts'
import type { Workload } from '../sources.ts'

export interface Metric {
  key: string
  label: string
  digits: number
  /** Given where the table also has the ratio to the baseline's value in the same round; says which way is good. */
  better?: 'higher' | 'lower'
}

/** A server process that was verified, a client process, and what the case may ask of them. */
export interface Context {
  server: Remote
  client: Remote
  port: number
  /** Another client process; stopped with the rest. */
  another: () => Remote
}

export interface Case {
  name: string
  title: string
  /** Files of `servers/`; the ratios are to the first. */
  servers: string[]
  /** Rounds of the base and the plugin; the rivals stop after three. */
  rounds: number
  /** In `--quick`: these servers only, over two rounds. Left out where the case is not part of it. */
  quick?: string[]
  workload?: Partial<Workload>
  /** Paths that are verified beforehand; `/sample` unless told. */
  verify?: string[]
  /** The first that has a ratio is the one in the chart. */
  metrics: Metric[]
  measure: (context: Context) => Promise<Record<string, number>>
}

export const RIVALS = ['fastify-readable', 'fastify-sse', 'fastify-sse-v2', 'better-sse', 'hono', 'h3']

export const MB = 1024 * 1024
