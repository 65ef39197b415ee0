import { existsSync } from 'node:fs'
import type { FanResult } from '../fan-client.ts'
import { compileReader } from '../fan-reader.ts'
import type { Usage } from '../usage.ts'
import type { Case, Context, Metric } from './case.ts'

const WARM_UP = 300

/** nchan is C within nginx; its rows are left out where Debian's package is not installed. */
const HAS_NCHAN = existsSync('/usr/lib/nginx/modules/ngx_nchan_module.so')

/** Node's own client takes more CPU for a delivery than the servers do. */
const READER = compileReader()

const NOTES = [
  ...HAS_NCHAN ? [] : ['nchan is left out: apt-get install nginx libnginx-mod-nchan'],
  ...READER === undefined ? ['read by Node, which is slower than the servers, so only CPU counts: no `cc` on Linux was found'] : []
]

export const FAN_OUT_METRICS: Metric[] = [
  { key: 'cpu', label: 'CPU us/delivery', digits: 2, better: 'lower' },
  { key: 'rate', label: 'deliveries/s', digits: 0, better: 'higher' },
  { key: 'p50', label: 'p50 us', digits: 0 },
  { key: 'p99', label: 'p99 us', digits: 0 },
  { key: 'blocked', label: 'longest block ms', digits: 1 },
  { key: 'joined', label: 'all joined ms', digits: 0, better: 'lower' },
  { key: 'joinBlocked', label: 'block in joining ms', digits: 1 },
  { key: 'serverBusy', label: 'server busy %', digits: 0 },
  { key: 'clientBusy', label: 'client busy %', digits: 0 }
]

/** One topic: `n` messages are published at a time, the next ones when all readers have them. */
function fanOut (readers: number, size: number, n: number, ms: number, brief: number | false): Case {
  return {
    name: `fan-out-${readers}-${size}-${n}`,
    title: `Fan-out to ${readers.toLocaleString('en')} readers: ${size} B, ${n === 1 ? 'one message in flight' : `bursts of ${n}`}`,
    servers: ['fan-loop', 'fan-topic', 'fan-socket', 'fan-fastify-sse', 'fan-better-sse', ...HAS_NCHAN ? ['fan-nchan'] : []],
    ...NOTES.length > 0 && { note: NOTES.join('; ') },
    rounds: 3,
    brief,
    verify: [],
    metrics: FAN_OUT_METRICS,
    measure: context => measureFanOut(context, { readers, size, n, ms })
  }
}

export interface FanOut { readers: number, size: number, n: number, ms: number, sessions?: number }

export async function measureFanOut ({ server, client, port }: Context, { readers, ms, ...messages }: FanOut): Promise<Record<string, number>> {
  const { sessions } = messages
  const program = sessions === undefined ? READER : undefined
  const fan = program === undefined ? 'fan' : 'fanReaders'
  const joinBlocked = server.call<number>('watchLoop', { duration: readers / 5 })
  const joined = await client.call<number>(program === undefined ? 'join' : 'joinReaders', { program, port, sessions, count: readers })
  await client.call(fan, { port, ...messages, ms: WARM_UP })
  const blocked = server.call<number>('watchLoop', { duration: ms })
  const before = await server.call<Usage>('usage')
  const result = await client.call<FanResult>(fan, { port, ...messages, ms })
  const after = await server.call<Usage>('usage')
  const cpu = after.cpu - before.cpu
  return {
    cpu: cpu / result.deliveries,
    rate: result.deliveries / result.ms * 1000,
    p50: result.p50,
    p99: result.p99,
    blocked: await blocked,
    joined,
    joinBlocked: await joinBlocked,
    serverBusy: cpu / (after.at - before.at) * 100,
    clientBusy: result.busy * 100
  }
}

export const fanOuts = [
  fanOut(1000, 100, 1, 2000, 2),
  fanOut(1000, 100, 16, 2000, 1),
  fanOut(1000, 1024, 1, 2000, false),
  fanOut(10_000, 100, 1, 3000, 1),
  fanOut(10_000, 1024, 8, 3000, 1)
]
