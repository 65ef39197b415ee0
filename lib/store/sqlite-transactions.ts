// Transactions on a file that other processes write to as well. Each read has its own; the writes of one turn share one.
import { setTimeout as wait } from 'node:timers/promises'
import { StoreError } from '../log/store.ts'
import { isBusy } from './sqlite-database.ts'
import type { Statements } from './sqlite-statements.ts'

/** How long to wait for a lock before a call fails, ms. */
const TIMEOUT = 2_000
/** The most writes in one transaction: other processes wait for its lock. */
const MOST_WRITES = 512

interface Write {
  readonly action: () => unknown
  readonly signal: AbortSignal | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** What the action returned; it counts once the transaction is committed. */
  value: unknown
  /** What the action refused with, if it did. */
  refusal: StoreError | undefined
  /** When it began to wait for a lock, by `performance.now()`; 0 if it does not wait. */
  lockedSince: number
  /** A transaction it was part of failed, so it gets its own. */
  isAlone: boolean
}

export class SqliteTransactions {
  readonly #statements: Statements
  readonly #writes: Write[] = []
  #isScheduled = false
  /** Whether the writes wait for a lock that another process holds. */
  #isLocked = false
  #isClosed = false

  constructor (statements: Statements) {
    this.#statements = statements
  }

  /**
   * Runs an action that only reads, on one state of the file.
   *
   * @throws StoreError of code UNAVAILABLE; the reason of the signal
   */
  async read<T> (action: () => T, signal?: AbortSignal): Promise<T> {
    const start = performance.now()
    for (;;) {
      signal?.throwIfAborted()
      if (this.#isClosed) throw closed()
      try {
        return this.#transaction('BEGIN', action)
      } catch (error) {
        if (!isBusy(error) || performance.now() - start > TIMEOUT) throw unavailable(error)
      }
      await wait(pause())
    }
  }

  /**
   * Runs an action that writes, and resolves to what it returned once that is committed. A commit costs several times
   * what an append does, so the actions of one turn share it; each has its own outcome.
   *
   * @param action may run again. It throws a StoreError only before it has written anything, because what the others have
   * written is committed all the same
   * @throws what the action threw; StoreError of code UNAVAILABLE; the reason of the signal
   */
  write<T> (action: () => T, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closed())
        return
      }
      this.#writes.push({
        action, signal, resolve: resolve as (value: unknown) => void, reject, value: undefined, refusal: undefined, lockedSince: 0, isAlone: false
      })
      this.#commitLater()
    })
  }

  /** Commits the writes that wait, unless the file is locked. */
  close (): void {
    while (this.#writes.length > 0 && !this.#isLocked) this.commit()
    this.#isClosed = true
    for (const { reject } of this.#writes.splice(0)) reject(closed())
  }

  /** In the next tick: callers that awaited the last commit have made their next write by then. */
  #commitLater (): void {
    if (this.#isScheduled || this.#isLocked) return
    this.#isScheduled = true
    process.nextTick(commit, this)
  }

  /** Commits the writes that wait, as many as go into one transaction. */
  commit (): void {
    this.#isScheduled = false
    const group = this.#nextGroup()
    try {
      if (group.length > 0) this.#transaction('BEGIN IMMEDIATE', () => group.forEach(run))
    } catch (error) {
      this.#retry(group, error)
      return
    }
    for (const { resolve, reject, value, refusal } of group) {
      if (refusal === undefined) resolve(value)
      else reject(refusal)
    }
    if (this.#writes.length > 0) this.#commitLater()
  }

  /** Takes the next writes, without those whose signal has fired. */
  #nextGroup (): Write[] {
    const count = this.#writes[0]?.isAlone === true ? 1 : MOST_WRITES
    const group = this.#writes.splice(0, count)
    if (!group.some(({ signal }) => signal?.aborted === true)) return group
    return group.filter(({ signal, reject }) => {
      if (signal?.aborted === true) reject(signal.reason)
      return signal?.aborted !== true
    })
  }

  /** Handles a transaction that was rolled back. */
  #retry (group: readonly Write[], error: unknown): void {
    if (isBusy(error)) {
      this.#waitForLock(group, error)
      return
    }
    if (group.length === 1) group[0]!.reject(unavailable(error))
    else this.#putBack(group.map(write => ({ ...write, isAlone: true })))
    if (this.#writes.length > 0) this.#commitLater()
  }

  /** Waits without blocking the event loop for longer than the database's busy timeout. */
  #waitForLock (group: readonly Write[], error: unknown): void {
    const now = performance.now()
    for (const write of group) if (write.lockedSince === 0) write.lockedSince = now
    const isLate = ({ lockedSince }: Write): boolean => now - lockedSince > TIMEOUT
    for (const { reject } of group.filter(isLate)) reject(unavailable(error))
    this.#putBack(group.filter(write => !isLate(write)))
    if (this.#writes.length === 0 || this.#isLocked) return
    this.#isLocked = true
    setTimeout(() => {
      this.#isLocked = false
      this.commit()
    }, pause())
  }

  /** Puts writes back at the front of the queue. */
  #putBack (group: readonly Write[]): void {
    this.#writes.unshift(...group)
  }

  #transaction<T> (begin: 'BEGIN' | 'BEGIN IMMEDIATE', action: () => T): T {
    this.#statements.of(begin).run()
    try {
      const result = action()
      this.#statements.of('COMMIT').run()
      return result
    } catch (error) {
      try {
        this.#statements.of('ROLLBACK').run()
      } catch { /* SQLite has done so itself, as it does where the disk is full */ }
      throw error
    }
  }
}

/** A function for all, so that a turn costs no closure. */
function commit (transactions: SqliteTransactions): void {
  transactions.commit()
}

function run (write: Write): void {
  write.refusal = undefined
  try {
    write.value = write.action()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    write.refusal = error
  }
}

/** ms until the next try for a lock. */
function pause (): number {
  return 1 + Math.random() * 10
}

function unavailable (error: unknown): StoreError {
  return new StoreError('UNAVAILABLE', `SQLite is not available: ${(error as Error).message}`, { cause: error })
}

function closed (): StoreError {
  return new StoreError('UNAVAILABLE', 'The SQLite store was closed')
}
