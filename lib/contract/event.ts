import { checkFieldNames, Comment, type Fields, Message } from '../wire/message.ts'
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

function createMessage (data: unknown, fields: Fields = {}): Message {
  checkFieldNames(fields)
  return new Message(data, fields)
}
