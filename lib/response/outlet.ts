import { ServerResponse } from 'node:http'
import { constants, type Http2ServerResponse, type Http2Session } from 'node:http2'
import { type Socket } from 'node:net'
import { type Readable } from 'node:stream'

/** The raw response of either protocol. */
export type RawResponse = ServerResponse | Http2ServerResponse

/** Where a stream's frames go, with the two ways in which it is over. */
export interface Outlet {
  /** Bytes written so far. */
  readonly bytes: number
  /** Sends the headers, if that was not done. */
  open (): void
  /** Takes text; false when it wants no more for now. */
  write (text: string): boolean
  /** Writes the last text and ends well. */
  end (text: string): void
  /** Writes the last text, then breaks the response, so that no client takes it for a good end. */
  fail (text: string): void
  /** Removes its listeners; what was written goes on. */
  close (): void
}

/** Straight into the response: no stream in between. */
export class ResponseOutlet implements Outlet {
  bytes = 0
  readonly #response: ServerResponse
  readonly #onDrain: () => void
  #socket: Socket | null = null

  constructor (raw: RawResponse, onDrain: () => void) {
    this.#response = raw as ServerResponse
    this.#onDrain = onDrain
    this.#response.on('drain', onDrain)
  }

  open (): void {
    if (!this.#response.headersSent) this.#response.flushHeaders()
  }

  write (text: string): boolean {
    const length = Buffer.byteLength(text)
    this.bytes += length
    // `response.write` makes four writes of a chunk, which is a tenth of the CPU of a lone event (bench: tick).
    if (this.#socket !== null) return this.#socket.write(`${length.toString(16)}\r\n${text}\r\n`, length === text.length ? 'latin1' : 'utf8')
    const isWilling = this.#response.write(text)
    this.#socket = socketForChunks(this.#response)
    this.#socket?.on('drain', this.#onDrain)
    return isWilling
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
    this.#response.off('drain', this.#onDrain)
    this.#socket?.off('drain', this.#onDrain)
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

  end (text: string): void {
    if (text !== '') this.write(text)
    this.#readable.push(null)
  }

  fail (text: string): void {
    if (text !== '') this.write(text)
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
    raw.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
    return
  }
  if (raw.headersSent && !raw.chunkedEncoding) reset(raw.socket)
  raw.destroy()
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

/** Calls back when all of a response has left. Node emits `finish` too when the connection broke with text still to be sent. */
export function onceSent (raw: RawResponse, callback: () => void): void {
  // Before the listener of Node, which takes the socket away.
  raw.prependOnceListener('finish', () => { if (raw.socket?.destroyed !== true) callback() })
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
