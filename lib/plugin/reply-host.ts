import { type FastifyReply, type FastifyRequest } from 'fastify'
import { SSE_ERR_SHUTDOWN } from '../errors.ts'
import { type ResolvedOptions } from '../response/options.ts'
import { type Body } from '../response/body.ts'
import { type Host, type Summary } from '../response/reply-port.ts'
import { type Session } from '../response/session.ts'
import { DATA, END, eventLine } from '../wire/frame.ts'
import { EVENT_STREAM_UTF8 } from '../wire/media-type.ts'
import { publicError, toError } from './failure.ts'
import { Observer } from './observe.ts'
import { refuse } from './shutdown.ts'
import { abortRequest } from './signal.ts'
import { type Streams } from './streams.ts'

const HEADERS = Object.entries({
  'content-type': EVENT_STREAM_UTF8,
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
})

/** Sets the headers of a stream, but none that the user has set. */
export function setHeaders (reply: FastifyReply): void {
  for (const [name, value] of HEADERS) {
    if (!reply.hasHeader(name)) reply.header(name, value)
  }
}

/** Answers for a session with a Fastify reply. */
export class ReplyHost implements Host {
  session!: Session
  readonly #reply: FastifyReply
  readonly #request: FastifyRequest
  readonly #streams: Streams
  readonly #options: ResolvedOptions
  readonly #observer: Observer
  readonly #hasHandlerTimeout: boolean
  #isOpen = false

  constructor (reply: FastifyReply, streams: Streams, options: ResolvedOptions, hasHandlerTimeout: boolean) {
    this.#reply = reply
    this.#request = reply.request
    this.#streams = streams
    this.#options = options
    this.#observer = new Observer(reply.request)
    this.#hasHandlerTimeout = hasHandlerTimeout
  }

  send (body: Body): void {
    setHeaders(this.#reply)
    this.#reply.send(body)
  }

  opened (): void {
    this.#isOpen = true
    this.#streams.open++
    // Fastify's timer would destroy the stream: from here the session keeps the time, and only to the first event.
    if (this.#hasHandlerTimeout) this.#reply.hijack()
    this.#observer.opened()
  }

  sendNothing (): void {
    this.#reply.code(204).send()
  }

  sendError (error: unknown): void {
    if (error instanceof SSE_ERR_SHUTDOWN) refuse(this.#reply)
    else this.#reply.send(toError(error))
  }

  errorFrame (error: unknown): string {
    if (this.#options.errorEvent === false) return ''
    return eventLine(this.#options.errorEvent) + DATA + JSON.stringify(publicError(toError(error))) + END + END
  }

  abort (Reason: new () => Error): void {
    abortRequest(this.#request, Reason)
  }

  failed (error: unknown): void {
    this.#observer.failed(toError(error))
  }

  warn (error: unknown, message: string): void {
    this.#observer.warn(error, message)
  }

  lateWarning (): (error: unknown) => void {
    return this.#observer.lateWarning()
  }

  closed (summary: Summary | undefined): void {
    this.#streams.delete(this.session)
    if (!this.#isOpen) return
    this.#streams.open--
    this.#observer.closed(summary!)
  }
}
