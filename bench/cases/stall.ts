import type { HostUsage } from '../host.ts'
import { LARGE_TOKEN } from '../sources.ts'
import { MB, type Case } from './case.ts'
import { measureWindow } from './tick.ts'

const LIVE = 999

/** One client asks for 64 KB events, one per 2 ms, and never reads; what does it hold, and do the others notice? */
export const stall: Case = {
  name: 'stall',
  title: 'One of 1,000 clients never reads',
  servers: ['base', 'typed-sse', 'fastify-readable', 'fastify-sse', 'better-sse'],
  rounds: 3,
  brief: 1,
  workload: { interval: 20 },
  metrics: [
    { key: 'cpu', label: 'CPU us/event', digits: 1, better: 'lower' },
    { key: 'p50', label: 'p50 us', digits: 0, better: 'lower' },
    { key: 'p99', label: 'p99 us', digits: 0, better: 'lower' },
    { key: 'held', label: 'held for it, KB', digits: 0 },
    { key: 'peak', label: 'peak RSS MB', digits: 0 }
  ],
  async measure (context) {
    const { server, client, port } = context
    await client.call('stall', { port })
    await client.call('hold', { port, path: '/tick', connections: LIVE })
    const { cpu, p50, p99 } = await measureWindow(context, 1500) as { cpu: number, p50: number, p99: number }
    const { peak, pulled } = await server.call<HostUsage>('usage')
    const held = (pulled.large ?? 0) * LARGE_TOKEN.length - await server.call<number>('mostTaken')
    return { cpu, p50, p99, held: held / 1024, peak: peak / MB }
  }
}
