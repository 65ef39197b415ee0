// What is said about a stream, in the log of its request and on the diagnostics channels.
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

/** Whether anybody listens for opened streams: without, an idle stream needs no event. */
export function isOpenObserved (): boolean {
  return channels.open.hasSubscribers
}

export function publishOpen (event: StreamEvent): void {
  channels.open.publish(event)
}

export function publishError (event: StreamEvent, error: unknown): void {
  event.error = error
  logError(event.request.log, 'error', error, 'stream failed')
  if (channels.error.hasSubscribers) channels.error.publish(event)
}

export function publishClose (event: StreamEvent, summary: Summary): void {
  event.summary = summary
  event.request.log.info({ sse: summary }, 'stream closed')
  if (channels.close.hasSubscribers) channels.close.publish(event)
}
