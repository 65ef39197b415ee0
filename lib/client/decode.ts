import type { StreamMessage } from './contract.ts'
import type { DecodeOptions } from './decode-options.ts'
import { type Fault, MessageError, StreamError, type StreamErrorPayload } from './errors.ts'
import type { Frame } from './frames.ts'

/** A frame with the id that holds for it. */
export interface Dated extends Frame {
  lastEventId: string
}

/** Turns frames into messages. */
export interface Decoder {
  /** Whether the frame ends the stream, well or by the server's failure. */
  isLast (frame: Frame): boolean
  /** Whether a good end has a sentinel, so that an end without it is a cut. */
  readonly hasSentinel: boolean
  /** Whether an event with this data tells of the server's failure. */
  isReport (event: string, data: unknown): data is StreamErrorPayload
  /**
   * The message, or undefined where there is none to give.
   *
   * @throws StreamError, MessageError
   */
  decode (frame: Dated): StreamMessage | undefined
}

export async function decoderOf (options: DecodeOptions): Promise<Decoder> {
  const { contract, raw, sentinel, errorEvent = 'error', onInvalid } = options
  const known = (contract ?? raw) && (await import('./known.ts')).knownOf(options)
  const declared = sentinel ?? known?.sentinel
  const last = declared ?? (contract ? undefined : '[DONE]')
  // What is known by its name is never taken for it, nor is raw text for one that was not declared.
  const isLast = ({ event, data }: Frame): boolean => data === last && !known?.hasEvent(event) && (!!declared || !known?.isRaw(event))

  // Other servers have events of that name with other data: those stay messages.
  const isReport = (event: string, data: unknown): data is StreamErrorPayload => {
    const { statusCode, message } = (data ?? {}) as Partial<StreamErrorPayload>
    return event === errorEvent && !known?.hasEvent(event) && typeof statusCode === 'number' && typeof message === 'string'
  }

  return {
    hasSentinel: !!declared,
    isLast,
    isReport,
    decode (frame) {
      const { event, data: text, lastEventId: id } = frame
      const isRaw = known?.isRaw(event)
      // An event of an id alone: servers give a place to resume from by it.
      if (!text && !isRaw) return undefined
      let data: unknown = text
      let fault: Fault | undefined
      try {
        if (!isRaw) data = JSON.parse(text)
      } catch (cause) {
        fault = ['JSON', 'is no JSON', cause]
      }
      if (isReport(event, data)) throw new StreamError(data)
      fault ??= known?.faultOf(event, data)
      if (!fault) return { event, data, id }
      const error = new MessageError(frame, ...fault)
      if ((typeof onInvalid === 'function' ? onInvalid(error) : onInvalid) === 'skip') return undefined
      throw error
    }
  }
}
