import type { EventOf, EventStream } from '../contract/types.ts'

/** A message of a stream. */
export interface StreamMessage<Name extends string = string, Data = unknown> {
  /** The event's name, `message` where it has none. */
  event: Name
  /** The data: decoded from JSON, or the text itself for raw events. */
  data: Data
  /** The id of this or else of the last event that had one; `''` before the first. */
  id: string
}

/** The messages that a contract's stream gives: `MessageOf<typeof Chat>`. Of no contract they are not known. */
export type MessageOf<C> = C extends EventStream
  ? unknown extends EventOf<C> ? StreamMessage<'message'> : MessageOfEvent<EventOf<C>>
  : StreamMessage

// The union of what may be yielded has each event in a form that is the same for both TypeBoxes, and for names or none.
type MessageOfEvent<E> = E extends { readonly event: infer Name, readonly data: infer Data, protectedMark?: never }
  ? Name extends string ? StreamMessage<Name, Data> : [Name] extends [undefined] ? StreamMessage<'message', Data> : never
  : never

/** Which events of a contract are raw text: by name, or `true` for unnamed ones. */
export type RawOf<C> = C extends EventStream<infer M>
  ? IsRaw<M> extends true ? true : { [Name in keyof M as IsRaw<M[Name]> extends true ? Name : never]: true }
  : true | Record<string, true>

// TypeBox's schemas have an index signature of `any`, under which every name seems to be there.
type IsRaw<T> = '~rawText' extends keyof T
  ? 0 extends 1 & T['~rawText'] ? false : [T['~rawText']] extends [true | undefined] ? true : false
  : false

/** The part of a contract's value that the client reads: a response schema, by `EventStream` or by hand. */
export interface ContractValue {
  readonly content: { readonly 'text/event-stream': { readonly schema: unknown } }
}
