// Frames that are made once and shared, and what is still to be written to one response.

/**
 * Frames that were encoded once, to be written to many responses. They hold the bytes in one HTTP/1.1 chunk, made once
 * for all; over HTTP/2, and where something else reads the body, {@link bytes} is a view of the payload in it.
 */
export class Frames {
  /** How many events they are; comments and control events do not count. */
  readonly events: number
  /** One chunk of chunked transfer coding (RFC 9112, section 7.1): size in hex, CRLF, bytes, CRLF. */
  readonly chunk: Buffer
  readonly #start: number
  /** Made on first use: HTTP/1.1 does not need it. */
  #bytes: Buffer | undefined

  private constructor (chunk: Buffer, start: number, events: number) {
    this.chunk = chunk
    this.#start = start
    this.events = events
  }

  /**
   * @param text one or more whole frames
   * @param events how many of them are events
   */
  static of (text: string, events: number): Frames {
    const length = Buffer.byteLength(text)
    const head = `${length.toString(16)}\r\n`
    const chunk = Buffer.allocUnsafe(head.length + length + 2)
    chunk.write(head, 'latin1')
    chunk.write(text, head.length)
    chunk.write('\r\n', head.length + length, 'latin1')
    return new Frames(chunk, head.length, events)
  }

  /** All of a list as one, in its order. The list must not be empty. */
  static join (list: readonly Frames[]): Frames {
    if (list.length === 1) return list[0]!
    let length = 0
    let events = 0
    for (const frames of list) {
      length += frames.byteLength
      events += frames.events
    }
    const head = `${length.toString(16)}\r\n`
    const chunk = Buffer.allocUnsafe(head.length + length + 2)
    let at = chunk.write(head, 'latin1')
    for (const frames of list) at += frames.bytes.copy(chunk, at)
    chunk.write('\r\n', at, 'latin1')
    return new Frames(chunk, head.length, events)
  }

  /** The frames without the head and tail of the chunk. */
  get bytes (): Buffer {
    this.#bytes ??= this.chunk.subarray(this.#start, -2)
    return this.#bytes
  }

  get byteLength (): number {
    return this.chunk.length - this.#start - 2
  }
}

/**
 * What is still to be written to one response. An encoder appends to {@link text}, which stays a rope until it is taken: a
 * write into a buffer for each event would cost a quarter more.
 */
export class Outgoing {
  /** Whole frames. */
  text = ''
  /** How many events were ever added; comments, checkpoints and control events do not count. */
  events = 0
  /** Whether the last frame that was added, comments apart, has an id: then a client can resume after it. */
  isResumable = false

  /** Takes what waits. */
  take (): string {
    const { text } = this
    this.text = ''
    return text
  }
}
