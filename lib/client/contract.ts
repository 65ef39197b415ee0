// The types of messages, from the type of a contract.
import type { EventOf, EventStream } from '../contract/infer.ts'

/** A message of a stream. */
export interface StreamMessage<Name extends string = string, Data = unknown> {
  /** The event's name; `message` if it has none. */
  event: Name
  /** Decoded from JSON; for raw events the text itself. */
  data: Data
  /** The id of this event or of the last one that had an id; `''` before the first. */
  id: string
}

/** The messages of a contract's stream: `MessageOf<typeof Chat>`. Without a contract their data is `unknown`. */
export type MessageOf<C> = C extends EventStream
  ? unknown extends EventOf<C> ? StreamMessage<'message'> : MessageOfEvent<EventOf<C>>
  : StreamMessage

// Each event has one form in the union that may be yielded, whichever TypeBox made its schema, named or not.
type MessageOfEvent<E> = E extends { readonly event: infer Name, readonly data: infer Data, protectedMark?: never }
  ? Name extends string ? StreamMessage<Name, Data> : [Name] extends [undefined] ? StreamMessage<'message', Data> : never
  : never

/** Which events of a contract are raw text: by name, or `true` for unnamed ones. */
export type RawOf<C> = C extends EventStream<infer M>
  ? IsRaw<M> extends true ? true : { [Name in keyof M as IsRaw<M[Name]> extends true ? Name : never]: true }
  : true | Record<string, true>

// TypeBox's schemas have an index signature of `any`, by which every key seems to exist.
type IsRaw<T> = '~rawText' extends keyof T
  ? 0 extends 1 & T['~rawText'] ? false : [T['~rawText']] extends [true | undefined] ? true : false
  : false

/** The part of a contract's value that the client reads: a response schema, made by `EventStream` or by hand. */
export interface ContractValue {
  readonly content: { readonly 'text/event-stream': { readonly schema: unknown } }
}
