// The readers of the fan-out cases, and who asks for messages: the next ones when all readers have the last.
import http from 'node:http'
import { countArrivals } from './arrivals.ts'
import { microseconds } from './payload.ts'
import { percentile } from './stats.ts'
import { type StreamReader } from './stream-reader.ts'
import { openStream, postHttp2, stallStream, type Target } from './transport.ts'

/** Connections opened at the same time, well under the backlog that the servers listen with. */
const OPENING = 1000
/** Every n-th delivery's latency is kept. */
const SAMPLE = 16

export interface FanResult { deliveries: number, ms: number, busy: number, p50: number, p99: number }

let readers: StreamReader[] = []
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
const latencies = new Float64Array(2 ** 20)
let measured = 0
let due = 0
let onAll = () => {}
/** Readers that `nextEvent` still waits for. */
let awaited = 0
let onAwaited = () => {}

/**
 * Opens readers; resolves with the time until all have the head of their response, ms.
 *
 * @param width of the slots in which frames are counted, ms
 */
export async function join ({ count, stalled = 0, width, ...target }: Target & { count: number, stalled?: number, width?: number }): Promise<number> {
  const started = microseconds()
  const onFrames = (frames: number) => {
    if (width !== undefined) countArrivals(frames, width)
    if ((due -= frames) === 0) onAll()
  }
  let seen = 0
  const onLatency = (sent: number, read: number) => {
    if (seen++ % SAMPLE === 0) latencies[measured++ % latencies.length] = read - sent
    if (awaited > 0 && --awaited === 0) onAwaited()
  }
  for (let opened = 0; opened < count; opened += OPENING) {
    const batch = Array.from({ length: Math.min(OPENING, count - opened) }, () => openStream(target, '/fan', { onFrames, onLatency }))
    readers.push(...batch)
    await Promise.all(batch.map(({ joined }) => joined))
  }
  const took = microseconds() - started
  for (let i = 0; i < stalled; i++) await stallStream(target, '/fan')
  return took / 1000
}

/** Publishes `n` messages of `size` bytes at a time for `ms`; fails unless each reader got each message. */
export async function fan ({ n, size, ms, ...target }: Target & { n: number, size: number, ms: number }): Promise<FanResult> {
  // what a server sends first by itself is not counted
  due = 0
  measured = 0
  const before = cpu()
  const started = microseconds()
  let deliveries = 0
  while (microseconds() - started < ms * 1000) {
    const all = new Promise<void>(resolve => { onAll = resolve })
    due = readers.length * n
    await publish(target, n, size)
    await all
    deliveries += readers.length * n
  }
  const took = microseconds() - started
  const ids = new Set(readers.map(({ lastId }) => lastId))
  if (ids.size !== 1 || ids.has(-1)) throw new Error(`readers ended at ${ids.size} different messages`)
  const kept = latencies.subarray(0, Math.min(measured, latencies.length))
  return { deliveries, ms: took / 1000, busy: (cpu() - before) / took, p50: percentile(kept, 0.5), p99: percentile(kept, 0.99) }
}

/** Resolves when each reader has an event more, with the time. */
export async function nextEvent (): Promise<number> {
  awaited = readers.length
  await new Promise<void>(resolve => { onAwaited = resolve })
  return microseconds()
}

/** Publishes a message; resolves with the time before it. */
export async function publishOne (target: Target): Promise<number> {
  const before = microseconds()
  await publish(target, 1, 100)
  return before
}

/** Publishes so many times, whether anybody has got it or not. */
export async function publishAll ({ times, n, size, ...target }: Target & { times: number, n: number, size: number }): Promise<void> {
  for (let i = 0; i < times; i++) await publish(target, n, size)
}

/** Publishes at a rate, in messages per second. */
export async function publishPaced ({ rate, size, ms, ...target }: Target & { rate: number, size: number, ms: number }): Promise<void> {
  const started = performance.now()
  for (let published = 0; published < rate * ms / 1000;) {
    const due = Math.floor((performance.now() - started) / 1000 * rate) - published
    if (due > 0) await publish(target, due, size)
    published += due
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** `fewest` counts from here. */
export function forget (): void {
  for (const reader of readers) reader.frames = 0
}

/** The frames of the reader that has had the fewest. */
export function fewest (): number {
  return readers.reduce((least, { frames }) => Math.min(least, frames), Infinity)
}

export function leave (): void {
  for (const reader of readers) reader.close()
  readers = []
  agent.destroy()
}

function publish ({ port, sessions }: Target, n: number, size: number): Promise<void> {
  const path = `/publish?n=${n}&size=${size}`
  if (sessions !== undefined) return postHttp2(port, sessions, path)
  return new Promise((resolve, reject) => {
    http.request({ port, path, method: 'POST', agent }, response => {
      response.resume().on('end', resolve)
    }).on('error', reject).end()
  })
}

function cpu () {
  const { user, system } = process.cpuUsage()
  return user + system
}
