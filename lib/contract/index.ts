// The entry `fastify-typed-sse/contract`: contracts alone, for code that a browser shares with the server. Nothing behind
// it needs Node, Fastify, Ajv or fast-json-stringify.
export { EventStream, type EventStreamOptions, RawText } from './event-stream.ts'
export { checkpoint, comment, event, type EventConstructors, type EventFields, eventsOf } from './event.ts'
export { type EventOf, type EventStream as EventStreamSchema, type NamedEvent, type PublishedOf, type RawText as RawTextSchema, type TextSchema } from './infer.ts'
export { type Checkpoint, type CheckpointFields, type Comment, type Message, type PlainMessage } from '../wire/message.ts'
