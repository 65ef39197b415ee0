import type { ContractValue, StreamMessage } from './contract.ts'
import { MessageError, StreamError, type StreamErrorPayload } from './errors.ts'
import type { Frame } from './frames.ts'

/** How the text of a stream becomes messages. */
export interface DecodeOptions {
  /** The contract's value: tells the raw events, the sentinel and, together with `check`, what is valid. */
  contract?: ContractValue | undefined
  /** The raw events, where only the contract's type is given: `true` for unnamed ones, or `{ name: true }`. */
  raw?: true | Record<string, true> | undefined
  /**
   * The data that ends the stream.
   * @default the contract's; without its value `[DONE]`, which is no JSON, so that only raw text could be taken for it, and is not
   */
  sentinel?: string | undefined
  /**
   * The event that the server reports failures by, as its option of that name; `false` for none.
   * @default 'error'
   */
  errorEvent?: string | false | undefined
  /**
   * Checks each message's data against its schema in `contract`: true when it is valid, false or the reason when not.
   * TypeBox's own fits: `check: Value.Check`. Without it nothing but JSON is checked.
   */
  check? (schema: object, data: unknown): boolean | string
  /**
   * What becomes of a message that is no JSON or that `check` refuses: `'fail'` ends the loop with the error, `'skip'` drops the
   * message, a function decides.
   * @default 'fail'
   */
  onInvalid?: 'fail' | 'skip' | ((error: MessageError) => 'fail' | 'skip') | undefined
}

/** A frame with the id that holds for it. */
export interface Dated extends Frame {
  lastEventId: string
}

/** Turns frames into messages. */
export interface Decoder {
  /** Whether the frame ends the stream. */
  isLast (frame: Frame): boolean
  /** Whether a good end has a sentinel, so that an end without it is a cut. */
  readonly hasSentinel: boolean
  /**
   * The message, or undefined where there is none to give.
   *
   * @throws StreamError, MessageError
   */
  decode (frame: Dated): StreamMessage | undefined
}

export async function decoderOf ({ contract, raw, sentinel, errorEvent = 'error', check, onInvalid }: DecodeOptions): Promise<Decoder> {
  const known = contract && (await import('./known.ts')).knownOf(contract, check)
  const last = sentinel ?? known?.sentinel
  const isRaw = (event: string): boolean => known?.isRaw(event) ?? (raw === true || (raw && Object.hasOwn(raw, event)) === true)

  const dataOf = (frame: Frame): unknown => {
    const { event, data: text } = frame
    let data: unknown = text
    if (!isRaw(event)) {
      try {
        data = JSON.parse(text)
      } catch (error) {
        throw new MessageError('JSON', frame, 'is no JSON', error)
      }
    }
    if (event === errorEvent && !known?.hasEvent(event)) throwReported(data)
    const fault = known?.faultOf(event, data)
    if (fault) throw new MessageError(fault[0], frame, fault[1])
    return data
  }

  return {
    hasSentinel: !!last,
    isLast: ({ event, data }) => last ? data === last : data === '[DONE]' && !known && !isRaw(event),
    decode (frame) {
      const { event, data, lastEventId } = frame
      // An event of an id alone: servers give a place to resume from by it.
      if (!data && !isRaw(event)) return undefined
      try {
        return { event, data: dataOf(frame), id: lastEventId }
      } catch (error) {
        if (error instanceof MessageError && (typeof onInvalid === 'function' ? onInvalid(error) : onInvalid) === 'skip') return undefined
        throw error
      }
    }
  }
}

/** Other servers have events of that name with other data: those stay messages. */
function throwReported (data: unknown): void {
  const { statusCode, message } = (data ?? {}) as Partial<StreamErrorPayload>
  if (typeof statusCode === 'number' && typeof message === 'string') throw new StreamError(data as StreamErrorPayload)
}
