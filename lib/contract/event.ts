// Constructors of what a source may yield.
import { Checkpoint, type CheckpointFields, checkFieldNames, Comment, type Fields, Message } from '../wire/message.ts'
import { type EventFunction } from './types.ts'

/**
 * A payload with fields of its own, to be yielded.
 *
 * @param data the payload, checked against the schema of its event when it is written
 * @param fields `event`, `id`, `retry` and `comment`
 * @throws SSE_ERR_MESSAGE for a field that no event has
 */
export const event = createMessage as EventFunction

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
 * @throws SSE_ERR_MESSAGE for a field that a checkpoint does not have, SSE_ERR_ID without an id
 */
export function checkpoint (fields: CheckpointFields): Checkpoint {
  checkFieldNames(fields, CHECKPOINT_FIELDS)
  return new Checkpoint(fields)
}

const CHECKPOINT_FIELDS = ['id', 'retry', 'event'] as const satisfies Array<keyof CheckpointFields>

function createMessage (data: unknown, fields: Fields = {}): Message {
  checkFieldNames(fields)
  return new Message(data, fields)
}
