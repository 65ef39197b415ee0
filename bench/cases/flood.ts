import type { FloodResult } from '../client.ts'
import type { HostUsage } from '../host.ts'
import { MB, RIVALS, type Case, type Context, type Metric } from './case.ts'

const WARM_UP = 400
const MEASURED = 800

export const FLOOD_METRICS: Metric[] = [
  { key: 'rate', label: 'events/s', digits: 0, better: 'higher' },
  { key: 'cpu', label: 'CPU us/event', digits: 2, better: 'lower' },
  { key: 'serverBusy', label: 'server busy %', digits: 0 },
  { key: 'clientBusy', label: 'client busy %', digits: 0 },
  { key: 'peak', label: 'peak RSS MB', digits: 0 }
]

/** Events as fast as they go: a source that is always ready, a client that reads all. */
function flood (connections: number): Case {
  return {
    name: `flood-${connections}`,
    title: `Flood of 70-byte events, ${connections} connection${connections > 1 ? 's' : ''}`,
    servers: ['base', 'typed-sse', ...RIVALS],
    rounds: 5,
    quick: ['base', 'typed-sse', 'fastify-sse'],
    workload: { connections },
    metrics: FLOOD_METRICS,
    measure: context => measureFlood(context, connections)
  }
}

/** @param sessions the HTTP/2 connections that the streams share */
export async function measureFlood ({ server, client, port }: Context, connections: number, sessions?: number): Promise<Record<string, number>> {
  await server.call('configure', { floodFor: WARM_UP })
  const warm = await client.call<FloodResult>('flood', { port, connections, sessions })
  await server.call('configure', { floodFor: MEASURED })
  const before = await server.call<HostUsage>('usage')
  const { events, ms, busy } = await client.call<FloodResult>('flood', { port, connections, sessions })
  const after = await server.call<HostUsage>('usage')
  if (after.pulled.flood !== warm.events + events) {
    throw new Error(`${after.pulled.flood} events were pulled, ${warm.events + events} arrived`)
  }
  const cpu = after.cpu - before.cpu
  return {
    rate: events / ms * 1000,
    cpu: cpu / events,
    serverBusy: cpu / (after.at - before.at) * 100,
    clientBusy: busy * 100,
    peak: after.peak / MB
  }
}

export const floods = [flood(1), flood(10)]
