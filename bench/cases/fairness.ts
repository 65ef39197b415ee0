import { percentile } from '../stats.ts'
import { RIVALS, type Case } from './case.ts'

const PROBES = 30
const BUDGET = 1000

/** While one stream floods from a source that is always ready, others ask for one event: how long do they wait? */
export const fairness: Case = {
  name: 'fairness',
  title: 'First event of another request during a flood',
  servers: ['base', 'typed-sse', ...RIVALS],
  rounds: 3,
  workload: { floodFor: BUDGET + 500 },
  metrics: [
    { key: 'p50', label: 'median ms', digits: 1, ratio: true },
    { key: 'worst', label: 'worst ms', digits: 1, ratio: true },
    { key: 'probes', label: 'requests answered', digits: 0 }
  ],
  async measure ({ client, port, another }) {
    const flood = client.call('flood', { port, connections: 1 })
    flood.catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 250))
    const times = await another().call<number[]>('probe', { port, count: PROBES, budget: BUDGET })
    await flood
    return { p50: percentile(times, 0.5) / 1000, worst: percentile(times, 1) / 1000, probes: times.length }
  }
}
