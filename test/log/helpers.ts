import { setImmediate as turn } from 'node:timers/promises'
import { type Clock } from '../../lib/log/clock.ts'
import { Logs, type ReadableLog } from '../../lib/log/logs.ts'
import { type Beginning, type Presentation, type ReaderSink } from '../../lib/log/reading.ts'
import { type LogRecord, type Store } from '../../lib/log/store.ts'
import { MemoryStore } from '../../lib/store/memory.ts'
import { Frames } from '../../lib/wire/frames.ts'

/** A clock that stands still until it is told to move; timers fire in their order. */
export class ManualClock implements Clock {
  time = 1_000_000
  readonly #timers = new Set<{ readonly at: number, readonly callback: () => void }>()

  readonly now = (): number => this.time

  setTimer (callback: () => void, ms: number): () => void {
    const timer = { at: this.time + ms, callback }
    this.#timers.add(timer)
    return () => { this.#timers.delete(timer) }
  }

  /** How many timers are set. */
  get timers (): number {
    return this.#timers.size
  }

  /** Moves on, and lets everything that is due, and what follows from it at once, happen. */
  async advance (ms: number): Promise<void> {
    const end = this.time + ms
    for (;;) {
      await settle()
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.time = Math.max(this.time, next.at)
      this.#timers.delete(next)
      next.callback()
    }
    this.time = end
    await settle()
  }
}

/** Lets everything happen that needs no timer. */
export async function settle (): Promise<void> {
  for (let i = 0; i < 10; i++) await turn()
}

export function event (data: string): LogRecord {
  return { kind: 'event', type: '', data, meta: '' }
}

/** Frames are short texts: `data@seq`, `[now seq]`, `[gap after next]`, `[end state]`. */
export class TextPresentation implements Presentation {
  hasSnapshot = false
  /** How often an entry was framed. */
  framed = 0
  readonly beginnings: Beginning[] = []

  entry ({ data }: LogRecord, id: string): Frames | null {
    this.framed++
    return data === 'hidden' ? null : Frames.of(`${data}@${id.slice(id.indexOf('-') + 1)} `, 1)
  }

  begin (beginning: Beginning): Frames | null | Promise<Frames | null> {
    this.beginnings.push(beginning)
    const { reason, gap, id } = beginning
    if (reason === 'history') return null
    const short = (id: string | null): string => id === null ? '-' : id.slice(id.indexOf('.') + 1)
    return Frames.of(reason === 'now' ? `[now ${short(id)}] ` : `[gap ${gap!.after === null ? '-' : short(gap!.after)} ${short(gap!.next)} ${short(id)}] `, 0)
  }

  end (entry: LogRecord | null): { last: Frames | null, isGood: boolean } {
    return { last: Frames.of(`[end ${entry === null ? 'gone' : entry.type}]`, 0), isGood: entry?.type === 'complete' }
  }
}

/** A sink that keeps what it is written. */
export class TextSink implements ReaderSink {
  text = ''
  writes = 0
  largest = 0
  isWilling = true
  ended: boolean | undefined
  failure: unknown
  direct: { write (chunk: Uint8Array): boolean } | null = null
  blocked = 0

  writeFrames (frames: Frames): boolean {
    this.writes++
    this.largest = Math.max(this.largest, frames.byteLength)
    this.text += frames.bytes.toString()
    return this.isWilling
  }

  onBlocked (): void {
    this.blocked++
  }

  end (last: Frames | null, isGood: boolean): void {
    if (last !== null) this.text += last.bytes.toString()
    this.ended = isGood
  }

  fail (error: unknown): void {
    this.failure = error
  }
}

export const TTL = 600_000
export const LEASE = 15_000

/** A process with a store in memory, by a clock that stands still. */
export interface Bed {
  readonly clock: ManualClock
  readonly store: Store
  readonly logs: Logs
  /** What was reported of the store. */
  readonly reports: string[]
  topic (presentation?: Presentation): ReadableLog
  run (presentation?: Presentation): ReadableLog
}

export function bed (wrap: (store: Store) => Store = store => store, clock = new ManualClock()): Bed {
  const store = wrap(new MemoryStore({}, clock.now))
  return processOf(store, clock)
}

/** Another process on a store. */
export function processOf (store: Store, clock: ManualClock): Bed {
  const reports: string[] = []
  const logs = new Logs(store, { onDown: error => reports.push(`down: ${(error as Error).message}`), onUp: () => reports.push('up') }, clock)
  return {
    clock,
    store,
    logs,
    reports,
    topic: (presentation = new TextPresentation()) => ({ log: 'topic:t', ttl: TTL, lease: undefined, presentation }),
    run: (presentation = new TextPresentation()) => ({ log: 'run:r', ttl: TTL, lease: LEASE, presentation })
  }
}
