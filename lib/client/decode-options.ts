// How the text of a stream becomes messages: the options that `connect` and `parse` have in common.
import type { ContractValue } from './contract.ts'
import type { Gap, MessageError } from './errors.ts'

/** How the text of a stream becomes messages. */
export interface DecodeOptions {
  /** The contract's value. It says which events are raw, what the sentinel is, and what `check` checks against. */
  contract?: ContractValue | undefined
  /** The raw events, needed if only the contract's type is given: `true` for unnamed ones, or `{ name: true }`. */
  raw?: true | Record<string, true> | undefined
  /**
   * The data that ends the stream.
   * @default the contract's; without a contract `[DONE]`, unless the event is raw text
   */
  sentinel?: string | undefined
  /**
   * The name of the event that reports failures, as the server's option of the same name; `false` for none.
   * @default 'error'
   */
  errorEvent?: string | false | undefined
  /**
   * Checks each message's data against its schema in `contract`: returns true if it is valid, otherwise false or the reason.
   * TypeBox's own works: `check: Value.Check`. Without it, only the JSON syntax is checked.
   */
  check? (schema: object, data: unknown): boolean | string
  /**
   * What to do with a message that is not JSON or that `check` rejects: `'fail'` ends the loop with the error, `'skip'` drops
   * the message, a function decides.
   * @default 'fail'
   */
  onInvalid?: 'fail' | 'skip' | ((error: MessageError) => 'fail' | 'skip') | undefined
  /**
   * Called when the server says that events were lost, before the loop gets the next message; a promise is awaited. Without
   * it the loop ends with a GapError, so that a loss is never silent.
   */
  onGap?: ((gap: Gap) => unknown) | undefined
  /**
   * The longest event in characters; the loop ends with an EventSizeError beyond it, so that an endless line does not fill
   * the memory.
   * @default 4194304
   */
  maxEventSize?: number | undefined
}
