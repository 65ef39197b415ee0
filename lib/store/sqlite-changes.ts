// Watching logs: changes by this process, and by other processes that write to the file.
import type { Cursor, LogEntry, Notify } from '../log/store.ts'
import { type Statements, toNumber, toText } from './sqlite-statements.ts'
import { Watchers } from './watchers.ts'

/** How often to look for changes by other processes while a log is watched, ms. */
const POLL = 25

/** An append by this process; without entries it wrote nothing, or renewed a lease. */
export interface OwnChange {
  readonly last: Cursor
  readonly entries: readonly LogEntry[]
  /** The count of changes that the log had before it (0 where it did not exist), and has since. */
  readonly before: number
  readonly changed: number
}

/** Notifies the watchers of logs: of appends by this process at once, of those by others by polling while any log is watched. */
export class SqliteChanges {
  readonly #statements: Statements
  readonly #watchers = new Watchers(log => this.#unwatched(log))
  /** For each watched log, the count of the last change its watchers were notified of. */
  readonly #known = new Map<string, number>()
  #poll: NodeJS.Timeout | undefined
  #dataVersion = 0
  /** Of changes that were polled. */
  #count = 0

  constructor (statements: Statements) {
    this.#statements = statements
  }

  /** Call within a transaction. */
  watch (log: string, notify: Notify): () => void {
    this.#startPolling()
    if (!this.#watchers.has(log)) this.#known.set(log, this.#latest())
    return this.#watchers.add(log, notify)
  }

  /** Notifies of an append by this process. */
  tell (log: string, { entries, before, changed }: OwnChange): void {
    const known = this.#known.get(log)
    if (known === undefined || entries.length === 0) return
    // Had another process written in between, its change would be hidden by ours.
    if (before <= known) this.#known.set(log, changed)
    this.#watchers.tell(log, entries)
  }

  /** Notifies of a deletion by this process. */
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
        // Watchers know of our own appends already.
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
