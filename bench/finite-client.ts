import { createRequire } from 'node:module'
import { FINITE_EVENTS } from './sources.ts'
import { openStream } from './transport.ts'

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

/** The same over HTTP/2: so many streams at a time, spread over the connections. */
export async function finiteHttp2 ({ port, sessions, streams, seconds }: { port: number, sessions: number, streams: number, seconds: number }): Promise<FiniteResult> {
  const before = process.cpuUsage()
  const started = performance.now()
  let done = 0
  await Promise.all(Array.from({ length: streams }, async () => {
    while (performance.now() - started < seconds * 1000) {
      const reader = openStream({ port, sessions }, '/finite')
      await reader.ended
      if (reader.frames !== FINITE_EVENTS) throw new Error(`read ${reader.frames} events of ${FINITE_EVENTS}`)
      done++
    }
  }))
  const ms = performance.now() - started
  const { user, system } = process.cpuUsage(before)
  return { streams: done, ms, busy: (user + system) / 1000 / ms }
}
