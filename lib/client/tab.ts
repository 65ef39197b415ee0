import type { Plan } from './connection.ts'
import type { Dated } from './decode.ts'
import type { ConnectionError, ResponseError } from './errors.ts'
import type { Frame } from './frames.ts'
import type { StreamState } from './options.ts'
import type { Session } from './session.ts'

/** What a shared stream is made of. The errors are handed in: an import of theirs would split them off the main chunk. */
export interface Shared {
  readonly share: string | true
  readonly plan: Plan
  readonly session: Session
  readonly errors: { ConnectionError: typeof ConnectionError, ResponseError: typeof ResponseError }
  open (): AsyncGenerator<Dated, void, undefined>
}

/** What the tabs tell each other. A term is one tab's time as the leader; later ones are greater. */
type News =
  | { type: 'hello', tab: number }
  | { type: 'state', term: number, state: StreamState, id: string, isResumable: boolean }
  | { type: 'frame', term: number, frame: Frame, retry: number | undefined }
  | { type: 'end', term: number, failure: Failure | undefined }

/** A ResponseError, or else a ConnectionError, as it can be sent. */
type Failure = { status: number, headers: [string, string][], body: string } | { message: string, cause: string }

export interface Channel {
  onmessage: ((event: { data: News }) => void) | null
  postMessage (news: News): void
  close (): void
}

/** A tab that does not take its messages must not fill the memory for ever. */
const MAX_BEHIND = 10_000

/** How many ids a tab remembers: by so much a new leader may be behind it. */
const MAX_SEEN = 1000

/** For how many ms the body of a refused response is waited for, to be told to the other tabs. */
const MAX_BODY_WAIT = 1000

/** One tab of those that share a stream. */
export class Tab {
  readonly #id = Math.random()
  readonly #open: () => Channel
  readonly #channel: Channel
  readonly #shared: Shared
  readonly #session: Session
  #frames: Dated[] = []
  #taken = 0
  #wake: (() => void) | undefined
  #hasHeardAll: (() => void) | undefined
  #end: { error: unknown } | undefined
  #term = 0
  #isLeader = false
  #isCatchingUp = false
  readonly #seen = new Set<string>()

  constructor (open: () => Channel, shared: Shared) {
    this.#open = open
    this.#channel = open()
    this.#shared = shared
    this.#session = shared.session
    this.#channel.onmessage = ({ data }) => { this.#hear(data) }
    this.#channel.postMessage({ type: 'hello', tab: this.#id })
    this.#session.signal.addEventListener('abort', () => { this.finish() })
  }

