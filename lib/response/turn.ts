import { AsyncResource } from 'node:async_hooks'
import { type Socket } from 'node:net'
import { type RawResponse } from './outlet.ts'

// A client may send requests on one HTTP/1.1 connection without waiting for the responses (pipelining, RFC 9112, section
// 9.3.2). Node calls the handler of each at once and lets the responses queue: one gets its socket, with the event
// `socket`, when those before it are over. Until then it hears nothing of its connection: Node 20 and 22 emit no `close`
// on a response that never had a socket. Without the code below a client that sends a thousand requests and leaves would
// leave a thousand streams behind, for ever.

/** What happens to a queued response; exactly one of these is called. */
interface Waiter {
  onTurn (): void
  onGone (): void
}

/** The queued responses of each connection: one listener for a socket, however long its queue. */
const queues = new WeakMap<Socket, Set<Waiter>>()

/** Whether a response that is neither sent nor gone still waits for others on its connection. */
export function isQueued (raw: RawResponse): boolean {
  return !('stream' in raw) && raw.socket === null
}

/** Waits for the turn of a queued response, or for the end of its connection. Both are called in the caller's async context. */
export function awaitTurn (raw: RawResponse, onTurn: () => void, onGone: () => void): void {
  const { socket } = raw.req
  const waiter: Waiter = { onTurn: AsyncResource.bind(onTurn), onGone: AsyncResource.bind(onGone) }
  queueOf(socket).add(waiter)
  raw.once('socket', () => {
    queues.get(socket)!.delete(waiter)
    // Node emits it before it flushes what was already written to the response, which must not end in between.
    process.nextTick(waiter.onTurn)
  })
}

/** Calls back when a response is over, also where its connection ends before its turn. */
export function onceClosed (raw: RawResponse, callback: () => void): void {
  if (isQueued(raw)) awaitTurn(raw, () => raw.once('close', callback), callback)
  else raw.once('close', callback)
}

function queueOf (socket: Socket): Set<Waiter> {
  let queue = queues.get(socket)
  if (queue === undefined) {
    queue = new Set()
    queues.set(socket, queue)
    socket.once('close', onConnectionClose)
  }
  return queue
}

function onConnectionClose (this: Socket): void {
  for (const waiter of queues.get(this)!) waiter.onGone()
}
