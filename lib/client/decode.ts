import { type ContractValue, declarationOf, isRawSchema, schemaOf, type StreamMessage } from './contract.ts'
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

export function decoderOf (options: DecodeOptions): Decoder {
  const { raw, errorEvent = 'error', onInvalid = 'fail', check } = options
  const declaration = options.contract && declarationOf(options.contract)
  const sentinel = options.sentinel ?? declaration?.sentinel
  const schemaFor = (event: string): object | undefined => declaration && schemaOf(declaration, event)
  const isRaw = (event: string): boolean =>
    raw === true || (raw !== undefined && Object.hasOwn(raw, event)) || isRawSchema(schemaFor(event))

  const dataOf = (frame: Frame): unknown => {
    const { event, data: text } = frame
    const schema = schemaFor(event)
    const data = isRaw(event) ? text : parseJson(frame)
    if (event === errorEvent && (schema === undefined || declaration?.events === null)) throwReported(data)
    if (check === undefined || declaration === undefined) return data
    if (schema === undefined) throw new MessageError('EVENT', frame, 'is not declared')
    const verdict = check(schema, data)
    if (verdict !== true) throw new MessageError('PAYLOAD', frame, `has invalid data${verdict === false ? '' : `: ${verdict}`}`)
    return data
  }

  return {
    hasSentinel: sentinel !== undefined,
    isLast: ({ event, data }) => sentinel === undefined ? data === '[DONE]' && !declaration && !isRaw(event) : data === sentinel,
    decode (frame) {
      // An event of an id alone: servers give a place to resume from by it.
      if (frame.data === '' && !isRaw(frame.event)) return undefined
      try {
        return { event: frame.event, data: dataOf(frame), id: frame.lastEventId }
      } catch (error) {
        if (!(error instanceof MessageError)) throw error
        if ((typeof onInvalid === 'function' ? onInvalid(error) : onInvalid) === 'skip') return undefined
        throw error
      }
    }
  }
}

function parseJson (frame: Frame): unknown {
  try {
    return JSON.parse(frame.data)
  } catch (error) {
    throw new MessageError('JSON', frame, 'is no JSON', error)
  }
}

/** Other servers have events of that name with other data: those stay messages. */
function throwReported (data: unknown): void {
  const { statusCode, message } = (data ?? {}) as Partial<StreamErrorPayload>
  if (typeof statusCode === 'number' && typeof message === 'string') throw new StreamError(data as StreamErrorPayload)
}
