// A Fastify reply to the session that streams into it: headers, errors, log and signal.
import { type FastifyReply } from 'fastify'
import { SSE_ERR_NO_CONTRACT, SSE_ERR_SHUTDOWN } from '../errors.ts'
import { type Body } from '../response/body.ts'
import { hasNoBody, removeForeign } from '../response/framing.ts'
import { type ReplyPort, type SessionConfig, type Summary } from '../response/reply-port.ts'
import { DATA, END, eventLine } from '../wire/frame.ts'
import { type Outgoing } from '../wire/frames.ts'
import { EVENT_STREAM_UTF8 } from '../wire/media-type.ts'
import { encodeFailure, logError, publicError, toError } from './failure.ts'
import { WITHOUT_BODY } from './route.ts'
import { isOpenObserved, publishClose, publishError, publishOpen, type StreamEvent } from './observe.ts'
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
  removeForeign(reply, reply.raw)
}

/** Answers for a session with a Fastify reply. */
export class ReplyHost implements ReplyPort {
  readonly #reply: FastifyReply
  readonly #streams: Streams
  readonly #config: SessionConfig
  readonly #hasHandlerTimeout: boolean
  /** Made when somebody listens, or at the end: until then an idle stream does not need it. */
  #event: StreamEvent | undefined

  constructor (reply: FastifyReply, streams: Streams, config: SessionConfig, hasHandlerTimeout: boolean) {
    this.#reply = reply
    this.#streams = streams
    this.#config = config
    this.#hasHandlerTimeout = hasHandlerTimeout
  }

  send (body: Body): void {
    const { statusCode, request } = this.#reply
    // The source itself may have set it.
    if (hasNoBody(statusCode)) throw new SSE_ERR_NO_CONTRACT(request.routeOptions.url!, statusCode, WITHOUT_BODY)
    setHeaders(this.#reply)
    this.#reply.send(body)
  }

  onOpen (): void {
    this.#streams.open++
    // Fastify's timer would destroy the stream: from here the session keeps the time, and only to the first event.
    if (this.#hasHandlerTimeout) this.#reply.hijack()
    if (isOpenObserved()) publishOpen(this.#observed())
  }

  sendNothing (): void {
    removeForeign(this.#reply, this.#reply.raw)
    this.#reply.code(204).send()
  }

  sendError (error: unknown): void {
    const known = toError(error)
    if (known instanceof SSE_ERR_SHUTDOWN) return refuse(this.#reply)
    removeForeign(this.#reply, this.#reply.raw)
    this.#reply.send(known)
  }

  writeError (thrown: unknown, out: Outgoing): void {
    const error = toError(thrown)
    const { options: { errorEvent }, encoder } = this.#config
    const { events } = out
    encodeFailure(errorEvent, error, this.#reply.request, item => encoder.frame(item, out), name => { out.text += failureFrame(name, error) })
    // It reports the failure, so it does not count.
    out.events = events
  }

  abort (Reason: new () => Error): boolean {
    return abortRequest(this.#reply.request, Reason)
  }

  onFailure (error: unknown): void {
    publishError(this.#observed(), toError(error))
  }

  warn (error: unknown, message: string): void {
    logError(this.#reply.request.log, 'warn', error, message)
  }

  lateWarning (): (error: unknown) => void {
    const { log } = this.#reply.request
    return error => logError(log, 'warn', error, 'source failed after its stream was over')
  }

  onClose (summary: Summary | undefined): void {
    if (summary === undefined) return
    this.#streams.open--
    publishClose(this.#observed(), summary)
  }

  #observed (): StreamEvent {
    this.#event ??= { request: this.#reply.request }
    return this.#event
  }
}

function failureFrame (name: string, error: Error): string {
  return eventLine(name) + DATA + JSON.stringify(publicError(error)) + END + END
}
