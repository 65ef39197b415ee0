import { percentile } from '../stats.ts'
import { RIVALS, type Case } from './case.ts'

const FLOOD = 1500
const LEAD = 300
/** The last request is made well within the flood. */
const PROBING = FLOOD - 2 * LEAD

/** While one stream floods from a source that is always ready, others ask for one event: how long do they wait? */
export const fairness: Case = {
  name: 'fairness',
  title: 'First event of another request during a flood',
  servers: ['base', 'typed-sse', ...RIVALS],
  rounds: 3,
  brief: 1,
  workload: { floodFor: FLOOD },
  metrics: [
    { key: 'p50', label: 'median ms', digits: 1, better: 'lower' },
    { key: 'worst', label: 'worst ms', digits: 1, better: 'lower' },
    { key: 'probes', label: 'requests answered', digits: 0 }
  ],
  async measure ({ client, port, another }) {
    const prober = another()
    await prober.call('window', { ms: 0 })
    const flood = client.call('flood', { port, connections: 1 })
    flood.catch(() => {})
    await new Promise(resolve => setTimeout(resolve, LEAD))
    const times = await prober.call<number[]>('probe', { port, budget: PROBING })
    await flood
    return { p50: percentile(times, 0.5) / 1000, worst: percentile(times, 1) / 1000, probes: times.length }
  }
}
