// HTTP/2 without TLS: many streams on a connection, and on several.
import { FINITE_EVENTS } from '../sources.ts'
import { FAN_OUT_METRICS, measureFanOut } from './fan-out.ts'
import { FINITE_METRICS, measureFinite } from './finite.ts'
import { FLOOD_METRICS, measureFlood } from './flood.ts'
import type { Case } from './case.ts'
import { measureWindow } from './tick.ts'

const SERVERS = ['http2-base', 'http2-hijacked', 'http2-typed-sse']
const FAN_OUT = { readers: 1000, sessions: 10, size: 100 }
const STALLED = ', one stalled'
const LIVE = 99

const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`

function finiteHttp2 (sessions: number, streams: number): Case {
  return {
    name: `http2-finite-${sessions}`,
    title: `HTTP/2: whole streams of ${FINITE_EVENTS} events, ${plural(streams, 'stream')} at a time on ${plural(sessions, 'connection')}`,
    servers: SERVERS,
    rounds: 5,
    sessions,
    verify: ['/finite'],
    metrics: FINITE_METRICS,
    measure: context => measureFinite(context, 'finiteHttp2', { sessions, streams })
  }
}

function floodHttp2 (sessions: number, streams: number, brief?: false): Case {
  return {
    name: `http2-flood-${streams}-${sessions}`,
    title: `HTTP/2: flood of 70-byte events, ${plural(streams, 'stream')} on ${plural(sessions, 'connection')}`,
    servers: SERVERS,
    rounds: 5,
    ...brief === false && { brief },
    sessions,
    workload: { connections: streams },
    metrics: FLOOD_METRICS,
    measure: context => measureFlood(context, streams, sessions)
  }
}

function fanOutHttp2 (n: number, brief?: false): Case {
  return {
    name: `http2-fan-out-${n}`,
    title: `HTTP/2: fan-out to 1,000 readers on 10 connections: 100 B, ${n === 1 ? 'one message in flight' : `bursts of ${n}`}`,
    servers: ['http2-fan-loop', 'http2-fan-topic'],
    rounds: 3,
    ...brief === false && { brief },
    sessions: FAN_OUT.sessions,
    verify: [],
    metrics: FAN_OUT_METRICS,
    measure: context => measureFanOut(context, { ...FAN_OUT, n, ms: 2000 })
  }
}

/** One connection: its other streams have an event per 20 ms each, one is sent 64 KB events and its window never widened. */
const stallHttp2: Case = {
  name: 'http2-stall',
  title: `HTTP/2: ${LIVE} streams on a connection, with and without one more that is not read`,
  servers: ['http2-typed-sse', 'http2-typed-sse' + STALLED, 'http2-base', 'http2-base' + STALLED],
  rounds: 5,
  brief: 1,
  sessions: 1,
  metrics: [
    { key: 'cpu', label: 'CPU us/event', digits: 1, better: 'lower' },
    { key: 'p50', label: 'p50 us', digits: 0, better: 'lower' },
    { key: 'p99', label: 'p99 us', digits: 0, better: 'lower' },
    { key: 'rate', label: 'events/s', digits: 0 }
  ],
  async measure (context) {
    const { row, client, port } = context
    if (row.includes(STALLED)) await client.call('stall', { port, sessions: 1 })
    await client.call('hold', { port, sessions: 1, path: '/tick', connections: LIVE })
    const { cpu, p50, p99, rate } = await measureWindow(context, 2000) as { cpu: number, p50: number, p99: number, rate: number }
    return { cpu, p50, p99, rate }
  }
}

export const http2Cases = [
  finiteHttp2(1, 100),
  finiteHttp2(10, 100),
  floodHttp2(1, 1),
  floodHttp2(1, 10),
  floodHttp2(10, 10, false),
  fanOutHttp2(1),
  fanOutHttp2(16, false),
  stallHttp2
]
