import type { Dated } from './decode.ts'
import type { Frame } from './frames.ts'
import type { RequestOptions, StreamState } from './options.ts'
import type { Session } from './session.ts'

/** What the tabs tell each other. A term is one tab's time as the leader; later ones are greater. */
type News =
  | { type: 'hello', tab: number }
  | { type: 'state', term: number, state: StreamState }
  | { type: 'frame', term: number, frame: Frame, retry: number | undefined }
  | { type: 'end', term: number }

interface Locks {
  request (name: string, options: { signal: AbortSignal }, work: () => Promise<void>): Promise<void>
}

interface Channel {
  onmessage: ((event: { data: News }) => void) | null
  postMessage (news: News): void
  close (): void
}

/** A tab that does not take its messages must not fill the memory for ever. */
const MAX_BEHIND = 10_000

/** How many ids a tab remembers: by so much a new leader may be behind it. */
const MAX_SEEN = 1000

/**
 * In a module of its own, which only those load who share.
 *
 * The frames of a stream whose one connection is held by the tab that has the lock, the leader. When it goes, the next
 * tab goes on from the last id that it saw.
 */
export async function * share (
  url: string | URL, { share, method, body }: RequestOptions, session: Session, isLast: (frame: Frame) => boolean, connect: () => AsyncGenerator<Dated, void, undefined>
): AsyncGenerator<Dated, void, undefined> {
  const { navigator, BroadcastChannel } = globalThis as unknown as { navigator?: { locks?: Locks }, BroadcastChannel?: new (name: string) => Channel }
  if (!navigator?.locks || !BroadcastChannel) return yield * connect()
  const name = typeof share === 'string' ? share : JSON.stringify([method?.toUpperCase(), url, body])
  const key = `fastify-typed-sse:${name}`
  const open = (): Channel => new BroadcastChannel(key)
  const tab = new Tab(open, session, isLast)
  try {
    navigator.locks.request(key, { signal: session.signal }, () => tab.lead(connect)).catch((error: unknown) => { tab.finish(error) })
    for (;;) {
      const frame = await tab.take()
      if (!frame) break
      yield frame
    }
    session.isOver()
  } finally {
    tab.close()
  }
}

class Tab {
  readonly #id = Math.random()
  readonly #open: () => Channel
  readonly #channel: Channel
  readonly #session: Session
  readonly #isLast: (frame: Frame) => boolean
  #frames: Dated[] = []
  #taken = 0
  #wake: (() => void) | undefined
  #hasHeardAll: (() => void) | undefined
  #end: { error: unknown } | undefined
  #term = 0
  #isLeader = false
  #isCatchingUp = false
  readonly #seen = new Set<string>()

  constructor (open: () => Channel, session: Session, isLast: (frame: Frame) => boolean) {
    this.#open = open
    this.#channel = open()
    this.#session = session
    this.#isLast = isLast
    this.#channel.onmessage = ({ data }) => { this.#hear(data) }
    this.#channel.postMessage({ type: 'hello', tab: this.#id })
    session.signal.addEventListener('abort', () => { this.finish() })
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
  async lead (connect: () => AsyncGenerator<Dated, void, undefined>): Promise<void> {
    await this.#hearAll()
    if (this.#end) return
    this.#isLeader = true
    this.#term = Math.max(this.#term + 1, Date.now())
    const term = this.#term
    let state: StreamState | undefined
    const tell = (): void => {
      if (state === this.#session.state || this.#session.state === 'closed') return
      state = this.#session.state
      this.#channel.postMessage({ type: 'state', term, state })
    }
    this.#session.onEnter = tell
    tell()
    for await (const frame of connect()) {
      const { event, data, id } = frame
      this.#channel.postMessage({ type: 'frame', term, frame: { event, data, id }, retry: this.#session.retry })
      this.#push(frame)
    }
    // Closing this tab is no end for the others.
    if (this.#session.signal.aborted) return
    this.#channel.postMessage({ type: 'end', term })
    this.finish()
  }

  finish (error?: unknown): void {
    this.#end ??= { error }
    this.#wake?.()
    this.#hasHeardAll?.()
  }

  close (): void {
    this.#channel.close()
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
      if (this.#isLeader) this.#channel.postMessage({ type: 'state', term: this.#term, state: this.#session.state })
      return
    }
    // What an earlier leader said too late comes again from the present one.
    if (this.#isLeader || news.term < this.#term) return
    if (news.term > this.#term) {
      this.#isCatchingUp = this.#term > 0
      this.#term = news.term
    }
    if (news.type === 'state') this.#session.enter(news.state)
    else if (news.type === 'end') this.finish()
    else this.#receive(news.frame, news.retry)
  }

  #receive (frame: Frame, retry: number | undefined): void {
    // A new leader resumes from what it saw itself, which may be less than this tab did.
    if (this.#isCatchingUp && frame.id !== undefined && this.#seen.has(frame.id)) return
    this.#isCatchingUp = false
    this.#session.retry = retry
    this.#session.enter('open')
    this.#push(this.#session.note(frame))
  }

  #push (frame: Dated): void {
    if (frame.id !== undefined) {
      this.#seen.add(frame.id)
      if (this.#seen.size > MAX_SEEN) this.#seen.delete(this.#seen.values().next().value!)
    }
    if (this.#frames.length - this.#taken >= MAX_BEHIND) this.finish(new RangeError(`More than ${MAX_BEHIND} messages behind the shared connection`))
    else this.#frames.push(frame)
    if (this.#isLast(frame)) this.finish()
    this.#wake?.()
  }
}
