import type { Case } from './cases/case.ts'
import type { Machine } from './machine.ts'
import { spread, type Spread } from './stats.ts'

export interface Cell { value: Spread, ratio?: Spread }

export interface CaseResult {
  name: string
  title: string
  rounds: number
  baseline: string
  metrics: Case['metrics']
  note?: string
  servers: Array<{ server: string, cells: Record<string, Cell>, failed?: string }>
}

export interface Results { command: string, machine: Machine, cases: CaseResult[] }

/** One server's numbers in each round; undefined where it failed. */
export type Samples = Map<string, Array<Record<string, number> | undefined>>

/** Medians over the rounds; a ratio is taken within its round, where both ran under the same conditions, before it is summed up. */
export function summarize (one: Case, rounds: number, samples: Samples, failures: Map<string, string>): CaseResult {
  const baseline = samples.keys().next().value as string
  const reference = samples.get(baseline) ?? []
  const servers = Array.from(samples, ([server, own]) => {
    const cells: Record<string, Cell> = {}
    for (const { key, better } of one.metrics) {
      const values = own.flatMap(sample => sample?.[key] ?? [])
      if (values.length === 0) continue
      const ratios = own.flatMap((sample, round) => {
        const missing = sample?.[key] === undefined || reference[round]?.[key] === undefined
        return missing ? [] : sample[key] as number / (reference[round]?.[key] as number)
      })
      cells[key] = { value: spread(values), ...better && ratios.length > 0 && { ratio: spread(ratios) } }
    }
    const failed = failures.get(server)
    return { server, cells, ...failed !== undefined && { failed } }
  })
  return { name: one.name, title: one.title, rounds, baseline, metrics: one.metrics, servers, ...one.note !== undefined && { note: one.note } }
}
