/** In one turn of the event loop that many readers are written to: about 2 ms, where 10,000 in a row block it for 100. */
export const READERS_PER_TURN = 256

/** Rations the work of a turn of the event loop, such as among the readers of all logs that read on their own. */
export class Turns {
  readonly #perTurn: number
  #left: number
  #isScheduled = false
  readonly #waiting: Array<() => void> = []

  constructor (perTurn = READERS_PER_TURN) {
    this.#perTurn = this.#left = perTurn
  }

  /** Undefined where there is room in this turn, else a promise of a turn with room. */
  take (): Promise<void> | undefined {
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(this.#next)
    }
    if (this.#left > 0) {
      this.#left--
      return undefined
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  readonly #next = (): void => {
    this.#isScheduled = this.#waiting.length > 0
    this.#left = this.#perTurn
    if (!this.#isScheduled) return
    setImmediate(this.#next)
    const now = this.#waiting.splice(0, this.#perTurn)
    this.#left -= now.length
    for (const resolve of now) resolve()
  }
}
