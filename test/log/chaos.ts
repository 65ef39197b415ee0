import { setImmediate as turn } from 'node:timers/promises'
import { type AppendOptions, type Cursor, type LogRecord, type Notify, type ReadOptions, type Slice, type Store, StoreError, type StoreLimits } from '../../lib/log/store.ts'

/** Numbers from 0 to 1, the same for a seed. */
export function randomOf (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A process's connection to a store, over which anything may happen: what is asked or answered is late or lost. */
export class ChaosStore implements Store {
  /** How much goes wrong, from 0. */
  rate = 0.1
  readonly #store: Store
  readonly #random: () => number

  constructor (store: Store, random: () => number) {
    this.#store = store
    this.#random = random
  }

  get limits (): StoreLimits {
    return this.#store.limits
  }

  append (log: string, records: readonly LogRecord[], options: AppendOptions): Promise<Cursor> {
    return this.#over(() => this.#store.append(log, records, options))
  }

  read (log: string, after: Cursor | null, options: ReadOptions): Promise<Slice> {
    return this.#over(() => this.#store.read(log, after, options))
  }

  watch (log: string, notify: Notify): Promise<() => void> {
    return this.#over(() => this.#store.watch(log, entries => this.#hint(notify, entries)))
  }

  delete (log: string): Promise<void> {
    return this.#over(() => this.#store.delete(log))
  }

  close (): Promise<void> {
    return this.#store.close()
  }

  #happens (): boolean {
    return this.#random() < this.rate
  }

  async #late (): Promise<void> {
    for (let n = Math.floor(this.#random() * 4); n > 0; n--) await turn()
  }

  async #over<T> (call: () => Promise<T>): Promise<T> {
    await this.#late()
    if (this.#happens()) throw new StoreError('UNAVAILABLE', 'lost on the way')
    const result = await call()
    await this.#late()
    if (this.#happens()) throw new StoreError('UNAVAILABLE', 'its answer was lost')
    return result
  }

  #hint (notify: Notify, entries: Parameters<Notify>[0]): void {
    if (this.#happens()) return
    if (this.#happens()) notify(null)
    if (this.#happens()) this.#late().then(() => notify(entries), () => {})
    notify(entries)
  }
}
