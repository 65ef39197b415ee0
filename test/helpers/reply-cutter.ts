import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Passes everything on, and from time to time cuts a connection when the server has answered and the client does not know. */
export class ReplyCutter {
  cuts = 0
  readonly port: number
  readonly #sockets = new Set<Socket>()
  #left = Infinity

  private constructor (port: number) {
    this.port = port
  }

  static async listen (t: { teardown (fn: () => unknown): unknown }, target: number): Promise<ReplyCutter> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const cutter = new ReplyCutter((server.address() as AddressInfo).port)
    server.on('connection', client => cutter.#pass(client, connect(target, '127.0.0.1')))
    t.teardown(async () => {
      server.close()
      for (const socket of cutter.#sockets) socket.destroy()
    })
    return cutter
  }

  /** Cuts in place of the n-th reply from now on. */
  cutAfter (replies: number): void {
    this.#left = replies
  }

  #pass (client: Socket, server: Socket): void {
    for (const [one, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
    }
    client.on('data', data => server.write(data))
    server.on('data', data => {
      if (--this.#left > 0) {
        client.write(data)
        return
      }
      this.#left = Infinity
      this.cuts++
      client.destroy()
    })
  }
}
