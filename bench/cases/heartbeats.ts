import { spawnSync } from 'node:child_process'
import type { Slot } from '../host.ts'
import type { Usage } from '../usage.ts'
import type { Case } from './case.ts'

const WANTED = 10_000
/** ms */
export const SLOT = 20
const SPARE = 500

/** As many as the limit on open files allows. */
function streams () {
  const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout)
  return Number.isNaN(limit) ? WANTED : Math.min(WANTED, limit - SPARE)
}

/** Idle streams and nothing but their heartbeats: the cost of a round, and how long it blocks the loop. */
export function heartbeats (interval: number): Case {
  const connections = streams()
  return {
    name: 'heartbeats',
    title: `Heartbeats every ${interval} ms, ${connections.toLocaleString('en')} idle streams`,
    servers: ['typed-sse'],
    rounds: 1,
    brief: 1,
    workload: { heartbeat: interval },
    metrics: [
      { key: 'beats', label: 'beats', digits: 0 },
      { key: 'cpuPerBeat', label: 'CPU us/beat', digits: 1 },
      { key: 'quiet', label: 'CPU % between beats', digits: 2 },
      { key: 'busy', label: 'CPU % over all', digits: 2 },
      { key: 'blocked', label: 'longest block ms', digits: 1 },
      { key: 'spread', label: 'time with beats %', digits: 0 }
    ],
    async measure ({ server, client, port }) {
      await client.call('hold', { port, path: '/idle', connections, width: SLOT })
      await server.call<Usage>('collect')
      // not before every stream has beaten once, so that the round is a regular one
      const blocked = await server.call<number>('watchLoop', { duration: interval * 1.1 })
      await client.call('takeArrivals')
      const slots = await server.call<Slot[]>('watchCpu', { duration: interval * 2, width: SLOT })
      return { ...summarizeBeats(slots, await client.call<Array<[number, number]>>('takeArrivals')), blocked }
    }
  }
}

/**
 * What the CPU was used for, by whether heartbeats arrived at the time.
 *
 * @param arrivals the number of frames by slot; a slot may come several times
 */
export function summarizeBeats (slots: Slot[], arrivals: Array<[slot: number, frames: number]>): Record<'beats' | 'cpuPerBeat' | 'quiet' | 'busy' | 'spread', number> {
  const heard = new Set(arrivals.map(([slot]) => slot))
  const beating = ({ from, to }: Slot) => {
    const first = Math.floor(from / 1000 / SLOT)
    const last = Math.floor(to / 1000 / SLOT)
    for (let slot = first - 1; slot <= last + 1; slot++) if (heard.has(slot)) return true
    return false
  }
  const share = (some: Slot[]) => sum(some, ({ cpu }) => cpu) / sum(some, ({ from, to }) => to - from) * 100
  const loud = slots.filter(beating)
  const quiet = slots.filter(slot => !beating(slot))
  const beats = sum(arrivals, ([, frames]) => frames)
  return {
    beats,
    cpuPerBeat: sum(loud, ({ cpu }) => cpu) / beats,
    quiet: share(quiet),
    busy: share(slots),
    spread: loud.length / slots.length * 100
  }
}

function sum<T> (items: T[], valueOf: (item: T) => number) {
  return items.reduce((total, item) => total + valueOf(item), 0)
}
