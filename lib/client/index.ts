// The entry `fastify-typed-sse/client`: runs in browsers, workers, Node, Deno and Bun.
export { connect } from './connect.ts'
export type { ContractValue, MessageOf, StreamMessage } from './contract.ts'
export { ConnectionError, EventSizeError, type Gap, GapError, MessageError, OptionError, ResponseError, ResumeError, StreamError, type StreamErrorPayload } from './errors.ts'
export type { MessageStream } from './message-stream.ts'
export type { ConnectOptions, ParseOptions } from './options.ts'
export { parse, type ParseSource } from './parse.ts'
export type { StreamState } from './session.ts'
export type { Share } from './share-types.ts'
