// The connections of a server, so that `close()` does not wait for unused ones. Node takes a connection without a request
// for active and waits a minute and more for it: browsers and fetch open some in reserve. Over HTTP/2, Fastify waits 72 s
// for an idle session.
import { type Server } from 'node:http'
import { type Http2Session, type ServerHttp2Stream } from 'node:http2'
import { type Socket } from 'node:net'
import { Server as TlsServer, type TLSSocket } from 'node:tls'

/** How often connections are looked at during shutdown, in ms: a request, or the client's end, may be on its way. */
const INTERVAL = 100

/** From this size on, destroyed sockets are pruned each time the set has doubled. */
const MIN_PRUNED = 64

/** Watches the connections of one server. */
export class Connections {
  /**
   * Sockets without a request so far, by themselves or, until their TLS handshake is done, by their remote end. Those that
   * close are removed late: a listener for each would cost 360 bytes a stream.
   */
  readonly #unused = new Map<Socket | string, Socket>()
  readonly #sessions = new Map<Http2Session, Socket>()
  /** The one that Node is about to make a session of. */
  #connecting: Socket | undefined
  #pruneAt = MIN_PRUNED
  readonly #server: Server

  constructor (server: Server) {
    this.#server = server
    const isHttp2 = 'updateSettings' in server
    if (server instanceof TlsServer) {
      server.on('connection', socket => this.#add(remoteEnd(socket), socket))
      server.prependListener('secureConnection', this.#addSecure)
    } else if (isHttp2) server.prependListener('connection', socket => { this.#connecting = socket })
    else server.on('connection', socket => this.#add(socket, socket))
    if (isHttp2) {
      server.on('session', this.#addSession)
      server.on('stream', (stream: ServerHttp2Stream) => { stream.once('end', destroyIfReset) })
    }
    // Not over HTTP/2, where `socket` is a proxy made at each access.
    server.on('request', request => { if (request.httpVersionMajor === 1) this.#unused.delete(request.socket) })
  }

  /** Closes unused connections and idle HTTP/2 sessions, and those that come or become so until the server is closed. */
  close (): void {
    for (const session of this.#sessions.keys()) session.close()
    for (const socket of this.#unused.values()) {
      if (socket.bytesRead === 0) socket.destroy()
    }
    if (!this.#server.listening) return
    const sweeping = setInterval(this.#sweep, INTERVAL)
    this.#server.once('close', () => { clearInterval(sweeping) })
  }

  readonly #sweep = (): void => {
    for (const socket of this.#unused.values()) socket.destroy()
    for (const [session, socket] of this.#sessions) {
      // A client may never answer the end of its session.
      if (session.destroyed) socket.destroy()
      else session.close()
    }
  }

  #add (key: Socket | string, socket: Socket): void {
    this.#unused.set(key, socket)
    if (this.#unused.size >= this.#pruneAt) this.#prune()
  }

  readonly #addSecure = (socket: TLSSocket): void => {
    this.#unused.delete(remoteEnd(socket))
    this.#connecting = socket
    if (socket.alpnProtocol === 'h2') return
    this.#add(socket, socket)
    // A TLS socket is too large to be kept until the next pruning.
    socket.once('close', () => this.#unused.delete(socket))
  }

  readonly #addSession = (session: Http2Session): void => {
    this.#sessions.set(session, this.#connecting!)
    session.once('close', () => this.#sessions.delete(session))
  }

  #prune (): void {
    for (const [key, socket] of this.#unused) {
      if (socket.destroyed) this.#unused.delete(key)
    }
    this.#pruneAt = Math.max(MIN_PRUNED, 2 * this.#unused.size)
  }
}

/**
 * Destroys a stream that its client has reset. Node does so itself, with one exception: if the reset carries NO_ERROR and
 * the request was not read to its end, Node waits for that end and for the rest of the response to be written, which
 * nghttp2 no longer does. Such a stream would stay for ever, and `close()` would wait for it. So would the session, even
 * after its client has gone: once GOAWAY was sent or received, nghttp2 has no streams left and stops reading, so nothing
 * notices the end of the connection.
 */
function destroyIfReset (this: ServerHttp2Stream): void {
  if (this.closed) this.destroy()
}

function remoteEnd ({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`
}
