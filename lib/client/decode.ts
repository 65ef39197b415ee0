// From events as text to messages, errors and calls of `onGap`.
import { GAP_EVENT, isReservedName } from '../wire/event-names.ts'
import { abortable } from './abortable.ts'
import type { StreamMessage } from './contract.ts'
import type { DecodeOptions } from './decode-options.ts'
import { type Fault, type Gap, GapError, MessageError, StreamError, type StreamErrorPayload } from './errors.ts'
import { eventSchemasOf } from './event-schemas.ts'
import type { Frame, IdentifiedFrame } from './frames.ts'

/** Turns frames into messages. */
export interface Decoder {
  /** Whether the contract has a sentinel, so that an end without it is a cut. */
  readonly hasSentinel: boolean
  /** Whether the frame is the sentinel. */
  isLast (frame: Frame): boolean
  /** Whether an event with this data reports a failure of the server. */
  isReport (event: string, data: unknown): data is StreamErrorPayload
  /**
   * The message, or undefined if there is none to deliver.
   *
   * @throws StreamError, MessageError
   */
  decode (frame: IdentifiedFrame): StreamMessage | undefined
  /**
   * Handles an event with a reserved name.
   *
   * @throws GapError, MessageError for a gap that is not JSON, and what `onGap` throws
   */
  control (frame: Frame): Promise<void>
}

export function decoderOf (options: DecodeOptions): Decoder {
  const { contract, sentinel, errorEvent = 'error', onInvalid, onGap } = options
  const schemas = eventSchemasOf(options)
  const declared = sentinel ?? schemas.sentinel
  const last = declared ?? (contract ? undefined : '[DONE]')

  // An event that is declared by its name is never the sentinel, nor is raw text unless the sentinel was declared.
  const isLast = ({ event, data }: Frame): boolean =>
    data === last && !isReservedName(event) && !schemas.hasEvent(event) && (declared !== undefined || !schemas.isRaw(event))

  // Other servers have events of that name with other data: those stay messages.
  const isReport = (event: string, data: unknown): data is StreamErrorPayload => {
    const { statusCode, message } = (data ?? {}) as Partial<StreamErrorPayload>
    return event === errorEvent && !schemas.hasEvent(event) && typeof statusCode === 'number' && typeof message === 'string'
  }

  return {
    hasSentinel: declared !== undefined,
    isLast,
    isReport,
    decode (frame) {
      const { event, data: text, lastEventId: id } = frame
      const isRaw = schemas.isRaw(event)
      // A checkpoint: its id is a place to resume from.
      if (text === '' && !isRaw) return undefined
      const { data, fault: syntaxFault } = isRaw ? { data: text } : parseJson(text)
      if (isReport(event, data)) throw new StreamError(data)
      const fault = syntaxFault ?? schemas.faultOf(event, data)
      if (!fault) return { event, data, id }
      const error = new MessageError(frame, ...fault)
      if ((typeof onInvalid === 'function' ? onInvalid(error) : onInvalid) === 'skip') return undefined
      throw error
    },
    async control (frame) {
      if (frame.event !== GAP_EVENT) return
      const gap = gapOf(frame)
      if (!onGap) throw new GapError(gap)
      await onGap(gap)
    }
  }
}

function gapOf (frame: Frame): Gap {
  const { data, fault } = parseJson(frame.data)
  if (fault) throw new MessageError(frame, ...fault)
  const { after = null, next = null } = (data ?? {}) as Partial<Gap>
  return { after, next }
}

/** The value of a JSON text; of any other the text itself, with what is wrong. */
function parseJson (text: string): { data: unknown, fault?: Fault } {
  try {
    return { data: JSON.parse(text) }
  } catch (cause) {
    return { data: text, fault: ['JSON', 'is not JSON', cause] }
  }
}

/**
 * The messages of a stream's frames, up to the sentinel.
 *
 * @param signal ends the wait for an `onGap` that does not settle
 * @returns whether the sentinel came
 */
export async function * messagesOf (frames: AsyncIterable<IdentifiedFrame>, decoder: Decoder, signal?: AbortSignal): AsyncGenerator<StreamMessage, boolean, undefined> {
  for await (const frame of frames) {
    if (isReservedName(frame.event)) {
      const handled = decoder.control(frame)
      await (signal ? abortable(handled, signal) : handled)
      continue
    }
    if (decoder.isLast(frame)) return true
    const message = decoder.decode(frame)
    if (message) yield message
  }
  return false
}
