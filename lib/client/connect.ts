// The client's main function.
import { systemClock } from './clock.ts'
import type { MessageOf } from './contract.ts'
import type { DecodeOptions } from './decode-options.ts'
import { type MessageStream, openStream } from './message-stream.ts'
import type { ConnectOptions, RequestOptions, Rest } from './options.ts'

/**
 * Reads a stream of server-sent events over as many connections as it takes. The request is made when the loop starts.
 *
 * ```ts
 * for await (const { event, data } of connect<typeof Chat>('/chat', { body: { prompt } })) console.log(event, data)
 * ```
 *
 * @typeParam C the contract: `connect<typeof Chat>(...)`; inferred from `options.contract` if that is given
 * @param url relative to the page in browsers
 * @throws OptionError, also for a body that cannot be sent twice; TypeError for one that is not JSON; ResumeError for a `lastEventId` that cannot be sent
 */
export function connect<C = unknown> (url: string | URL, ...[options]: Rest<ConnectOptions<C>>): MessageStream<MessageOf<C>> {
  return openStream(url, (options ?? {}) as RequestOptions & DecodeOptions, systemClock)
}
