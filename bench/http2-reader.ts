// Streams over HTTP/2, many on a connection. Node's client would take more CPU than the servers, so frames are read straight off the socket.
import { connect, type Socket } from 'node:net'
import { shared } from './reader.ts'
import { StreamReader, type ReaderOptions } from './stream-reader.ts'

/** Types of frames: RFC 9113, section 6. */
const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const PING = 6
const GOAWAY = 7
const WINDOW_UPDATE = 8

const ACK = 0x1
const END_STREAM = 0x1
const END_HEADERS = 0x4
const PADDED_OR_PRIORITY = 0x28

const FRAME_HEADER = 9
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const DEFAULT_WINDOW = 65_535
const LARGEST_WINDOW = 2 ** 31 - 1
/** Bytes after which the connection's window is widened again. */
const REFILL = 2 ** 28
/** `:status: 200`, the 8th of HPACK's static table, which servers send first. */
const STATUS_200 = 0x88

/** A connection without TLS whose server is known to speak HTTP/2. */
export class Http2Connection {
  readonly #socket: Socket
  readonly #streams = new Map<number, Http2Reader>()
  readonly #header = Buffer.alloc(FRAME_HEADER)
  #headerBytes = 0
  #type = 0
  #flags = 0
  #stream: Http2Reader | undefined
  /** Bytes of the frame's payload still to come. */
  #left = 0
  #payload: Buffer[] = []
  #nextId = 1
  #consumed = 0

  constructor (port: number) {
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: shared, callback: (bytes, buffer) => { this.#read((buffer as Buffer).subarray(0, bytes)); return true } }
    })
    this.#socket.on('error', error => this.#failAll(error))
    this.#socket.on('close', () => { this.#failAll(new Error('the connection was closed')) })
    this.#socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), windowUpdate(0, LARGEST_WINDOW - DEFAULT_WINDOW)]))
  }

  /** Asks for a stream. One that is stalled takes what its first window holds, 64 KB, and no more. */
  open (path: string, options: ReaderOptions & { method?: 'GET' | 'POST', isStalled?: boolean } = {}): Http2Reader {
    const id = this.#nextId
    this.#nextId += 2
    const reader = new Http2Reader(options, () => { this.#reset(id) })
    this.#streams.set(id, reader)
    const request = frame(HEADERS, END_STREAM | END_HEADERS, id, headersOf(options.method ?? 'GET', path))
    this.#socket.write(options.isStalled === true ? request : Buffer.concat([request, windowUpdate(id, LARGEST_WINDOW - DEFAULT_WINDOW)]))
    return reader
  }

  close (): void {
    this.#streams.clear()
    this.#socket.destroy()
  }

  #reset (id: number): void {
    if (this.#streams.delete(id)) this.#socket.write(frame(RST_STREAM, 0, id, uint32(8)))
  }

  #failAll (error: Error): void {
    for (const stream of this.#streams.values()) stream.onFail(error)
    this.#streams.clear()
  }

  #read (chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#headerBytes < FRAME_HEADER) {
        const taken = chunk.copy(this.#header, this.#headerBytes, at, at + FRAME_HEADER - this.#headerBytes)
        at += taken
        this.#headerBytes += taken
        if (this.#headerBytes < FRAME_HEADER) return
        this.#begin()
      }
      const part = chunk.subarray(at, at + this.#left)
      at += part.length
      this.#left -= part.length
      if (this.#type !== DATA) this.#payload.push(Buffer.from(part))
      else if (part.length > 0) this.#stream?.onData(part)
      if (this.#left === 0) this.#finish()
    }
  }

  #begin (): void {
    const header = this.#header
    this.#left = header.readUIntBE(0, 3)
    this.#type = header[3] as number
    this.#flags = header[4] as number
    const id = header.readUInt32BE(5)
    this.#stream = this.#streams.get(id)
    if (this.#type === DATA) this.#consume(this.#left)
    if ((this.#type === DATA || this.#type === HEADERS) && (this.#flags & PADDED_OR_PRIORITY) !== 0) throw new Error('padding and priorities are not read')
    if (this.#left === 0) return
    this.#payload = []
  }

  #finish (): void {
    this.#headerBytes = 0
    const stream = this.#stream
    switch (this.#type) {
      case HEADERS:
        stream?.onHead(this.#payload[0]?.[0] === STATUS_200)
        break
      case RST_STREAM:
        stream?.onFail(new Error(`the stream was reset: ${Buffer.concat(this.#payload).readUInt32BE(0)}`))
        break
      case GOAWAY:
        this.#failAll(new Error('the server has sent GOAWAY'))
        break
      case SETTINGS:
        if ((this.#flags & ACK) === 0) this.#socket.write(frame(SETTINGS, ACK, 0))
        break
      case PING:
        if ((this.#flags & ACK) === 0) this.#socket.write(frame(PING, ACK, 0, Buffer.concat(this.#payload)))
    }
    if ((this.#type === DATA || this.#type === HEADERS) && (this.#flags & END_STREAM) !== 0) {
      this.#streams.delete(this.#header.readUInt32BE(5))
      stream?.onEnd()
    }
  }

  #consume (bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed < REFILL) return
    this.#socket.write(windowUpdate(0, this.#consumed))
    this.#consumed = 0
  }
}

/** One stream of a connection. */
export class Http2Reader extends StreamReader {
  readonly #reset: () => void

  constructor (options: ReaderOptions, reset: () => void) {
    super(options)
    this.#reset = reset
  }

  close (): void {
    this.end()
    this.#reset()
  }

  onHead (isOk: boolean): void {
    if (isOk) this.join()
    else this.fail(new Error('the status is not 200'))
  }

  onData (chunk: Buffer): void {
    this.take(chunk)
  }

  onEnd (): void {
    this.end()
  }

  onFail (error: Error): void {
    this.fail(error)
  }
}

function frame (type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(FRAME_HEADER)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header.writeUInt32BE(id, 5)
  return Buffer.concat([header, payload])
}

function windowUpdate (id: number, increment: number): Buffer {
  return frame(WINDOW_UPDATE, 0, id, uint32(increment))
}

function uint32 (value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** HPACK without its dynamic table: indexed `:method` and `:scheme`, then literals named by the static table (RFC 7541, appendix A). */
function headersOf (method: 'GET' | 'POST', path: string): Buffer {
  return Buffer.concat([
    Buffer.from([method === 'GET' ? 0x82 : 0x83, 0x86]),
    literal([0x04], path),
    literal([0x01], '127.0.0.1'),
    literal([0x0f, 19 - 15], 'text/event-stream')
  ])
}

function literal (name: number[], value: string): Buffer {
  if (value.length > 126) throw new Error('a header is too long for its length to be one byte')
  return Buffer.concat([Buffer.from([...name, value.length]), Buffer.from(value)])
}
