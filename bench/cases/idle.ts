import type { Usage } from '../usage.ts'
import { RIVALS, type Case } from './case.ts'

const FIRST = 500
const MORE = 3000

/** What one more open stream costs while nothing is sent: one event has gone out, the source waits. */
export const idle: Case = {
  name: 'idle',
  title: `Memory per idle open stream, ${MORE.toLocaleString('en')} streams`,
  servers: ['held', 'base', 'typed-sse', 'idle-topic', 'idle-run', ...RIVALS],
  rounds: 3,
  metrics: [
    { key: 'rss', label: 'RSS KB/stream', digits: 1, better: 'lower' },
    { key: 'heap', label: 'heap KB/stream', digits: 1, better: 'lower' }
  ],
  async measure ({ server, client, port }) {
    // the first streams pay for what is shared, such as compiled code
    await client.call('hold', { port, path: '/idle', connections: FIRST })
    const before = await server.call<Usage>('collect')
    await client.call('hold', { port, path: '/idle', connections: MORE })
    const after = await server.call<Usage>('collect')
    return { rss: (after.rss - before.rss) / 1024 / MORE, heap: (after.heap - before.heap) / 1024 / MORE }
  }
}