  /** The next frame; undefined at the end. */
  async take (): Promise<Dated | undefined> {
    while (this.#taken === this.#frames.length) {
      if (this.#end) {
        if (this.#end.error !== undefined) throw this.#end.error
        return undefined
      }
      this.#frames = []
      this.#taken = 0
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
    return this.#frames[this.#taken++]
  }

  /** Runs the connection for all tabs, until the stream ends or this tab is closed. */
  async lead (): Promise<void> {
    const { plan, errors, open } = this.#shared
    await this.#hearAll()
    if (this.#end) return
    if (this.#term > 0 && !plan.mayRepeat()) throw new errors.ConnectionError('The tab that had the connection was closed')
    this.#isLeader = true
    this.#term = Math.max(this.#term + 1, Date.now())
    let state: StreamState | undefined
    const tell = (): void => {
      if (state === this.#session.state || this.#session.state === 'closed') return
      state = this.#session.state
      this.#tellState()
    }
    this.#session.onEnter = tell
    tell()
    let problem: unknown
    try {
      for await (const frame of open()) {
        const { event, data, id } = frame
        this.#channel.postMessage({ type: 'frame', term: this.#term, frame: { event, data, id }, retry: this.#session.retry })
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
    this.#hasHeardAll?.()
  }

  close (): void {
    this.#channel.close()
  }

  /** What is over for this tab is so for all, unless it was its own doing: being closed, or what its `headers` threw. */
  async #tellEnd (problem: unknown): Promise<void> {
    if (this.#session.signal.aborted) return
    const { ConnectionError, ResponseError } = this.#shared.errors
    let failure: Failure | undefined
    if (problem instanceof ResponseError) {
      const copy = problem.response.clone()
      this.finish(problem)
      failure = { status: copy.status, headers: [...copy.headers], body: await bodyOf(copy) }
    } else if (problem instanceof ConnectionError) failure = { message: problem.message, cause: String(problem.cause) }
    else if (problem !== undefined) throw problem
    // This tab's channel may be closed by now.
    const channel = this.#open()
    channel.postMessage({ type: 'end', term: this.#term, failure })
    channel.close()
    this.finish(problem)
  }

  #tellState (): void {
    const { state, lastEventId, isResumable } = this.#session
    this.#channel.postMessage({ type: 'state', term: this.#term, state, id: lastEventId, isResumable })
  }

  /** The lock may come sooner than what the leader before said last, be it the end: waits for an echo, which comes behind that. */
  #hearAll (): Promise<void> {
    const echo = this.#open()
    return new Promise(resolve => {
      this.#hasHeardAll = resolve
      echo.postMessage({ type: 'hello', tab: this.#id })
      echo.close()
    })
  }

  #hear (news: News): void {
    if (news.type === 'hello') {
      if (news.tab === this.#id) this.#hasHeardAll?.()
      if (this.#isLeader) this.#tellState()
      return
    }
    // What an earlier leader said too late comes again from the present one.
    if (this.#isLeader || news.term < this.#term) return
    if (news.term > this.#term) {
      this.#isCatchingUp = this.#term > 0
      this.#term = news.term
    }
    if (news.type === 'frame') this.#receive(news.frame, news.retry)
    else if (news.type === 'end') this.finish(news.failure && this.#errorOf(news.failure))
    else {
      // A tab that joins goes on from where the leader is; one that is ahead of a new leader knows better.
      if (!this.#isCatchingUp) Object.assign(this.#session, { lastEventId: news.id, isResumable: news.isResumable })
      this.#session.enter(news.state)
    }
  }

  #errorOf (failure: Failure): Error {
    const { ConnectionError, ResponseError } = this.#shared.errors
    if ('cause' in failure) return new ConnectionError(failure.message, { cause: failure.cause })
    // Of a redirect that is not followed browsers tell nothing, and a response without a status cannot be made otherwise.
    return new ResponseError(failure.status === 0 ? Response.error() : new Response(failure.body || null, failure))
  }

  #receive (frame: Frame, retry: number | undefined): void {
    // A new leader resumes from what it saw itself, which may be less than this tab did.
    if (this.#isCatchingUp && frame.id !== undefined && this.#seen.has(frame.id)) return
    this.#isCatchingUp = false
    this.#session.retry = retry
    this.#session.enter('open')
    this.#push(this.#session.note(frame))
  }

  /** Whether the frame is the last one. */
  #push (frame: Dated): boolean {
    if (frame.id !== undefined) {
      this.#seen.add(frame.id)
      if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.values().next().value!)
    }
    if (this.#frames.length - this.#taken >= MAX_BEHIND) this.finish(new RangeError(`More than ${MAX_BEHIND} messages behind the shared connection`))
    else this.#frames.push(frame)
    const isLast = this.#shared.plan.decoder.isLast(frame) || this.#isReport(frame)
    if (isLast) this.finish()
    this.#wake?.()
    return isLast
  }

  /** A failure that the server reports is the end for all tabs, however far they are behind: none may ask again before it comes to it. */
  #isReport ({ event, data }: Frame): boolean {
    if (!data.includes('"statusCode"')) return false
    try {
      return this.#shared.plan.decoder.isReport(event, JSON.parse(data))
    } catch {
      // No JSON is no report.
      return false
    }
  }
}

function bodyOf (response: Response): Promise<string> {
  return Promise.race([response.text().catch(() => ''), new Promise<string>(resolve => setTimeout(resolve, MAX_BODY_WAIT, ''))])
}
