/** Something in a {@link RecencyList}, which alone sets these. */
export interface Linked {
  older: Linked | undefined
  newer: Linked | undefined
}

/**
 * Items in the order of their last use. A list of links, as a Map that is deleted from and set again for each use walks
 * through what was deleted: with 10,000 logs an append took 20 times as long.
 */
export class RecencyList<T extends Linked> {
  oldest: T | undefined
  #newest: T | undefined

  /** Makes an item the newest, new or not. */
  use (item: T): void {
    if (item === this.#newest) return
    this.delete(item)
    item.older = this.#newest
    if (this.#newest === undefined) this.oldest = item
    else this.#newest.newer = item
    this.#newest = item
  }

  /** Takes an item out, if it is in. */
  delete (item: T): void {
    const older = item.older as T | undefined
    const newer = item.newer as T | undefined
    if (older !== undefined) older.newer = newer
    else if (this.oldest === item) this.oldest = newer
    if (newer !== undefined) newer.older = older
    else if (this.#newest === item) this.#newest = older
    item.older = item.newer = undefined
  }
}
