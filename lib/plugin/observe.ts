import { channel } from 'node:diagnostics_channel'
import { type FastifyRequest } from 'fastify'
import { type Summary } from '../response/reply-port.ts'
import { logError } from './failure.ts'

/** What the diagnostics channels publish: one object per stream, the same in all of its messages. */
export interface StreamEvent {
  readonly request: FastifyRequest
  /** Of `error`: what the stream failed with. */
  error?: unknown
  /** Of `close`: how the stream went. */
  summary?: Summary
}

const channels = {
  open: channel('tracing:fastify-typed-sse:open'),
  error: channel('tracing:fastify-typed-sse:error'),
  close: channel('tracing:fastify-typed-sse:close')
}

/** Tells of one stream, in the log of its request and on the diagnostics channels. */
export class Observer {
  readonly #event: StreamEvent

  constructor (request: FastifyRequest) {
    this.#event = { request }
  }

  opened (): void {
    if (channels.open.hasSubscribers) channels.open.publish(this.#event)
  }

  failed (error: unknown): void {
    this.#event.error = error
    logError(this.#event.request.log, 'error', error, 'stream failed')
    if (channels.error.hasSubscribers) channels.error.publish(this.#event)
  }

  closed (summary: Summary): void {
    this.#event.summary = summary
    this.#event.request.log.info({ sse: summary }, 'stream closed')
    if (channels.close.hasSubscribers) channels.close.publish(this.#event)
  }

  warn (error: unknown, message: string): void {
    logError(this.#event.request.log, 'warn', error, message)
  }

  lateWarning (): (error: unknown) => void {
    const { log } = this.#event.request
    return error => logError(log, 'warn', error, 'source failed after its stream was over')
  }
}
