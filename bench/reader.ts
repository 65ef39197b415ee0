// Streams over HTTP/1.1, each on a connection of its own.
import { connect, type Socket } from 'node:net'
import { StreamReader, type ReaderOptions } from './stream-reader.ts'

const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** All sockets read into one buffer: each read is handled before the next can happen. */
export const shared = Buffer.allocUnsafe(256 * 1024)

/** A stream read straight off the socket, with no HTTP parser. */
export class Reader extends StreamReader {
  readonly #socket: Socket
  #head = ''
  /** Bytes of the body still to come; infinite for a chunked one, undefined before the head was read. */
  #left: number | undefined

  constructor (port: number, path: string, options: ReaderOptions = {}) {
    super(options)
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: shared, callback: (bytes, buffer) => { this.#read(buffer as Buffer, bytes); return true } }
    })
    this.#socket.on('error', this.fail)
    this.#socket.on('close', () => { this.fail(new Error('the connection was closed')) })
    this.#socket.write(requestOf(path, options.lastEventId))
  }

  close (): void {
    this.end()
    this.#socket.destroy()
  }

  #read (buffer: Buffer, length: number): void {
    const chunk = buffer.subarray(0, length)
    this.take(chunk)
    if (this.#left === undefined) this.#readHead(chunk)
    else this.#left -= length
    if (this.#left === 0 || this.tail.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) this.close()
  }

  #readHead (chunk: Buffer): void {
    this.#head += chunk.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#head.slice(0, end)
    if (!head.startsWith('HTTP/1.1 200 ')) this.fail(new Error(head))
    const length = /^content-length: *(\d+)/im.exec(head)?.[1]
    this.#left = length === undefined ? Infinity : Number(length) - (this.#head.length - end - 4)
    this.#head = ''
    this.join()
  }
}

/** A connection that asks for a stream and never reads a byte of it. */
export function stall (port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(requestOf(path), () => resolve()))
    socket.on('error', reject)
    socket.pause()
  })
}

function requestOf (path: string, lastEventId?: string) {
  const resume = lastEventId === undefined ? '' : `last-event-id: ${lastEventId}\r\n`
  return `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n${resume}\r\n`
}
