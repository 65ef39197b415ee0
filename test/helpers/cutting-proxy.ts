import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { random } from './random.ts'

export interface CuttingProxyOptions {
  /** The port that is reached through it. */
  port: number
  /** How many connections it cuts before it leaves them alone. */
  cuts: number
  /** Of the places of the cuts. */
  seed: number
  /** Before how many bytes of the response a cut is. */
  within?: number
  /** Whether a cut may be within the headers. */
  mayCutHead?: boolean
  /** Whether a cut may be before the last byte of an event, between its id and its end. */
  mayCutEnd?: boolean
}

/** Cuts the responses of an HTTP server at any byte, as networks do. */
export class CuttingProxy {
  readonly #options: CuttingProxyOptions
  readonly #random: () => number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #open = 0
  #onOpen: (() => void) | undefined
  /** How many connections were cut. */
  cuts = 0

  constructor (options: CuttingProxyOptions) {
    this.#options = options
    this.#random = random(options.seed)
    this.#server = createServer(client => { this.#pass(client) })
  }

  async listen (t: { teardown (fn: () => unknown): void }): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    t.teardown(async () => {
      for (const socket of this.#sockets) socket.destroy()
      this.#server.close()
      await once(this.#server, 'close')
    })
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when a connection is open. */
  async opened (): Promise<void> {
    while (this.#open === 0) await new Promise<void>(resolve => { this.#onOpen = resolve })
  }

  get isDone (): boolean {
    return this.cuts >= this.#options.cuts
  }

  #pass (client: Socket): void {
    const { port, within = 1000, mayCutHead = true, mayCutEnd = true } = this.#options
    const server = connect(port, '127.0.0.1')
    // The first connection gets its beginning whole: the reconnection time, and where to resume from.
    let left = this.cuts === 0 ? within : Math.floor(this.#random() * within)
    let last = -1
    let isHead = !mayCutHead
    this.#open++
    this.#onOpen?.()
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => { /* close follows */ })
    }
    server.once('close', () => {
      this.#open--
      this.#sockets.delete(server)
      client.end()
    })
    client.once('close', () => {
      this.#sockets.delete(client)
      server.destroy()
    })
    client.pipe(server)
    server.on('data', bytes => {
      if (isHead) {
        // Servers write the head at once.
        isHead = false
        left += bytes.indexOf('\r\n\r\n') + 4
      }
      if (this.isDone || bytes.length <= left) {
        client.write(bytes)
        left -= bytes.length
        last = bytes.at(-1)!
        return
      }
      const isBetweenEnds = bytes[left] === 10 && (left === 0 ? last : bytes[left - 1]) === 10
      if (isBetweenEnds && !mayCutEnd) left++
      this.cuts++
      server.removeAllListeners('data')
      client.end(bytes.subarray(0, left), () => { client.destroy() })
      server.destroy()
    })
  }
}
