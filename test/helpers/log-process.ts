import { LogIds } from '../../lib/log/ids.ts'
import { Logs, type ReadableLog } from '../../lib/log/logs.ts'
import { type EndState, type Store } from '../../lib/log/store.ts'
import { TextPresentation } from '../log/helpers.ts'

/** A process as the store sees it: its logs, and what it was told of the store. */
export class LogProcess {
  readonly logs: Logs
  /** 'down' and 'up', in turn. */
  readonly reports: string[] = []

  constructor (t: { teardown (fn: () => unknown): unknown }, store: Store) {
    this.logs = new Logs(store, { onDown: () => this.reports.push('down'), onUp: () => this.reports.push('up') })
    // Nothing else keeps the test's process alive while the store is down.
    const alive = setInterval(() => {}, 1_000)
    t.teardown(async () => {
      clearInterval(alive)
      await this.logs.close()
    })
  }
}

export function readable (log: string, lease?: number): ReadableLog {
  return { log, ttl: 600_000, lease, presentation: new TextPresentation() }
}

/** A reader that loses its connection again and again, and resumes with its last id on any process. */
export class ResumingReader {
  /** The payloads in their order; null where it was told of a gap. */
  readonly seen: Array<number | null> = []
  reconnects = 0
  end: EndState | undefined
  readonly #processes: readonly LogProcess[]
  readonly #log: ReadableLog
  readonly #random: () => number

  constructor (processes: readonly LogProcess[], log: ReadableLog, random: () => number) {
    this.#processes = processes
    this.#log = log
    this.#random = random
  }

  /** Reads to the end of a run, or until it has seen a number. */
  async read (last = Infinity): Promise<this> {
    const ids = new LogIds(this.#log.log)
    let after: ReturnType<LogIds['parse']> = null
    while (this.end === undefined && this.seen.at(-1) !== last) {
      const { logs } = this.#processes[Math.floor(this.#random() * this.#processes.length)]!
      const pull = logs.pull(this.#log, after === null ? 'start' : { after })
      for (let left = 1 + Math.floor(this.#random() * 100); left > 0 && this.seen.at(-1) !== last;) {
        const batch = await pull.next()
        if (batch === null) throw new Error('the process was closed')
        if (batch.end !== undefined) {
          this.end = batch.end?.type as EndState
          break
        }
        if (batch.beginning !== undefined) {
          if (batch.beginning.gap !== null) this.seen.push(null)
          after = ids.parse(batch.beginning.id)
          continue
        }
        // Of what was under way when the connection was lost, the client has a part.
        for (const { entry, id } of batch.entries.slice(0, left--)) {
          this.seen.push(Number(entry.data))
          after = ids.parse(id)
        }
        left -= batch.entries.length - 1
      }
      pull.stop()
      this.reconnects++
    }
    return this
  }

  /** Numbers that were acknowledged and not seen, where no gap said so; and those seen twice or out of order without one. */
  silent (acknowledged: readonly number[]): string[] {
    const found: string[] = []
    let previous = -1
    let wasTold = false
    for (const number of this.seen) {
      if (number === null) {
        wasTold = true
        continue
      }
      if (!wasTold) {
        if (number <= previous) found.push(`${number} after ${previous}`)
        const lost = acknowledged.filter(one => one > previous && one < number)
        if (lost.length > 0) found.push(`${lost.length} lost between ${previous} and ${number}`)
      }
      previous = number
      wasTold = false
    }
    return found
  }
}
