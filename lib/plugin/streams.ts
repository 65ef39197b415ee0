// The streams of an app, from `reply.sse` to the close of each response.
import { Turns } from '../log/turns.ts'
import { Heartbeats } from '../response/heartbeat.ts'
import { type OpenSession, type SessionConfig, type SessionRegistry } from '../response/reply-port.ts'
import { type ResolvedOptions } from '../response/options.ts'
import { type Contract } from './route.ts'

/** The most streams opened in one turn of the event loop: they take 5 to 10 ms. */
const OPENED_PER_TURN = 128

export class Streams implements SessionRegistry {
  readonly #heartbeats = new Heartbeats()
  readonly #turns = new Turns(OPENED_PER_TURN)
  /** Streams whose headers went out. */
  open = 0
  isClosing = false
  readonly #sessions = new Set<OpenSession>()
  /** The config that sessions of a contract share, for the options of its route. */
  readonly #configs = new WeakMap<Contract, SessionConfig>()

  add (session: OpenSession): void {
    this.#sessions.add(session)
  }

  delete (session: OpenSession): void {
    this.#sessions.delete(session)
  }

  /** The config of a session. Calls without options of their own share one. */
  configOf (contract: Contract, options: ResolvedOptions): SessionConfig {
    const known = this.#configs.get(contract)
    if (known?.options === options) return known
    const config = { options, encoder: contract.encoder, sentinel: contract.sentinel, heartbeats: this.#heartbeats, registry: this, turns: this.#turns }
    if (known === undefined) this.#configs.set(contract, config)
    return config
  }

  /** Ends all streams; resolves when their responses are closed. */
  async close (): Promise<void> {
    this.isClosing = true
    await Promise.all(Array.from(this.#sessions, session => session.shutdown()))
  }
}
