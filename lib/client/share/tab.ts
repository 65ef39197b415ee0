// One tab of those that share a stream: the leader, which has the connection, or a follower.
import { isSendable } from '../cursor.ts'
import { ConnectionError, ResponseError } from '../errors.ts'
import type { Frame, IdentifiedFrame } from '../frames.ts'
import type { StreamState } from '../session.ts'
import type { ShareableStream } from '../share-types.ts'
import { type Channel, errorOf, type Failure, type TabMessage } from './tab-message.ts'

/** A tab that does not take its messages must not fill the memory. */
const MAX_BEHIND = 10_000
/** The same in characters. */
const MAX_BEHIND_SIZE = 64 * 2 ** 20

/** How many ids a tab remembers, which is how far a new leader may be behind it. */
const MAX_SEEN = 1000

/** How long to wait for the body of a refused response in ms, to pass it on to the other tabs. */
const MAX_BODY_WAIT = 1000

export class Tab {
  readonly #id = Math.random()
  readonly #openChannel: () => Channel
  readonly #channel: Channel
  readonly #stream: ShareableStream
  #frames: IdentifiedFrame[] = []
  #taken = 0
  /** The characters of the frames that were not taken yet. */
  #size = 0
  #wake: (() => void) | undefined
  #onEcho: (() => void) | undefined
  #end: { error: unknown } | undefined
  #term = 0
  #isLeader = false
  #isCatchingUp = false
  readonly #seen = new Set<string>()

  constructor (openChannel: () => Channel, stream: ShareableStream) {
    this.#openChannel = openChannel
    this.#channel = openChannel()
    this.#stream = stream
    this.#channel.onmessage = ({ data }) => { this.#receive(data) }
    this.#channel.postMessage({ type: 'hello', tab: this.#id })
    stream.session.signal.addEventListener('abort', () => { this.finish() })
  }

  /** The next frame; undefined at the end. */
  async take (): Promise<IdentifiedFrame | undefined> {
    while (this.#taken === this.#frames.length) {
      if (this.#end) {
        if (this.#end.error !== undefined) throw this.#end.error
        return undefined
      }
      this.#frames = []
      this.#taken = 0
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
    const frame = this.#frames[this.#taken++]!
    this.#size -= sizeOf(frame)
    return frame
  }

  /** Runs the connection for all tabs, until the stream ends or this tab is closed. */
  async lead (): Promise<void> {
    const { session, policy, open } = this.#stream
    await this.#echo()
    if (this.#end) return
    if (this.#term > 0 && !policy.mayRepeat(session)) throw new ConnectionError('The tab that had the connection was closed, and the request may not be repeated')
    this.#isLeader = true
    this.#term = Math.max(this.#term + 1, this.#stream.clock.now())
    let state: StreamState | undefined
    const tellState = (): void => {
      if (state === session.state || session.state === 'closed') return
      state = session.state
      this.#tellState()
    }
    session.onEnter = tellState
    tellState()
    let problem: unknown
    try {
      for await (const frame of open()) {
        const { event, data, id } = frame
        this.#channel.postMessage({ type: 'frame', term: this.#term, frame: { event, data, id }, retry: session.retry })
        if (this.#push(frame)) break
      }
    } catch (error) {
      problem = error
    }
    await this.#tellEnd(problem)
  }

  finish (error?: unknown): void {
    this.#end ??= { error }
    this.#wake?.()
    this.#onEcho?.()
  }

  close (): void {
    this.#channel.close()
  }

  /** The end of this tab's connection is the end for all tabs, unless this tab was closed or its user's functions threw. */
  async #tellEnd (problem: unknown): Promise<void> {
    if (this.#stream.session.isClosed) return
    let failure: Failure | undefined
    if (problem instanceof ResponseError) {
      const copy = problem.response.clone()
      this.finish(problem)
      failure = { status: copy.status, headers: [...copy.headers], body: await this.#bodyOf(copy) }
    } else if (problem instanceof ConnectionError) failure = { message: problem.message, cause: String(problem.cause) }
    else if (problem !== undefined) throw problem
    // This tab's own channel may be closed by now.
    const channel = this.#openChannel()
    channel.postMessage({ type: 'end', term: this.#term, failure })
    channel.close()
    this.finish(problem)
  }

  #tellState (): void {
    const { state, lastEventId, isResumable } = this.#stream.session
    this.#channel.postMessage({ type: 'state', term: this.#term, state, id: lastEventId, isResumable })
  }

  /** The lock may arrive before the previous leader's last messages, its end among them. An echo of our own arrives after those. */
  #echo (): Promise<void> {
    const echo = this.#openChannel()
    return new Promise(resolve => {
      this.#onEcho = resolve
      echo.postMessage({ type: 'hello', tab: this.#id })
      echo.close()
    })
  }

  #receive (message: TabMessage): void {
    if (message.type === 'hello') {
      if (message.tab === this.#id) this.#onEcho?.()
      if (this.#isLeader) this.#tellState()
      return
    }
    // Ignore messages of earlier terms; the current leader replays them.
    if (this.#isLeader || message.term < this.#term) return
    if (message.term > this.#term) {
      this.#isCatchingUp = this.#term > 0
      this.#term = message.term
    }
    if (message.type === 'frame') this.#receiveFrame(message.frame, message.retry)
    else if (message.type === 'end') this.finish(message.failure && errorOf(message.failure))
    else {
      const { session } = this.#stream
      // A tab that joins starts where the leader is. One that is ahead of a new leader keeps its place.
      if (!this.#isCatchingUp) session.moveTo(message.id, message.isResumable)
      session.enter(message.state)
    }
  }

  #receiveFrame (frame: Frame, retry: number | undefined): void {
    const { session } = this.#stream
    // A new leader resumes from its own last frame, which may be earlier than this tab's.
    if (this.#isCatchingUp && frame.id !== undefined && this.#seen.has(frame.id)) return
    this.#isCatchingUp = false
    session.retry = retry
    session.enter('open')
    this.#push(session.record(frame))
  }

  /** @returns whether the frame is the last one */
  #push (frame: IdentifiedFrame): boolean {
    if (frame.id !== undefined && isSendable(frame.id)) {
      this.#seen.add(frame.id)
      if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.values().next().value!)
    }
    if (this.#frames.length - this.#taken >= MAX_BEHIND || this.#size > MAX_BEHIND_SIZE) {
      this.finish(new RangeError(`This tab is ${this.#frames.length - this.#taken} messages behind the shared connection: take them faster, or do not share`))
    } else {
      this.#frames.push(frame)
      this.#size += sizeOf(frame)
    }
    const isLast = this.#stream.decoder.isLast(frame) || this.#isReport(frame)
    if (isLast) this.finish()
    this.#wake?.()
    return isLast
  }

  /** A failure that the server reports is the end for all tabs, however far they are behind: none may connect again before it reads the report. */
  #isReport ({ event, data }: Frame): boolean {
    if (!data.includes('"statusCode"')) return false
    try {
      return this.#stream.decoder.isReport(event, JSON.parse(data))
    } catch {
      // What is not JSON is not a report.
      return false
    }
  }

  #bodyOf (response: Response): Promise<string> {
    return new Promise(resolve => {
      const cancel = this.#stream.clock.setTimer(MAX_BODY_WAIT, () => { resolve('') })
      response.text().then(resolve, () => { resolve('') }).finally(cancel)
    })
  }
}

function sizeOf ({ event, data, id = '' }: Frame): number {
  return event.length + data.length + id.length
}
