// Readers of a topic that stopped reading: what the others pay, and what they hold.
import type { Usage } from '../usage.ts'
import type { Remote } from '../remote.ts'
import type { Case, Context } from './case.ts'
import { measureFanOut } from './fan-out.ts'

const READERS = 1000
const STALLED = 100
const TENTH = ', a tenth stalled'
/** 8 MB for each reader: more than the kernel takes for one that does not read, in messages that a store accepts. */
const FILLING = { times: 128, n: 1, size: 64 * 1024 }

const HOLDING = 10
const HELD = { size: 1024, rate: 1000 }
const RING_FILLED = 2000

const stalledTenth: Case = {
  name: 'fan-stalled',
  title: `Fan-out to ${(READERS - STALLED).toLocaleString('en')} readers, with and without ${STALLED} more that have stopped reading: 100 B, one message in flight`,
  servers: ['fan-topic', 'fan-topic' + TENTH],
  rounds: 5,
  verify: [],
  metrics: [
    { key: 'cpu', label: 'CPU us/delivery', digits: 2, better: 'lower' },
    { key: 'p50', label: 'p50 us', digits: 0, better: 'lower' },
    { key: 'p99', label: 'p99 us', digits: 0, better: 'lower' },
    { key: 'rate', label: 'deliveries/s', digits: 0 },
    { key: 'blocked', label: 'longest block ms', digits: 1 }
  ],
  async measure (context) {
    const { row, server, client, port } = context
    const stalled = row.includes(TENTH) ? STALLED : 0
    await client.call('join', { port, count: 0, stalled })
    await client.call('publishAll', { port, ...FILLING })
    const full = await server.call<number>('waiting')
    if (full !== stalled) throw new Error(`${full} of ${stalled} readers that do not read are full`)
    const { cpu, p50, p99, rate, blocked } = await measureFanOut(context, { readers: READERS - STALLED, size: 100, n: 1, ms: 2000 }) as Record<'cpu' | 'p50' | 'p99' | 'rate' | 'blocked', number>
    return { cpu, p50, p99, rate, blocked }
  }
}

function hold (seconds: number, brief: 1 | false): Case {
  return {
    name: `fan-hold-${seconds}`,
    title: `${HOLDING} readers that have stopped reading, ${seconds} s of 1 KB messages at ${HELD.rate.toLocaleString('en')}/s`,
    servers: ['fan-loop', 'fan-topic'],
    rounds: 1,
    brief,
    verify: [],
    note: 'Beyond what the process holds with one reader that reads, and what the kernel has taken.',
    metrics: [
      { key: 'full', label: 'readers full', digits: 0 },
      { key: 'outside', label: 'buffers KB/reader', digits: 0, better: 'lower' },
      { key: 'heap', label: 'heap KB/reader', digits: 0, better: 'lower' },
      { key: 'rss', label: 'RSS KB/reader', digits: 0, better: 'lower' },
      { key: 'peak', label: 'peak RSS MB', digits: 0 }
    ],
    measure: context => measureHeld(context, seconds)
  }
}

async function measureHeld ({ server, client, port }: Context, seconds: number) {
  await client.call('join', { port, count: 1 })
  await publishPaced(client, port, RING_FILLED)
  const before = await server.call<Usage>('collect')
  await client.call('join', { port, count: 0, stalled: HOLDING })
  await publishPaced(client, port, seconds * 1000)
  const full = await server.call<number>('waiting')
  const after = await server.call<Usage>('collect')
  const each = (bytes: number) => bytes / 1024 / HOLDING
  return {
    full,
    outside: each(after.external - before.external),
    heap: each(after.heap - before.heap),
    rss: each(after.rss - before.rss),
    peak: after.peak / 1024 / 1024
  }
}

function publishPaced (client: Remote, port: number, ms: number) {
  return client.call('publishPaced', { port, ...HELD, ms }, ms + 60_000)
}

export const fanStalled = [stalledTenth, hold(10, 1), hold(60, false)]
