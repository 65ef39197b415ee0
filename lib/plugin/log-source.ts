// A topic or run as the source of a reply: whether the route may stream it, where its client begins to read, and how its
// end is reported.
import { type FastifyReply } from 'fastify'
import { SSE_ERR_CONTRACT_MISMATCH, SSE_ERR_OPTION } from '../errors.ts'
import { type Feed } from '../response/feed.ts'
import { type SessionConfig } from '../response/reply-port.ts'
import { isOptions } from '../options.ts'
import { type LogHandle, type ReadingOptions, type Reading } from '../topic/log-handle.ts'
import { contractText } from '../topic/registry.ts'
import { Run } from '../topic/run.ts'
import { checkFrom } from '../topic/start.ts'
import { Topic } from '../topic/topic.ts'
import { type FailureData } from '../wire/control.ts'
import { dataLines, END, eventLine, positionLines } from '../wire/frame.ts'
import { Frames } from '../wire/frames.ts'
import { encodeFailure } from './failure.ts'
import { type Contract, type StreamRoute } from './route.ts'
import { sharedSchemas } from './scope.ts'

/** What contracts say of their events, made when the first log is streamed under them. */
const texts = new WeakMap<Contract, string>()

/** One call of `reply.sse`, as far as topics and runs need to know it. */
export interface LogCall {
  readonly reply: FastifyReply
  readonly route: StreamRoute
  readonly contract: Contract
  readonly config: SessionConfig
  readonly options: ReadingOptions
  /** The client's `Last-Event-ID`. */
  readonly lastEventId: string | undefined
}

/** Whether a source is a topic or a run. */
export function isLog (source: unknown): source is LogHandle<unknown> {
  return source instanceof Topic || source instanceof Run
}

/**
 * The feed of a topic or run for one reader; null for a 204.
 *
 * @throws SSE_ERR_CONTRACT_MISMATCH, SSE_ERR_RUN_NOT_FOUND, SSE_ERR_OPTION
 */
export function openLog (log: LogHandle<unknown>, call: LogCall): Feed | Promise<Feed | null> {
  const { reply, route, contract } = call
  let text = texts.get(contract)
  if (text === undefined) texts.set(contract, text = contractText(contract, sharedSchemas(reply.server)))
  if (!log.carries(text)) throw new SSE_ERR_CONTRACT_MISMATCH(route.url, route.isUndeclared ? 'no' : 'other', log.title)
  return log instanceof Topic ? Topic.open(log, readingOf(call)) : Run.open(log as Run, readingOf(call))
}

/** The options that only topics and runs have. */
export const READ_OPTIONS = ['from', 'filter']

/**
 * Takes the options of reading from those of a call.
 *
 * @throws SSE_ERR_OPTION
 */
export function takeReadOptions<Options extends object> (options: Options & ReadingOptions): { options: Options, read: ReadingOptions } {
  // Refused with the other options.
  if (!isOptions(options)) return { options, read: {} }
  const { from, filter, ...rest } = options
  if (from !== undefined) checkFrom(from)
  if (filter !== undefined && typeof filter !== 'function') throw new SSE_ERR_OPTION('filter', 'a function of a message', typeof filter)
  return { options: rest as Options, read: { from, filter } }
}

/**
 * Refuses options of reading where there is no topic or run: a filter that is ignored lets everything through.
 *
 * @throws SSE_ERR_OPTION
 */
export function refuseReadOptions ({ from, filter }: ReadingOptions): void {
  if (from === undefined && filter === undefined) return
  throw new SSE_ERR_OPTION(from === undefined ? 'filter' : 'from', 'given with a topic or run', 'another source')
}

function readingOf (call: LogCall): Reading {
  const { options: { from, filter }, lastEventId, contract } = call
  return {
    lastEventId,
    from,
    filter: filter as Reading['filter'],
    sentinel: contract.sentinelData,
    failure: (failure, id) => failureFrames(call, failure, id)
  }
}

/** The event that reports a failure, in the form that the route's `errorEvent` gives it; null where it is off. */
function failureFrames ({ config, contract, reply }: LogCall, failure: FailureData, id: string | null): Frames | null {
  const frame = (event: string, data: string) => Frames.of((event === '' ? '' : eventLine(event)) + dataLines(data) + END + positionLines(undefined, id ?? undefined) + END, 0)
  const encode = (item: unknown) => {
    const { event, data } = contract.encoder.record(item)
    return frame(event, data)
  }
  const error = Object.assign(new Error(failure.message), failure)
  return encodeFailure(config.options.errorEvent, error, reply.request, encode, name => frame(name, JSON.stringify(failure))) ?? null
}
