// Writing to the raw response of either protocol, or into a stream that something else reads; ending and breaking off.
import { ServerResponse } from 'node:http'
import { constants, type Http2ServerResponse, type Http2Session } from 'node:http2'
import { type Socket } from 'node:net'
import { type Readable } from 'node:stream'
import { SSE_ERR_BROKEN_OFF } from '../errors.ts'
import { type Frames } from '../wire/frames.ts'

/** The raw response of either protocol. */
export type RawResponse = ServerResponse | Http2ServerResponse

/** Where the frames of a stream go, and the two ways in which it ends. */
export interface Outlet {
  /** Bytes written by {@link write}, {@link end} and {@link fail}. */
  bytes: number
  /** The socket of a plain HTTP/1.1 response whose headers have left: whole chunks may be written to it. */
  readonly direct: Socket | null
  /** Sends the headers, if that was not done. What is written first sends them too, in one packet with it. */
  open (): void
  /** Takes whole frames; false when it wants no more for now, until {@link OutletOwner.onWanted}. */
  write (text: string): boolean
  /** Takes shared frames, whose bytes the caller counts; false as {@link write}. */
  writeFrames (frames: Frames): boolean
  /** {@link direct} has refused a write of somebody else. Only where there is one. */
  onBlocked? (): void
  /** Writes the rest and ends well. */
  end (text: string): void
  /** Writes the rest, then breaks the response off, so that no client takes it for a good end. */
  fail (text: string): void
  /** Removes its listeners; what was written still leaves. */
  close (): void
}

/** Who writes to an outlet. */
export interface OutletOwner {
  /** The client, or whatever reads the stream, wants more. */
  onWanted (): void
}

/** Straight into the response, without a stream in between. */
export class ResponseOutlet implements Outlet {
  bytes = 0
  direct: Socket | null = null
  readonly #response: ServerResponse
  readonly #owner: OutletOwner
  /** Where `drain` is listened for: nowhere until a write was refused, so an idle stream pays for no listener. */
  #draining: ServerResponse | Socket | null = null
  #onDrain: (() => void) | undefined

  constructor (raw: RawResponse, owner: OutletOwner) {
    this.#response = raw as ServerResponse
    this.#owner = owner
  }

  open (): void {
    if (this.#response.headersSent) return
    this.#response.flushHeaders()
    this.direct = socketForChunks(this.#response)
  }

  write (text: string): boolean {
    return this.#isOpen() ? this.#writeText(text) : this.#writeFirst(text)
  }

  writeFrames (frames: Frames): boolean {
    return this.direct !== null || this.#isOpen() ? this.#writeShared(frames) : this.#writeFirst(frames)
  }

  onBlocked (): void {
    this.#watch(false)
  }

  end (text: string): void {
    this.bytes += Buffer.byteLength(text)
    if (text === '') this.#response.end()
    else this.#response.end(text)
  }

  fail (text: string): void {
    this.bytes += Buffer.byteLength(text)
    breakAfter(this.#response, text)
  }

  close (): void {
    if (this.#draining !== null) this.#draining.off('drain', this.#onDrain!)
    this.#draining = null
  }

  /** Over HTTP/2 a stream that the client has closed never sends its headers. */
  #isOpen (): boolean {
    return this.#response.headersSent || 'stream' in this.#response
  }

  /** Headers and frames in one packet. Node would keep the headers it writes together with text as a rope of 24 strings. */
  #writeFirst (first: string | Frames): boolean {
    const { socket } = this.#response
    socket?.cork()
    this.open()
    const isWilling = typeof first === 'string' ? this.#writeText(first) : this.#writeShared(first)
    socket?.uncork()
    return isWilling
  }

  #writeShared (frames: Frames): boolean {
    return this.#watch(this.direct === null ? this.#response.write(frames.bytes) : this.direct.write(frames.chunk))
  }

  #writeText (text: string): boolean {
    const length = Buffer.byteLength(text)
    this.bytes += length
    if (this.direct === null) return this.#watch(this.#response.write(text))
    // `response.write` makes four writes of a chunk, which is a tenth of the CPU of a lone event (bench: tick).
    return this.#watch(this.direct.write(`${length.toString(16)}\r\n${text}\r\n`, length === text.length ? 'latin1' : 'utf8'))
  }

