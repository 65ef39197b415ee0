// Constructors of what a source may yield.
import { SSE_ERR_CONTRACT } from '../errors.ts'
import { declarationOf, eventTitle, refuseReserved, UNNAMED } from './declaration.ts'
import { type EventStream, type Schemas, type StaticOf } from './infer.ts'
import { Checkpoint, type CheckpointFields, checkFieldNames, Comment, type Fields, Message, type PlainMessage } from '../wire/message.ts'

/** The fields of an event without a name. */
export interface UnnamedFields {
  event?: undefined
  id?: string | number | undefined
  retry?: number | undefined
  comment?: string | undefined
}

/** The fields of an event with a name. */
export interface NamedFields<Name extends string> extends Omit<UnnamedFields, 'event'> {
  event: Name
}

/**
 * The type of `event`. Signatures of their own for unnamed and named events, so that a name is only ever taken from the
 * fields, never guessed from what is expected; and for events that a topic may take. `const`, so that literals last where
 * nothing is expected yet (in a handler without parameters). Of more than three that fit the number of arguments, the
 * compiler's message shows the last alone.
 */
export interface EventFunction {
  <const Data>(data: Data): PlainMessage<Writable<Data>, undefined>
  <const Data>(data: Data, fields: Partial<NameAlone<undefined>>): PlainMessage<Writable<Data>, undefined>
  <const Data, const Name extends string>(data: Data, fields: NameAlone<Name>): PlainMessage<Writable<Data>, Name>
  <const Data>(data: Data, fields: UnnamedFields | undefined): Message<Writable<Data>, undefined>
  <const Data, const Name extends string>(data: Data, fields: NamedFields<Name>): Message<Writable<Data>, Name>
}

/** The fields of an event that a topic may take: the log gives the id, and keeps no others. */
interface NameAlone<Name extends string | undefined> {
  event: Name
  id?: undefined
  retry?: undefined
  comment?: undefined
}

/** The fields that a constructor of `eventsOf` takes. */
export type EventFields = Omit<UnnamedFields, 'event'>

/** The type of `eventsOf`: a constructor for each event, `message` for unnamed ones. */
export type EventConstructors<M> = {
  readonly [Name in keyof Schemas<M> as Name extends '' ? 'message' : Name]: EventConstructor<StaticOf<Schemas<M>[Name]>, Name extends '' ? undefined : Name & string>
}

/**
 * Where the schema's type says nothing, the payload's own type is kept, for a type provider that knows it. Two signatures,
 * told apart by the number of arguments, so that the compiler's messages are those of one.
 */
export type EventConstructor<Data, Name extends string | undefined> = unknown extends Data
  ? {
      <const D>(data: D): PlainMessage<Writable<D>, Name>
      <const D>(data: D, fields: EventFields | undefined): Message<Writable<D>, Name>
    }
  : {
      (data: Data): PlainMessage<Data, Name>
      (data: Data, fields: EventFields | undefined): Message<Data, Name>
    }

/** Takes back the `readonly` that `const` brings: the arrays of a schema's type are writable ones. */
export type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T

/**
 * A payload with fields of its own, to be yielded.
 *
 * @param data the payload, checked against the schema of its event when it is written
 * @param fields `event`, `id`, `retry` and `comment`
 * @throws SSE_ERR_MESSAGE for a field that no event has
 */
export const event = createMessage as EventFunction

/**
 * The constructors of a contract's events, by name: `const { token, done } = eventsOf(Chat)`. They are typed by the
 * schemas; the payload is checked when the event is written. Those of unnamed events are `{ message }`.
 *
 * @throws SSE_ERR_CONTRACT for anything that `EventStream` did not make
 */
export function eventsOf<M> (contract: EventStream<M>): EventConstructors<M> {
  const declaration = declarationOf(contract)
  if (declaration === undefined) throw new SSE_ERR_CONTRACT('eventsOf takes what EventStream returned')
  const constructors = Array.from(declaration.events.keys(), name => [eventTitle(name), constructorOf(name === UNNAMED ? undefined : name)])
  return Object.freeze(Object.fromEntries(constructors))
}

function constructorOf (name: string | undefined): (data: unknown, fields?: EventFields) => Message {
  return (data, fields = NO_FIELDS) => {
    checkFieldNames(fields, CONSTRUCTOR_FIELDS)
    return new Message(data, fields, name)
  }
}

const NO_FIELDS: EventFields = Object.freeze({})
const CONSTRUCTOR_FIELDS = ['id', 'retry', 'comment'] as const satisfies Array<keyof EventFields>

/**
 * A frame with a comment only, which every stream may yield and clients ignore.
 *
 * @param text may have several lines
 */
export function comment (text: string): Comment {
  return new Comment(text)
}

/**
 * A frame with an id and an empty `data:` line, which every stream may yield. It moves the position that the client
 * resumes from and carries no payload; MCP calls it a priming event. An EventSource dispatches it with `data: ''`.
 *
 * @throws SSE_ERR_MESSAGE for a field that a checkpoint does not have, SSE_ERR_ID without an id, SSE_ERR_EVENT for an event of the library
 */
export function checkpoint (fields: CheckpointFields): Checkpoint {
  checkFieldNames(fields, CHECKPOINT_FIELDS)
  if (typeof fields.event === 'string') refuseReserved(fields.event)
  return new Checkpoint(fields)
}

const CHECKPOINT_FIELDS = ['id', 'retry', 'event'] as const satisfies Array<keyof CheckpointFields>

function createMessage (data: unknown, fields: Fields = {}): Message {
  checkFieldNames(fields)
  return new Message(data, fields)
}
