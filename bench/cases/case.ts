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
  /** The row that is measured, of {@link Case.servers}. */
  row: string
  server: Remote
  client: Remote
  port: number
  /** Another client process; stopped with the rest. */
  another: () => Remote
}

export interface Case {
  name: string
  title: string
  /**
   * The rows: a file of `servers/`, and after a comma what is different about it, for rows that share one. The ratios are to the first.
   */
  servers: string[]
  /** Rounds of the base and the plugin; the rivals stop after three. */
  rounds: number
  /** Rounds in a run of all cases, where the rivals have one; 2 unless told. False where it runs only if it is named, or with `--full`. */
  brief?: number | false
  /** In `--quick`: these servers only, over two rounds. Left out where the case is not part of it. */
  quick?: string[]
  workload?: Partial<Workload>
  /** Of this folder's parent, in place of `host.ts` and `client.ts`: two processes without HTTP, each given the row and the build. */
  script?: string
  /** The number of HTTP/2 connections; left out over HTTP/1.1. */
  sessions?: number
  /** Paths that are verified beforehand; `/sample` unless told. */
  verify?: string[]
  /** The first that has a ratio is the one in the chart. */
  metrics: Metric[]
  /** Printed below the table, or in its place where there is no row. */
  note?: string
  measure: (context: Context) => Promise<Record<string, number>>
}

export const RIVALS = ['fastify-readable', 'fastify-sse', 'fastify-sse-v2', 'better-sse', 'hono', 'h3']

const FAN_OUT_RIVALS = ['fan-socket', 'fan-fastify-sse', 'fan-better-sse', 'fan-nchan']

/** Whether a row is measured in fewer rounds. */
export const isRival = (row: string): boolean => RIVALS.includes(row) || FAN_OUT_RIVALS.includes(row)

/** Files of `servers/` that load the plugin from the build they are given. */
const PLUGIN = ['typed-sse', 'idle-topic', 'idle-run', 'fan-topic', 'http2-typed-sse', 'http2-fan-topic', 'resume-topic', 'resume-run']

/** The file of `servers/` that a row is about. */
export const fileOf = (row: string): string => row.split(', ')[0] as string

export const isPlugin = (row: string): boolean => PLUGIN.includes(fileOf(row))

export const takesBuild = ({ script }: Case, row: string): boolean => script !== undefined || isPlugin(row)

export const MB = 1024 * 1024
