import type { FiniteResult } from '../finite-client.ts'
import type { Usage } from '../usage.ts'
import { FINITE_EVENTS } from '../sources.ts'
import type { Case, Context, Metric } from './case.ts'

export const FINITE_METRICS: Metric[] = [
  { key: 'rate', label: 'streams/s', digits: 0, better: 'higher' },
  { key: 'cpu', label: 'CPU us/stream', digits: 1, better: 'lower' },
  { key: 'serverBusy', label: 'server busy %', digits: 0 },
  { key: 'clientBusy', label: 'client busy %', digits: 0 }
]

/** Short streams, whole: what opening and ending one costs. */
export const finite: Case = {
  name: 'finite',
  title: `Whole streams of ${FINITE_EVENTS} events, autocannon on 10 connections`,
  servers: ['base', 'typed-sse', 'fastify-readable', 'fastify-sse', 'fastify-sse-v2'],
  rounds: 3,
  verify: ['/finite'],
  metrics: FINITE_METRICS,
  measure: context => measureFinite(context, 'finite', {})
}

/** @param call the client's function, and what it is told beside the port */
export async function measureFinite ({ server, client, port }: Context, call: string, options: object): Promise<Record<string, number>> {
  await client.call(call, { port, seconds: 1, ...options })
  const before = await server.call<Usage>('usage')
  const { streams, ms, busy } = await client.call<FiniteResult>(call, { port, seconds: 2, ...options })
  const after = await server.call<Usage>('usage')
  const cpu = after.cpu - before.cpu
  return {
    rate: streams / ms * 1000,
    cpu: cpu / streams,
    serverBusy: cpu / (after.at - before.at) * 100,
    clientBusy: busy * 100
  }
}
