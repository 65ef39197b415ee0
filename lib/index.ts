// The main entry, `fastify-typed-sse`.
import './augment.ts'

export { sseTransformObject } from './openapi/document.ts'
export { sseTransform } from './openapi/transform.ts'
export { EventStream, type EventStreamOptions, RawText } from './contract/event-stream.ts'
export { checkpoint, comment, event, type EventConstructors, type EventFields, eventsOf } from './contract/event.ts'
export { type EventOf, type EventStream as EventStreamSchema, type NamedEvent, type PublishedOf, type RawText as RawTextSchema, type TextSchema } from './contract/infer.ts'
export { type LogSource, type SourceContext } from './contract/source.ts'
export * as errors from './errors.ts'
export { type InvalidPolicy, type SseOptions } from './response/options.ts'
export { typedSse, typedSse as default } from './plugin/plugin.ts'
export { type SsePluginOptions } from './plugin/options.ts'
export { type StreamEvent } from './plugin/observe.ts'
export { type RunEvent } from './plugin/app-logs.ts'
export { type CloseReason, type Summary } from './response/reply-port.ts'
export { type Key, type MessageOf, type MessageOptions, type ReadingOptions } from './topic/log-handle.ts'
export { type Run, type RunContext, type RunOptions, type RunSource, type RunStatus, type RunWriter } from './topic/run.ts'
export { type SnapshotContext } from './topic/snapshots.ts'
export { type From, type Place } from './topic/start.ts'
export { type PublishOptions, type Topic, type TopicOptions } from './topic/topic.ts'
export { type Gap } from './log/reading.ts'
export { memoryStore, type MemoryStoreOptions } from './store/memory.ts'
export { type StoreOptions } from './log/limits.ts'
export {
  type AppendOptions, type Cursor, type EndState, type LogEntry, type LogRecord, type Notify, type PublishToken, type ReadOptions, type Slice,
  type Store, StoreError, type StoreErrorCode, type StoreLimits
} from './log/store.ts'
export { type Checkpoint, type CheckpointFields, type Comment, type Message, type PlainMessage } from './wire/message.ts'
