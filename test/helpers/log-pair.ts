// Two processes of log-app.ts on one store, the readers of both, and what they have to have seen.
import { type Test } from 'tap'
import { randomOf } from '../log/chaos.ts'
import { CutReader } from './cut-reader.ts'
import { LogApp } from './log-apps.ts'

const READERS = 6

/** Two processes, of which one may be replaced by a new one. */
export class LogPair {
  readonly all: LogApp[]
  readonly #t: Test
  readonly #at: number | string
  readonly #lease: number
  #current: [LogApp, LogApp]
  #spare: Promise<LogApp> | undefined

  private constructor (t: Test, at: number | string, lease: number, current: [LogApp, LogApp]) {
    this.#t = t
    this.#at = at
    this.#lease = lease
    this.#current = current
    this.all = [...current]
  }

  /**
   * @param at as in LogAppSetting
   * @param envs of the two
   */
  static async start (t: Test, at: number | string, lease: number, envs: readonly [NodeJS.ProcessEnv, NodeJS.ProcessEnv] = [{}, {}]): Promise<LogPair> {
    const start = (env: NodeJS.ProcessEnv) => LogApp.start(t, { store: at, lease }, env)
    return new LogPair(t, at, lease, await Promise.all([start(envs[0]), start(envs[1])]))
  }

  get one (): LogApp { return this.#current[0] }
  get other (): LogApp { return this.#current[1] }

  /** Starts a process to take the place of the first, which is going to die. */
  prepare (): void {
    this.#spare = LogApp.start(this.#t, { store: this.#at, lease: this.#lease })
  }

  /** Puts it in the place of the first; where they take turns, what was the second is the first from now on. */
  async replace (areTakingTurns = false): Promise<void> {
    const spare = await this.#spare!
    this.all.push(spare)
    this.#current = areTakingTurns ? [this.other, spare] : [spare, this.other]
  }

  /** Readers that resume on either. */
  readers (path: string): Readers {
    return new Readers(Array.from({ length: READERS }, (_, seed) => {
      const random = randomOf(seed + 1)
      return new CutReader(path, () => this.#current[random() < 0.5 ? 0 : 1].port, random)
    }))
  }

  /** What was acknowledged, and the log does not have in the order of its publisher. */
  missing (truth: readonly string[]): string[] {
    const faults: string[] = []
    const kept = new Map<string, number>()
    for (const event of truth) {
      const { by, n } = JSON.parse(event.slice(event.indexOf(' ') + 1)) as { by: string, n: number }
      if (n !== (kept.get(by) ?? -1) + 1) faults.push(`${by}: ${n} follows ${kept.get(by)}`)
      kept.set(by, n)
    }
    for (const { acknowledged } of this.all) {
      for (const text of acknowledged) {
        const [by, n] = text.split(' ') as [string, string]
        if (!(Number(n) <= kept.get(by)!)) faults.push(`${text} was acknowledged`)
      }
    }
    return faults
  }
}

/** Some readers of one log. */
export class Readers {
  readonly all: readonly CutReader[]
  readonly done: Promise<unknown>

  constructor (all: readonly CutReader[]) {
    this.all = all
    this.done = Promise.all(all.map(reader => reader.read()))
  }

  /** Lets them read up to the last event of a log. */
  async finish (truth: readonly string[]): Promise<void> {
    const last = truth.at(-1)!
    for (const reader of this.all) reader.finish(last.slice(0, last.indexOf(' ')))
    await this.done
  }

  /** What one saw that is not the log, from its start; all of it, unless they are still reading. */
  faults (truth: readonly string[], isWhole = true): string[] {
    return this.all.flatMap(({ seen, gaps }) => {
      const at = seen.findIndex((event, i) => event !== truth[i])
      return [
        ...at === -1 ? [] : [`event ${at} is ${truth[at]}, a reader saw ${seen.slice(at, at + 3).join()}`],
        ...isWhole && seen.length < truth.length ? [`a reader saw ${seen.length} of ${truth.length} events`] : [],
        ...gaps
      ]
    })
  }
}

/** Prints what a test came to. */
export function report (t: Test, readers: readonly Readers[], events: number, started: number, more = ''): void {
  const all = readers.flatMap(({ all }) => all)
  const inFrame = all.reduce((sum, reader) => sum + reader.inFrame, 0)
  t.comment(`${events} events, ${all.length} readers, ${reconnectsOf(readers)} reconnects, ${inFrame} cut within a frame${more}, ` +
    `${((performance.now() - started) / 1_000).toFixed(1)} s`)
}

export function reconnectsOf (readers: readonly Readers[]): number {
  return readers.flatMap(({ all }) => all).reduce((sum, { reconnects }) => sum + reconnects, 0)
}
