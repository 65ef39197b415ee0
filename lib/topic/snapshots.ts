// Snapshots of topics, shared by all readers that ask at once.
import { type Key } from './log-handle.ts'

/** For whom a snapshot is made. */
export interface SnapshotContext {
  /** Of the topic; undefined for the one without a key. */
  readonly key: Key | undefined
  /** Why a reader gets it: it begins at `'now'`, or it missed events. */
  readonly reason: 'now' | 'gap'
}

type Snapshotted<E> = Iterable<E> | AsyncIterable<E>

/** Makes a snapshot. */
export type SnapshotFunction<E> = (context: SnapshotContext) => Snapshotted<E> | Promise<Snapshotted<E>>

interface Calls<T> {
  readonly running: Promise<T>
  /** For readers that asked while it was running: its result may be older than their cursor. */
  next: Promise<T> | undefined
}

/** How long a call may take, ms. Later readers wait for it, so one that never returned would block all of them. */
const LONGEST = 30_000

/**
 * Makes one call for many readers. Each gets the result of a call that began after it asked: its cursor is taken before,
 * so what its snapshot does not have comes after it.
 */
export class Snapshots<T> {
  readonly #calls = new Map<string, Calls<T>>()
  readonly #longest: number

  /** @param longest ms after which a call is given up */
  constructor (longest = LONGEST) {
    this.#longest = longest
  }

  /**
   * @param key what the calls have in common
   * @param late makes the error for a call that took too long
   */
  get (key: string, call: () => Promise<T>, late: (ms: number) => Error): Promise<T> {
    const start = () => this.#start(key, this.#within(call(), late))
    const calls = this.#calls.get(key)
    if (calls === undefined) return start()
    calls.next ??= calls.running.then(start, start)
    return calls.next
  }

  #start (key: string, running: Promise<T>): Promise<T> {
    const calls: Calls<T> = { running, next: undefined }
    this.#calls.set(key, calls)
    const settled = () => { if (calls.next === undefined) this.#calls.delete(key) }
    running.then(settled, settled)
    return running
  }

  #within (made: Promise<T>, late: (ms: number) => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(late(this.#longest)), this.#longest)
      made.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }
}
