import type { FiniteResult } from '../finite-client.ts'
import type { Usage } from '../host.ts'
import { FINITE_EVENTS } from '../sources.ts'
import type { Case } from './case.ts'

/** Short streams, whole: what opening and ending one costs. */
export const finite: Case = {
  name: 'finite',
  title: `Whole streams of ${FINITE_EVENTS} events, autocannon on 10 connections`,
  servers: ['base', 'typed-sse', 'fastify-readable', 'fastify-sse', 'fastify-sse-v2'],
  rounds: 3,
  verify: ['/finite'],
  metrics: [
    { key: 'rate', label: 'streams/s', digits: 0, better: 'higher' },
    { key: 'cpu', label: 'CPU us/stream', digits: 1, better: 'lower' },
    { key: 'serverBusy', label: 'server busy %', digits: 0 },
    { key: 'clientBusy', label: 'client busy %', digits: 0 }
  ],
  async measure ({ server, client, port }) {
    await client.call('finite', { port, seconds: 1 })
    const before = await server.call<Usage>('usage')
    const { streams, ms, busy } = await client.call<FiniteResult>('finite', { port, seconds: 2 })
    const after = await server.call<Usage>('usage')
    const cpu = after.cpu - before.cpu
    return {
      rate: streams / ms * 1000,
      cpu: cpu / streams,
      serverBusy: cpu / (after.at - before.at) * 100,
      clientBusy: busy * 100
    }
  }
}
