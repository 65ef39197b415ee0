import type { Dated } from './decode.ts'
import type { Frame } from './frames.ts'
import type { RequestOptions, StreamState } from './options.ts'
import type { Session } from './session.ts'

/** What the tabs tell each other. A term is one tab's time as the leader; later ones are greater. */
type News =
  | { type: 'hello' }
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
  url: string | URL, { share, method, body }: RequestOptions, session: Session, connect: () => AsyncGenerator<Dated, void, undefined>
): AsyncGenerator<Dated, void, undefined> {
  const { navigator, BroadcastChannel } = globalThis as unknown as { navigator?: { locks?: Locks }, BroadcastChannel?: new (name: string) => Channel }
  if (navigator?.locks === undefined || BroadcastChannel === undefined) {
    yield * connect()
    return
  }
  const name = typeof share === 'string' ? share : `${method?.toUpperCase() ?? ''} ${String(url)} ${JSON.stringify(body) ?? ''}`
  const key = `fastify-typed-sse:${name}`
  const tab = new Tab(new BroadcastChannel(key), session)
  try {
    navigator.locks.request(key, { signal: session.signal }, () => tab.lead(connect)).catch((error: unknown) => { tab.finish(error) })
    for (;;) {
      const frame = await tab.take()
      if (frame === undefined) break
      yield frame
    }
    session.isOver()
  } finally {
    tab.close()
  }
}

class Tab {
  readonly #channel: Channel
  readonly #session: Session
  #frames: Dated[] = []
  #taken = 0
  #wake: (() => void) | undefined
  #end: { error: unknown } | undefined
  #term = 0
  #isLeader = false
  #isCatchingUp = false
  readonly #seen = new Set<string>()

  constructor (channel: Channel, session: Session) {
    this.#channel = channel
    this.#session = session
    channel.onmessage = ({ data }) => { this.#hear(data) }
    channel.postMessage({ type: 'hello' })
    session.signal.addEventListener('abort', () => { this.finish(undefined) })
  }

  /** The next frame; undefined at the end. */
  async take (): Promise<Dated | undefined> {
    while (this.#taken === this.#frames.length) {
      if (this.#end !== undefined) {
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
    if (this.#end !== undefined) return
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
    this.finish(undefined)
  }

  finish (error: unknown): void {
    this.#end ??= { error }
    this.#wake?.()
  }

  close (): void {
    this.#channel.onmessage = null
    this.#channel.close()
  }

  #hear (news: News): void {
    if (news.type === 'hello') {
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
    else if (news.type === 'end') this.finish(undefined)
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
    this.#wake?.()
  }
}
