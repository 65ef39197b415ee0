import { connect, type Socket } from 'node:net'
import { microseconds } from './payload.ts'

const LF = 0x0a
const RIGHT_BRACE = 0x7d
const ZERO = 0x30
const TAIL = 512
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** All sockets read into one buffer: each read is handled before the next can happen. */
const shared = Buffer.allocUnsafe(256 * 1024)

export interface ReaderOptions {
  /** Called for each event with its `ts` (us) and the time at which its bytes were read. */
  onLatency?: ((sent: number, read: number) => void) | undefined
  onFrames?: ((frames: number) => void) | undefined
}

/**
 * One connection that asks for a stream and counts its frames by their blank lines, straight off the socket: an HTTP parser and an SSE
 * parser would be slower than the servers. `verify.ts` shows beforehand that this count is that of a real parser, and `lastId` afterwards.
 */
export class Reader {
  frames = 0
  firstFrameAt = 0
  lastReadAt = 0
  readonly ended: Promise<void>
  readonly begun: Promise<void>
  /** Resolves when the head of the response was read. */
  readonly joined: Promise<void>
  readonly #socket: Socket
  readonly #options: ReaderOptions
  readonly #tail = Buffer.alloc(TAIL)
  #head = ''
  /** Bytes of the body still to come; infinite for a chunked one, undefined before the head was read. */
  #left: number | undefined
  #endsInLf = false
  #begin!: () => void
  #join!: () => void
  #end!: () => void

  constructor (port: number, path: string, options: ReaderOptions = {}) {
    this.#options = options
    let fail!: (error: Error) => void
    this.ended = new Promise((resolve, reject) => { this.#end = resolve; fail = reject })
    this.ended.catch(() => {})
    this.begun = new Promise((resolve, reject) => { this.#begin = resolve; this.ended.catch(reject) })
    this.begun.catch(() => {})
    this.joined = new Promise((resolve, reject) => { this.#join = resolve; this.ended.catch(reject) })
    this.joined.catch(() => {})
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: shared, callback: (bytes, buffer) => { this.#read(buffer as Buffer, bytes); return true } }
    })
    this.#socket.on('error', fail)
    this.#socket.on('close', () => { fail(new Error('the connection was closed')) })
    this.#socket.write(requestOf(path))
  }

  close (): void {
    this.#end()
    this.#socket.destroy()
  }

  /** The id in the last event read: with ids from 0 and none missing, one less than the number of events. */
  get lastId (): number {
    const ids = Array.from(this.#tail.toString('latin1').matchAll(/"id":(\d+),[^\n]*\n/g), match => Number(match[1]))
    return ids.at(-1) ?? -1
  }

  #read (buffer: Buffer, length: number): void {
    const chunk = buffer.subarray(0, length)
    const frames = this.#options.onLatency === undefined ? this.#count(chunk) : this.#measure(chunk)
    this.#endsInLf = chunk[length - 1] === LF
    this.#keepTail(chunk)
    if (frames > 0) {
      this.lastReadAt = microseconds()
      if (this.frames === 0) {
        this.firstFrameAt = this.lastReadAt
        this.#begin()
      }
      this.frames += frames
      this.#options.onFrames?.(frames)
    }
    if (this.#left === undefined) this.#readHead(chunk)
    else this.#left -= length
    if (this.#left === 0 || this.#tail.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) this.close()
  }

  #readHead (chunk: Buffer): void {
    this.#head += chunk.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return
    const length = /^content-length: *(\d+)/im.exec(this.#head.slice(0, end))?.[1]
    this.#left = length === undefined ? Infinity : Number(length) - (this.#head.length - end - 4)
    this.#head = ''
    this.#join()
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
      this.#tail.copyWithin(0, chunk.length)
      chunk.copy(this.#tail, TAIL - chunk.length)
    } else {
      chunk.copy(this.#tail, 0, chunk.length - TAIL)
    }
  }
}

/**
 * The digits of `ts`, the last member of the payload of a frame that ends at `at`: backwards from the brace that ends the last line, or the
 * one before it, where an `id` line is the last. 0 where there is none: a comment, or a control event.
 */
export function sentAt (chunk: Buffer, at: number): number {
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

/** A connection that asks for a stream and never reads a byte of it. */
export function stall (port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(requestOf(path), () => resolve()))
    socket.on('error', reject)
    socket.pause()
  })
}

function requestOf (path: string) {
  return `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n`
}
