import type { ContractValue } from './contract.ts'
import type { MessageError } from './errors.ts'

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
