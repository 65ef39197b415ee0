// The client's process.
import { countArrivals, takeArrivals } from './arrivals.ts'
import { connectAll, leaveAll } from './connect-client.ts'
import { fan, fewest, forget, join, leave, nextEvent, publishAll, publishOne, publishPaced } from './fan-client.ts'
import { fanReaders, joinReaders } from './fan-reader.ts'
import { finite, finiteHttp2 } from './finite-client.ts'
import { microseconds } from './payload.ts'
import { serve } from './remote.ts'
import { percentile } from './stats.ts'
import { type ReaderOptions, type StreamReader } from './stream-reader.ts'
import { openStream, stallStream, type Target } from './transport.ts'
import { verify } from './verify.ts'

/** Connections opened at the same time, well under the backlog a server listens with. */
const OPENING = 100

export interface FloodResult { events: number, ms: number, busy: number }
export interface WindowResult { events: number, ms: number, busy: number, p50: number, p99: number }

const open: StreamReader[] = []
/**
 * The latencies of a window, us. Not an array: a new one is of small integers at first, for which V8 throws away the code that
 * it made for the last, and the client stops for 2 ms.
 */
const latencies = new Float64Array(2 ** 20)
let measured = 0

function cpu () {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Reads streams to their end, and fails unless each gave every id from 0 once. */
async function flood ({ connections, ...target }: Target & { connections: number }): Promise<FloodResult> {
  const before = cpu()
  const started = microseconds()
  const readers = Array.from({ length: connections }, () => openStream(target, '/flood'))
  await Promise.all(readers.map(reader => reader.ended))
  const busy = (cpu() - before) / (microseconds() - started)
  for (const { frames, lastId } of readers) {
    if (frames !== lastId + 1) throw new Error(`read ${frames} events, but the last has the id ${lastId}`)
  }
  // from the request on: a server that buffers all before its first byte would look fast otherwise
  const last = Math.max(...readers.map(reader => reader.lastReadAt))
  return { events: readers.reduce((sum, { frames }) => sum + frames, 0), ms: (last - started) / 1000, busy }
}

/** Opens streams and leaves them open; resolves once each has given an event. */
async function hold ({ path, connections, width, ...target }: Target & { path: string, connections: number, width?: number }) {
  const options: ReaderOptions = {
    onLatency: path === '/tick' ? (sent, read) => { latencies[measured++] = read - sent } : undefined,
    onFrames: width === undefined ? undefined : frames => countArrivals(frames, width)
  }
  for (let opened = 0; opened < connections; opened += OPENING) {
    const batch = Array.from({ length: Math.min(OPENING, connections - opened) }, () => openStream(target, path, options))
    open.push(...batch)
    await Promise.all(batch.map(reader => reader.begun))
  }
}

/** Delivery latencies (us) over `ms` of the streams that are open. */
async function window ({ ms }: { ms: number }): Promise<WindowResult> {
  measured = 0
  const before = cpu()
  const started = microseconds()
  await new Promise(resolve => setTimeout(resolve, ms))
  const took = microseconds() - started
  const seen = latencies.subarray(0, measured)
  return { events: seen.length, ms: took / 1000, busy: (cpu() - before) / took, p50: percentile(seen, 0.5), p99: percentile(seen, 0.99) }
}

/** Times from connecting to the first event, us, of requests made one after the other for `budget` ms. */
async function probe ({ budget, ...target }: Target & { budget: number }) {
  const times: number[] = []
  const started = microseconds()
  while (microseconds() - started < budget * 1000) {
    const asked = microseconds()
    const reader = openStream(target, '/one')
    await reader.begun
    times.push(reader.firstFrameAt - asked)
    reader.close()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return times
}

serve({
  verify,
  flood,
  hold,
  window,
  probe,
  stall: (target: Target) => stallStream(target, '/large'),
  finite,
  finiteHttp2,
  connectAll,
  leaveAll,
  join,
  fan,
  joinReaders,
  fanReaders,
  forget,
  fewest,
  nextEvent,
  publishOne,
  publishAll,
  publishPaced,
  leave,
  takeArrivals
})
