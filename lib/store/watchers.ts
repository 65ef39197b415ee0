// Who watches which log in this process.
import { type Notify } from '../log/store.ts'

/** One call of `watch`: one function may watch twice. */
interface Watcher {
  readonly log: string
  readonly notify: Notify
  isStopped: boolean
}

export class Watchers {
  // There may be many thousands of logs with one watcher: an array of one is a seventh of a Set of one.
  readonly #watchers = new Map<string, readonly Watcher[]>()
  readonly #onUnwatched: ((log: string) => void) | undefined

  /** @param onUnwatched is told of a log that nobody watches any more */
  constructor (onUnwatched?: (log: string) => void) {
    this.#onUnwatched = onUnwatched
  }

  /** Whether anything is watched. */
  get isEmpty (): boolean {
    return this.#watchers.size === 0
  }

  has (log: string): boolean {
    return this.#watchers.has(log)
  }

  /** @returns stops watching */
  add (log: string, notify: Notify): () => void {
    const watcher: Watcher = { log, notify, isStopped: false }
    const others = this.#watchers.get(log)
    this.#watchers.set(log, others === undefined ? [watcher] : [...others, watcher])
    return () => this.#remove(watcher)
  }

  tell (log: string, entries: Parameters<Notify>[0]): void {
    const watchers = this.#watchers.get(log)
    if (watchers !== undefined) for (const watcher of watchers) if (!watcher.isStopped) watcher.notify(entries)
  }

  clear (): void {
    this.#watchers.clear()
  }

  #remove (watcher: Watcher): void {
    if (watcher.isStopped) return
    watcher.isStopped = true
    // Another array: its watchers may be being told. None where the store was closed.
    const others = this.#watchers.get(watcher.log)?.filter(other => other !== watcher)
    if (others === undefined) return
    if (others.length > 0) {
      this.#watchers.set(watcher.log, others)
      return
    }
    this.#watchers.delete(watcher.log)
    this.#onUnwatched?.(watcher.log)
  }
}
