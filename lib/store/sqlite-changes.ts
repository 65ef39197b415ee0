// Who watches which log, and what other processes have written to the file.

import type { Cursor, LogEntry, Notify } from '../log/store.ts'
import { type Statements, toNumber, toText } from './sqlite-statements.ts'

/** How often to look whether another process has written, while somebody watches, ms. */
const POLL = 25

interface Watchers {
  readonly notify: Set<Notify>
  /** The count of the last change that they know. */
  changed: number
}

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
  readonly #watchers = new Map<string, Watchers>()
  #poll: NodeJS.Timeout | undefined
  #dataVersion = 0
  /** Of changes that were polled. */
  #count = 0

  constructor (statements: Statements) {
    this.#statements = statements
  }

  /** Within a transaction. */
  watch (log: string, notify: Notify): () => void {
    // One function may watch twice: each call has its own entry.
    const watcher: Notify = entries => notify(entries)
    this.#startPolling()
    const watchers = this.#watchers.get(log) ?? { notify: new Set(), changed: this.#latest() }
    this.#watchers.set(log, watchers)
    watchers.notify.add(watcher)
    return () => {
      if (!watchers.notify.delete(watcher) || watchers.notify.size > 0) return
      if (this.#watchers.get(log) === watchers) this.#watchers.delete(log)
      if (this.#watchers.size === 0) this.#stopPolling()
    }
  }

  /** Tells of an append of this process. */
  tell (log: string, { entries, before, changed }: OwnChange): void {
    const watchers = this.#watchers.get(log)
    if (watchers === undefined || entries.length === 0) return
    // Had another process written in between, its change would be hidden by ours.
    if (before <= watchers.changed) watchers.changed = changed
    for (const notify of watchers.notify) notify(entries)
  }

  /** Tells of a deletion by this process. */
  tellDeleted (log: string): void {
    for (const notify of this.#watchers.get(log)?.notify ?? []) notify(null)
  }

  close (): void {
    this.#stopPolling()
    this.#watchers.clear()
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
        const watchers = this.#watchers.get(name)
        // Our own appends have told theirs.
        if (watchers === undefined || changed <= watchers.changed) continue
        for (const notify of watchers.notify) notify(null)
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
