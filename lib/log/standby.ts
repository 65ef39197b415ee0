// How a reader waits for its log to move on.
import { type Current } from './pages.ts'
import { type ChannelPort } from './port.ts'

/** One reader's wait. */
export class Standby {
  readonly #channel: ChannelPort
  #wake: (() => void) | undefined

  constructor (channel: ChannelPort) {
    this.#channel = channel
  }

  /** Resolves once the log has moved on, or is over, or the reader stops. */
  move (): Promise<void> {
    if (this.#channel.over !== undefined) return Promise.resolve()
    return new Promise(resolve => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
      this.#channel.onMove(this.#wake)
    })
  }

  /** Waits where the store had nothing more for the reader. */
  async behind ({ asOf }: Current): Promise<void> {
    // The follower went on while the answer was under way: it would not wake us again.
    if (asOf !== this.#channel.ring.head) return
    // This reader has seen more than the follower of its process.
    this.#channel.refresh()
    await this.move()
  }

  stop (): void {
    if (this.#wake === undefined) return
    this.#channel.offMove(this.#wake)
    this.#wake()
  }
}
