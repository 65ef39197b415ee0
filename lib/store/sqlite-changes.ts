// Who watches which log, and what other processes have written to the file.

import type { Cursor, LogEntry, Notify } from '../log/store.ts'
import { type Statements, toNumber, toText } from './sqlite-statements.ts'
import { Watchers } from './watchers.ts'

/** How often to look whether another process has written, while somebody watches, ms. */
const POLL = 25

/** What an append of this process did; without entries nothing was written, or a renewal was. */
export interface OwnChange {
  readonly last: Cursor
  readonly entries: readonly LogEntry[]
  /** The count of changes that the log had before it (0 where it did not exist), and has since. */
  readonly before: number
  readonly changed: number
}

/** Watches logs: appends of this process are told as they are made, those of others are looked for while anybody watches. */
export class SqliteChanges {
  readonly #statements: Statements
  readonly #watchers = new Watchers(log => this.#unwatched(log))
  /** Of each log that is watched, the count of the last change that its watchers know. */
  readonly #known = new Map<string, number>()
  #poll: NodeJS.Timeout | undefined
  #dataVersion = 0
  /** Of changes that were polled. */
  #count = 0

  constructor (statements: Statements) {
    this.#statements = statements
  }

  /** Within a transaction. */
  watch (log: string, notify: Notify): () => void {
    this.#startPolling()
    if (!this.#watchers.has(log)) this.#known.set(log, this.#latest())
    return this.#watchers.add(log, notify)
  }

  /** Tells of an append of this process. */
  tell (log: string, { entries, before, changed }: OwnChange): void {
    const known = this.#known.get(log)
    if (known === undefined || entries.length === 0) return
    // Had another process written in between, its change would be hidden by ours.
    if (before <= known) this.#known.set(log, changed)
    this.#watchers.tell(log, entries)
  }

  /** Tells of a deletion by this process. */
  tellDeleted (log: string): void {
    this.#watchers.tell(log, null)
  }

  close (): void {
    this.#stopPolling()
    this.#watchers.clear()
    this.#known.clear()
  }

  #unwatched (log: string): void {
    this.#known.delete(log)
    if (this.#watchers.isEmpty) this.#stopPolling()
  }

  #startPolling (): void {
    if (this.#poll !== undefined) return
    this.#dataVersion = this.#version()
    this.#count = this.#latest()
    this.#poll = setInterval(() => this.#look(), POLL).unref()
  }

  #stopPolling (): void {
    clearInterval(this.#poll)
    this.#poll = undefined
  }

  #look (): void {
    try {
      const version = this.#version()
      if (version === this.#dataVersion) return
      const changes = this.#since(this.#count)
      this.#dataVersion = version
      for (const { name, changed } of changes) {
        this.#count = changed
        // Our own appends have told theirs.
        const known = this.#known.get(name)
        if (known !== undefined && changed > known) this.#watchers.tell(name, null)
      }
    } catch { /* locked: the next look sees it */ }
  }

  /** The logs that changed since a count, in the order of their changes. */
  #since (count: number): Array<{ name: string, changed: number }> {
    const rows = this.#statements.of('SELECT CAST(name AS BLOB) AS name, changed FROM sse_log WHERE changed > ? ORDER BY changed').all(count)
    return rows.map(({ name, changed }) => ({ name: toText(name), changed: toNumber(changed) }))
  }

  #latest (): number {
    return toNumber(this.#statements.of('SELECT max(changed) AS changes FROM sse_log').get()!['changes'])
  }

  /** Changes whenever another connection has committed. */
  #version (): number {
    return toNumber(this.#statements.of('PRAGMA data_version').get()!['data_version'])
  }
}
