import type { WindowResult } from '../client.ts'
import type { Usage } from '../usage.ts'
import { RIVALS, type Case, type Context, type Metric } from './case.ts'

const WARM_UP = 500

const METRICS: Metric[] = [
  { key: 'cpu', label: 'CPU us/event', digits: 1, better: 'lower' },
  { key: 'p50', label: 'p50 us', digits: 0, better: 'lower' },
  { key: 'p99', label: 'p99 us', digits: 0, better: 'lower' },
  { key: 'rate', label: 'events/s', digits: 0 },
  { key: 'serverBusy', label: 'server busy %', digits: 0 },
  { key: 'clientBusy', label: 'client busy %', digits: 0 }
]

interface Ticking { name: string, title: string, connections: number, interval: number, ms: number, rounds: number, servers: string[], brief?: false, quick?: string[], first?: string }

/** Lone events at their own times: what an event costs, and how long it is on its way from the source to the client's read. */
function ticking ({ name, title, connections, interval, ms, rounds, servers, brief, quick, first = 'cpu' }: Ticking): Case {
  return {
    name,
    title,
    servers: ['base', 'typed-sse', ...servers],
    rounds,
    ...brief === false && { brief },
    ...quick && { quick },
    workload: { interval },
    metrics: METRICS.toSorted((a, b) => Number(b.key === first) - Number(a.key === first)),
    measure: async (context) => {
      await context.client.call('hold', { port: context.port, path: '/tick', connections })
      return measureWindow(context, ms)
    }
  }
}

export async function measureWindow ({ server, client }: Context, ms: number): Promise<Record<string, number>> {
  await client.call<WindowResult>('window', { ms: WARM_UP })
  const before = await server.call<Usage>('usage')
  const seen = await client.call<WindowResult>('window', { ms })
  const after = await server.call<Usage>('usage')
  const cpu = after.cpu - before.cpu
  return {
    cpu: cpu / seen.events,
    p50: seen.p50,
    p99: seen.p99,
    rate: seen.events / seen.ms * 1000,
    serverBusy: cpu / (after.at - before.at) * 100,
    clientBusy: seen.busy * 100
  }
}

export const tick1000 = ticking({
  name: 'tick-1000',
  title: '1,000 connections, an event per 20 ms each',
  connections: 1000,
  interval: 20,
  ms: 1500,
  rounds: 5,
  servers: RIVALS
})

export const trickles = [
  ticking({
    name: 'trickle-1',
    title: 'Trickle: 1 connection, a lone event per 4 ms',
    connections: 1,
    interval: 4,
    ms: 2000,
    rounds: 5,
    servers: ['fastify-sse'],
    quick: ['base', 'typed-sse'],
    first: 'p50'
  }),
  ticking({
    name: 'trickle-200',
    title: 'Trickle: 200 connections, lone events, one per 20 ms each',
    connections: 200,
    interval: 20,
    ms: 4000,
    rounds: 5,
    brief: false,
    servers: ['fastify-sse'],
    quick: ['base', 'typed-sse'],
    first: 'p50'
  })
]
