// A run as its readers in this process share it: the followed log, and the frames of its events and gaps.
import { type ReadableLog } from '../log/logs.ts'
import { type Beginning, type Presentation } from '../log/reading.ts'
import { type LogEntry } from '../log/store.ts'
import { type Frames } from '../wire/frames.ts'
import { gapFrame, readyFrame, regularEnd } from './control-frames.ts'
import { type LogCore } from './log-handle.ts'

/** What presenting a run needs of its declaration. */
export interface ShownRuns extends LogCore {
  readonly settings: { readonly ttl: number, readonly lease: number }
}

/** One object for the log and its presentation: a process keeps one for each run that it follows. */
export class ReadableRun implements ReadableLog, Presentation {
  readonly log: string
  /** Each reader has its own, by its route: see `Run.open`. */
  readonly end = regularEnd
  readonly #core: ShownRuns

  constructor (core: ShownRuns, log: string) {
    this.#core = core
    this.log = log
  }

  get ttl (): number { return this.#core.settings.ttl }
  get lease (): number { return this.#core.settings.lease }
  get presentation (): Presentation { return this }
  get hasSnapshot (): boolean { return false }

  entry (entry: LogEntry, id: string): Frames {
    return this.#core.records.frames(entry, id)
  }

  begin ({ gap, id }: Beginning): Frames {
    return gap === null ? readyFrame(id) : gapFrame(gap, id)
  }
}
