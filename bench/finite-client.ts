import { createRequire } from 'node:module'

interface Report { errors: number, timeouts: number, non2xx: number, duration: number, requests: { total: number } }
type Autocannon = (options: { url: string, connections: number, duration: number }) => Promise<Report>

export interface FiniteResult { streams: number, ms: number, busy: number }

/** Whole streams, one after the other on ten connections that are kept open. */
export async function finite ({ port, seconds }: { port: number, seconds: number }): Promise<FiniteResult> {
  const autocannon = createRequire(import.meta.url)('autocannon') as Autocannon
  const before = process.cpuUsage()
  const report = await autocannon({ url: `http://127.0.0.1:${port}/finite`, connections: 10, duration: seconds })
  const { user, system } = process.cpuUsage(before)
  if (report.errors + report.timeouts + report.non2xx > 0) {
    throw new Error(`${report.errors} errors, ${report.timeouts} timeouts, ${report.non2xx} refusals`)
  }
  const ms = report.duration * 1000
  return { streams: report.requests.total, ms, busy: (user + system) / 1000 / ms }
}