  #watch (isWilling: boolean): boolean {
    if (isWilling) return true
    const emitter = this.direct ?? this.#response
    if (emitter === this.#draining) return false
    this.close()
    this.#onDrain ??= () => this.#owner.onWanted()
    emitter.on('drain', this.#onDrain)
    this.#draining = emitter
    return false
  }
}

/**
 * The socket of a plain HTTP/1.1 response, to which chunks may be written in its place: its headers have left, and
 * nobody, such as `inject` or a tracer, has put a `write` of their own in the way.
 */
function socketForChunks (response: ServerResponse): Socket | null {
  const isPlain = response.write === ServerResponse.prototype.write && response.chunkedEncoding && response.headersSent
  return isPlain ? response.socket : null
}

/** Into a Readable that somebody else reads, such as a compressor. */
export class ReadableOutlet implements Outlet {
  bytes = 0
  readonly direct = null
  readonly #readable: Readable & { fail (): void }

  constructor (readable: Readable & { fail (): void }) {
    this.#readable = readable
  }

  open (): void {}

  write (text: string): boolean {
    const bytes = Buffer.from(text)
    this.bytes += bytes.length
    return this.#readable.push(bytes)
  }

  writeFrames (frames: Frames): boolean {
    return this.#readable.push(frames.bytes)
  }

  end (text: string): void {
    this.write(text)
    this.#readable.push(null)
  }

  fail (text: string): void {
    this.write(text)
    this.#readable.fail()
  }

  close (): void {}
}

/**
 * Breaks off a response so that no client takes it for complete. Over HTTP/2 that takes an error code. Over HTTP/1.1 the
 * last chunk is missing. Without chunks (HTTP/1.0, which nginx speaks upstream by default) the end of the connection is
 * the end of the response, so the connection is reset.
 */
export function abort (raw: RawResponse): void {
  if ('stream' in raw) {
    // One that the client has closed can only be destroyed.
    if (raw.stream?.closed === true) raw.stream.destroy()
    else raw.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
    return
  }
  if (raw.headersSent && !raw.chunkedEncoding) reset(raw.socket)
  // The mark of `inject`, which rejects with this error; over a socket there is nobody to tell.
  raw.destroy('isLightMyRequest' in raw ? new SSE_ERR_BROKEN_OFF() : undefined)
}

function reset (socket: Socket | null): void {
  try {
    socket?.resetAndDestroy()
  } catch {
    // Only TCP can be reset: not TLS, unix sockets, nor the mock of `inject`.
  }
}

/**
 * Writes the last text, then breaks the response off. A reset discards what the client has not read yet unless it comes a
 * turn after the write's callback, and Bun drops the text without that turn.
 */
export function breakAfter (raw: RawResponse, text: string): void {
  (raw as ServerResponse).write(text, () => { setImmediate(abort, raw) })
}

/** Calls a listener when a response has finished, before the listener of Node, which takes the socket away. */
export function onFinish (raw: RawResponse, listener: (this: RawResponse) => void): void {
  raw.prependListener('finish', listener)
}

/** For listeners of {@link onFinish}: whether all has left. Node emits `finish` too when the connection broke with text still to be sent. */
export function wasSent (raw: RawResponse): boolean {
  return raw.socket?.destroyed !== true
}

/** Whether the client broke off; Node emits `finish` for HTTP/2 all the same. */
export function wasAborted (raw: RawResponse): boolean {
  return 'stream' in raw && raw.stream?.aborted === true
}

/**
 * The connection of an HTTP/2 response, to be closed during shutdown: clients keep theirs open, which Fastify would wait
 * for. A closed one still lets its other requests finish.
 */
export function connectionOf (raw: RawResponse): Http2Session | undefined {
  return 'stream' in raw ? raw.stream?.session : undefined
}

/** Whether the client left while the handler was still at work. */
export function isGone (raw: RawResponse): boolean {
  if ('stream' in raw) return raw.stream?.destroyed !== false
  // One that is queued behind others on its connection is not told when that ends.
  return raw.destroyed || (raw.socket === null && raw.req.socket.destroyed)
}
