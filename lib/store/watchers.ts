// The watchers of logs in this process.
import { type Notify } from '../log/store.ts'

/** One call of `watch`: one function may watch twice. */
interface Watcher {
  readonly log: string
  readonly notify: Notify
  isStopped: boolean
}

export class Watchers {
  // Arrays, because thousands of logs may have one watcher each: an array of one takes a seventh of a Set of one.
  readonly #watchers = new Map<string, readonly Watcher[]>()
  readonly #onUnwatched: ((log: string) => void) | undefined

  /** @param onUnwatched called when a log has lost its last watcher */
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
    // A new array, because a loop in `tell` may be running. Undefined after `clear`.
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
