import { microseconds } from './payload.ts'

const LF = 0x0a
const RIGHT_BRACE = 0x7d
const ZERO = 0x30
const TAIL = 512

export interface ReaderOptions {
  /** Called for each event with its `ts` (us) and the time at which its bytes were read. */
  onLatency?: ((sent: number, read: number) => void) | undefined
  onFrames?: ((frames: number) => void) | undefined
  lastEventId?: string | undefined
}

/**
 * One stream, whose frames are counted by their blank lines: an SSE parser would be slower than the servers. `verify.ts` shows beforehand
 * that this count is that of a real parser, and `lastId` afterwards.
 */
export abstract class StreamReader {
  frames = 0
  firstFrameAt = 0
  lastReadAt = 0
  readonly ended: Promise<void>
  readonly begun: Promise<void>
  /** Resolves when the head of the response was read. */
  readonly joined: Promise<void>
  protected readonly tail = Buffer.alloc(TAIL)
  protected end!: () => void
  protected fail!: (error: Error) => void
  protected join!: () => void
  readonly #options: ReaderOptions
  #endsInLf = false
  #begin!: () => void

  constructor (options: ReaderOptions) {
    this.#options = options
    this.ended = new Promise((resolve, reject) => { this.end = resolve; this.fail = reject })
    this.ended.catch(() => {})
    this.begun = new Promise((resolve, reject) => { this.#begin = resolve; this.ended.catch(reject) })
    this.begun.catch(() => {})
    this.joined = new Promise((resolve, reject) => { this.join = resolve; this.ended.catch(reject) })
    this.joined.catch(() => {})
  }

  abstract close (): void

  /** The id in the last event read: with ids from 0 and none missing, one less than the number of events. */
  get lastId (): number {
    const ids = Array.from(this.tail.toString('latin1').matchAll(/"id":(\d+),[^\n]*\n/g), match => Number(match[1]))
    return ids.at(-1) ?? -1
  }

  /** Counts the frames that end in these bytes. */
  protected take (chunk: Buffer): void {
    const frames = this.#options.onLatency === undefined ? this.#count(chunk) : this.#measure(chunk)
    this.#endsInLf = chunk[chunk.length - 1] === LF
    this.#keepTail(chunk)
    if (frames === 0) return
    this.lastReadAt = microseconds()
    if (this.frames === 0) {
      this.firstFrameAt = this.lastReadAt
      this.#begin()
    }
    this.frames += frames
    this.#options.onFrames?.(frames)
  }

  #count (chunk: Buffer): number {
    let frames = this.#endsInLf && chunk[0] === LF ? 1 : 0
    for (let at = chunk.indexOf('\n\n'); at !== -1; at = chunk.indexOf('\n\n', at + 2)) frames++
    return frames
  }

  /** As `count`; besides reads `ts` of each event that is whole in this chunk. */
  #measure (chunk: Buffer): number {
    const now = microseconds()
    let frames = this.#endsInLf && chunk[0] === LF ? 1 : 0
    for (let at = chunk.indexOf('\n\n'); at !== -1; at = chunk.indexOf('\n\n', at + 2)) {
      frames++
      const sent = sentAt(chunk, at)
      if (sent > 0) this.#options.onLatency?.(sent, now)
    }
    return frames
  }

  #keepTail (chunk: Buffer): void {
    if (chunk.length < TAIL) {
      this.tail.copyWithin(0, chunk.length)
      chunk.copy(this.tail, TAIL - chunk.length)
    } else {
      chunk.copy(this.tail, 0, chunk.length - TAIL)
    }
  }
}

/**
 * The digits of `ts`, the last member of the payload of a frame that ends at `at`: backwards from the brace that ends the last line, or the
 * one before it, where an `id` line is the last. 0 where there is none: a comment, or a control event.
 */
function sentAt (chunk: Buffer, at: number): number {
  if (at < 2) return 0
  let end = at - 1
  if (chunk[end] !== RIGHT_BRACE) end = chunk.lastIndexOf(LF, end) - 1
  if (end < 0 || chunk[end] !== RIGHT_BRACE) return 0
  let sent = 0
  let unit = 1
  for (let digit = end - 1; digit >= 0; digit--) {
    const value = (chunk[digit] as number) - ZERO
    if (value < 0 || value > 9) break
    sent += value * unit
    unit *= 10
  }
  return sent
}
