import { microseconds, payloadOf, type Payload } from './payload.ts'

/** What a case asks of the sources; every server of the case gets the same. */
export interface Workload {
  /** How many `/flood` streams start together. */
  connections: number
  /** How long a `/flood` lasts, ms. */
  floodFor: number
  /** Time between two events of one `/tick` stream, ms. */
  interval: number
  /** Heartbeat interval of the servers that have one, ms; false for none. */
  heartbeat: number | false
}

export type Source = () => AsyncGenerator<Payload, void, void>
export type Routes = Record<string, Source>

export const SAMPLE_EVENTS = 1000
export const FINITE_EVENTS = 20
/** Between the numbers of streams that flood side by side: more than one gives in a second. */
const STREAM_OFFSET = 10_000_019
export const LARGE_TOKEN = 'x'.repeat(64 * 1024)

/** The streams every server offers, by path, and the number of events that were pulled from each. */
export function createSources (workload: Workload): { routes: Routes, pulled: Record<string, number> } {
  const pulled: Record<string, number> = {}
  const parked = new Set<() => void>()
  let waiting: Array<() => void> = []
  let deadline = 0
  let streams = 0

  /** Streams wait for each other, so that a stream which starves the others cannot end before they began. */
  async function together () {
    if (waiting.length + 1 === workload.connections) {
      deadline = performance.now() + workload.floodFor
      for (const release of waiting) release()
      waiting = []
    } else {
      await new Promise<void>(resolve => waiting.push(resolve))
    }
  }

  async function * flood () {
    const offset = streams++ * STREAM_OFFSET
    await together()
    let id = 0
    // a look at the clock costs as much as making the event, so one look serves 256
    while ((id & 255) !== 0 || performance.now() < deadline) yield payloadOf(id++, offset)
    pulled.flood = (pulled.flood ?? 0) + id
  }

  async function * tick () {
    for (let id = 0; ; id++) {
      // At random, or the timers of streams that once fired together would do so from then on, and latency would be that of the crowd.
      await new Promise(resolve => setTimeout(resolve, workload.interval * (0.5 + Math.random())))
      yield { ...payloadOf(id), ts: microseconds() }
    }
  }

  async function * large () {
    for (let id = 0; ; id++) {
      await new Promise(resolve => setTimeout(resolve, 2))
      pulled.large = id + 1
      yield { ...payloadOf(id), token: LARGE_TOKEN }
    }
  }

  async function * idle () {
    yield payloadOf(0)
    // held here, or the collector would take a stream that nothing can wake
    await new Promise<void>(resolve => parked.add(resolve))
  }

  const count = (events: number) => async function * () {
    for (let id = 0; id < events; id++) yield payloadOf(id)
  }

  return {
    routes: {
      '/flood': flood,
      '/tick': tick,
      '/large': large,
      '/idle': idle,
      '/sample': count(SAMPLE_EVENTS),
      '/finite': count(FINITE_EVENTS),
      '/one': count(1)
    },
    pulled
  }
}
