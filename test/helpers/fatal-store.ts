import { type Store } from '../../lib/log/store.ts'

/** Where the process dies: before the store is called, while its answer is under way, or when it has acknowledged. */
export type Failpoint = 'before' | 'under way' | 'acknowledged'

/** A store whose process dies at an append of events, when it is told to. */
export class FatalStore implements Store {
  readonly #store: Store
  #failpoint: Failpoint | undefined
  #appends = 0

  constructor (store: Store) {
    this.#store = store
  }

  /** Dies at an append of events, after so many. */
  arm (failpoint: Failpoint, appends: number): void {
    this.#failpoint = failpoint
    this.#appends = appends
  }

  get limits () { return this.#store.limits }

  append (...args: Parameters<Store['append']>) {
    const [, records] = args
    if (this.#failpoint === undefined || records.every(({ kind }) => kind !== 'event') || this.#appends-- > 0) return this.#store.append(...args)
    return this.#die(this.#failpoint, args)
  }

  read (...args: Parameters<Store['read']>) { return this.#store.read(...args) }

  watch (...[log, notify]: Parameters<Store['watch']>) {
    // A hint must not take the last event to a socket before the process is dead.
    return this.#store.watch(log, entries => { if (this.#failpoint === undefined || this.#appends >= 0) notify(entries) })
  }

  delete (...args: Parameters<Store['delete']>) { return this.#store.delete(...args) }
  close () { return this.#store.close() }

  async #die (failpoint: Failpoint, args: Parameters<Store['append']>): Promise<never> {
    if (failpoint !== 'before') {
      const appended = this.#store.append(...args)
      await (failpoint === 'acknowledged' ? appended : new Promise(setImmediate))
    }
    process.kill(process.pid, 'SIGKILL')
    return new Promise(() => {})
  }
}
