import { spawnSync } from 'node:child_process'
import type { Slot } from '../host.ts'
import type { Usage } from '../usage.ts'
import type { Remote } from '../remote.ts'
import { MB, type Case, type Context } from './case.ts'
import { SLOT, summarizeBeats } from './heartbeats.ts'

const INTERVAL = 6000
/** Below the number of ports that a client's address has for one server. */
const MOST = 25_000
/** Files that a process needs beside its connections. */
const SPARE = 1000
const CLIENTS = 3
/** What production would have, ms: the plugin's default. */
const USUAL_INTERVAL = 15_000
const PROJECTED = 100_000

const READERS = streams()

/** Node itself raises the soft limit to the hard one. */
function streams () {
  const limit = Number(spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout)
  return Math.min(MOST, Number.isNaN(limit) ? MOST : limit - SPARE)
}

/** As many readers of a topic as one process may have open: they join, wait, get an event, and leave. */
export const many: Case = {
  name: 'many',
  title: `${READERS.toLocaleString('en')} open streams, the limit of one process here: readers of a topic, heartbeats every ${INTERVAL} ms`,
  servers: ['fan-loop', 'fan-topic'],
  rounds: 3,
  brief: 1,
  workload: { heartbeat: INTERVAL },
  verify: [],
  note: `The last three columns are ${PROJECTED.toLocaleString('en')} streams by the cost of each, with heartbeats every ${USUAL_INTERVAL / 1000} s.`,
  metrics: [
    { key: 'joined', label: 'joined/s', digits: 0, better: 'higher' },
    { key: 'rss', label: 'RSS KB/stream', digits: 1, better: 'lower' },
    { key: 'heap', label: 'heap KB/stream', digits: 1, better: 'lower' },
    { key: 'cpuPerBeat', label: 'CPU us/beat', digits: 1, better: 'lower' },
    { key: 'quiet', label: 'CPU % between beats', digits: 2 },
    { key: 'beatBlocked', label: 'block in beats ms', digits: 1 },
    { key: 'last', label: 'event at the last ms', digits: 0, better: 'lower' },
    { key: 'blocked', label: 'block in publishing ms', digits: 1 },
    { key: 'left', label: 'heap B/stream after leaving', digits: 0 },
    { key: 'leftRss', label: 'RSS MB more after', digits: 0 },
    { key: 'rss100k', label: 'RSS MB', digits: 0 },
    { key: 'cpu100k', label: 'CPU % of beats', digits: 1 },
    { key: 'last100k', label: 'at the last ms', digits: 0 }
  ],
  async measure (context) {
    const { server, client, port, another } = context
    const clients = [client, ...Array.from({ length: CLIENTS - 1 }, another)]
    const before = await server.call<Usage>('collect')
    const joinedMs = await joinAll(clients, port)
    const after = await server.call<Usage>('collect')
    const beats = await watchBeats(context, clients)
    const { last, blocked } = await publishToAll(context, clients)
    await Promise.all(clients.map(one => one.call('leave')))
    await server.call('untilGone')
    const left = await server.call<Usage>('collect')
    const rss = (after.rss - before.rss) / READERS
    return {
      joined: READERS / joinedMs * 1000,
      rss: rss / 1024,
      heap: (after.heap - before.heap) / 1024 / READERS,
      ...beats,
      last,
      blocked,
      left: (left.heap - before.heap) / READERS,
      leftRss: (left.rss - before.rss) / MB,
      rss100k: rss * PROJECTED / MB,
      cpu100k: beats.cpuPerBeat * PROJECTED / USUAL_INTERVAL / 10,
      last100k: last * PROJECTED / READERS
    }
  }
}

async function joinAll (clients: Remote[], port: number) {
  const started = performance.now()
  await Promise.all(clients.map((client, i) => {
    const count = Math.floor((READERS + i) / clients.length)
    return client.call<number>('join', { port, count, width: SLOT })
  }))
  return performance.now() - started
}

async function watchBeats ({ server }: Context, clients: Remote[]) {
  // not before every stream has beaten once, so that the round is a regular one
  const beatBlocked = await server.call<number>('watchLoop', { duration: INTERVAL * 1.1 })
  for (const client of clients) await client.call('forget')
  const slots = await server.call<Slot[]>('watchCpu', { duration: INTERVAL * 1.1, width: SLOT })
  const fewest = await Promise.all(clients.map(client => client.call<number>('fewest')))
  if (fewest.includes(0)) throw new Error('a stream had no heartbeat in a whole round')
  const arrivals = await Promise.all(clients.map(client => client.call<Array<[number, number]>>('takeArrivals')))
  const { cpuPerBeat, quiet } = summarizeBeats(slots, arrivals.flat())
  return { beatBlocked, cpuPerBeat, quiet }
}

async function publishToAll ({ server, port }: Context, clients: Remote[]) {
  await server.call('beginWatch')
  const arrived = clients.map(client => client.call<number>('nextEvent'))
  const published = await (clients[0] as Remote).call<number>('publishOne', { port })
  const last = Math.max(...await Promise.all(arrived))
  return { last: (last - published) / 1000, blocked: await server.call<number>('endWatch') }
}
