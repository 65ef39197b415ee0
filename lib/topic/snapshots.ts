// Snapshots of topics, shared by all readers that ask at once.

/** Why a reader gets a snapshot: it begins at `'now'`, or it missed events. */
export type SnapshotReason = 'now' | 'gap'

interface Calls<T> {
  readonly running: Promise<T>
  /** For those who asked while it was running: what it gives may be older than their cursor. */
  next: Promise<T> | undefined
}

/**
 * Makes one call for many readers. Each gets the result of a call that began after it asked: its cursor is taken before,
 * so what its snapshot does not have comes after it.
 */
export class Snapshots<T> {
  readonly #calls = new Map<string, Calls<T>>()

  /** @param key what the calls have in common */
  get (key: string, call: () => Promise<T>): Promise<T> {
    const calls = this.#calls.get(key)
    if (calls === undefined) return this.#start(key, call)
    const start = () => this.#start(key, call)
    calls.next ??= calls.running.then(start, start)
    return calls.next
  }

  #start (key: string, call: () => Promise<T>): Promise<T> {
    const running = call()
    const calls: Calls<T> = { running, next: undefined }
    this.#calls.set(key, calls)
    const settled = () => { if (calls.next === undefined) this.#calls.delete(key) }
    running.then(settled, settled)
    return running
  }
}
