import { Heartbeats } from '../response/heartbeat.ts'
import { type Session } from '../response/session.ts'

/** The streams of an app, from `reply.sse` to the close of each response. */
export class Streams {
  readonly heartbeats = new Heartbeats()
  /** Streams whose headers went out. */
  open = 0
  isClosing = false
  readonly #sessions = new Set<Session>()

  add (session: Session): void {
    this.#sessions.add(session)
  }

  delete (session: Session): void {
    this.#sessions.delete(session)
  }

  /** Ends all streams; resolves when their responses are closed. */
  async close (): Promise<void> {
    this.isClosing = true
    await Promise.all(Array.from(this.#sessions, session => session.shutdown()))
  }
}
