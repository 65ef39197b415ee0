import { type Server } from 'node:http'
import { type Socket } from 'node:net'

/** How long a connection that comes while the server closes may be silent, in ms. */
const SILENCE = 100

/**
 * The connections of a server on which nothing was ever asked. Node takes them for active, so that its `close()`, which
 * lets idle connections go, waits a minute and more for those: browsers and fetch open some in reserve, also when a
 * stream was left.
 */
export class Connections {
  readonly #sockets = new Set<Socket>()
  #isClosing = false

  constructor (server: Server) {
    const sockets = this.#sockets
    function forget (this: Socket): void {
      sockets.delete(this)
    }
    const add = (socket: Socket): void => {
      sockets.add(socket)
      socket.once('close', forget)
      if (this.#isClosing) setTimeout(closeUnused, SILENCE, socket).unref()
    }
    server.on('connection', add)
    // Over TLS the handshake was read from the connection, so what counts is what came through it.
    server.on('secureConnection', add)
  }

  /** Closes the unused ones, and from now on those that stay so. */
  closeUnused (): void {
    this.#isClosing = true
    this.#sockets.forEach(closeUnused)
  }
}

function closeUnused (socket: Socket): void {
  if (socket.bytesRead === 0) socket.destroy()
}
