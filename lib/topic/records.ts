// What the contract of a topic or run makes of events: records for the log, frames for responses, messages for code.
import { createHash } from 'node:crypto'
import { type Declaration, eventTitle } from '../contract/declaration.ts'
import { type Encoder } from '../encode/encoder.ts'
import { SSE_ERR_EVENT_SIZE, SSE_ERR_MESSAGE } from '../errors.ts'
import { successor } from '../log/cursor.ts'
import { type LogEntry, type LogRecord } from '../log/store.ts'
import { isRaw } from '../schema/raw-text.ts'
import { DATA, dataLines, END, eventLine, positionLines } from '../wire/frame.ts'
import { Frames } from '../wire/frames.ts'
import { Message, messageOf } from '../wire/message.ts'
import { gapFrame } from './control-frames.ts'

/** The fields of an event that only the log assigns, or that it does not keep. */
const FOREIGN_FIELDS = ['id', 'retry', 'comment'] as const

/** What an event of a log is in code: what may be yielded again, with its id. */
export type LogMessage = Message<unknown, string | undefined> & { readonly id: string }

/** An event of a snapshot. */
export interface SnapshotEvent {
  readonly frames: Frames
  /** For filters; its id is ''. */
  message (): LogMessage
}

/** What a contract says, as text. */
export interface ContractTexts {
  /** Equal for contracts that are equal in this process. */
  inProcess (): string
  /** Equal in all processes. */
  inJson (): string
}

/** One contract, as the logs that carry its events use it. */
export class Records {
  readonly declaration: Declaration
  readonly #texts: ContractTexts
  readonly #compile: () => Promise<Encoder>
  readonly #maxEventBytes: number
  #encoder: Encoder | undefined
  #text: string | undefined
  /** Kept with each record: a hash of what the contract says. */
  #fingerprint = ''
  readonly #messages = new WeakMap<LogEntry, LogMessage | undefined>()
  #compiling: Promise<Encoder> | undefined

  /**
   * @param compile makes the encoder, once the schemas of the scope are known
   * @param maxEventBytes the longest payload, bytes of UTF-8
   */
  constructor (declaration: Declaration, texts: ContractTexts, compile: () => Promise<Encoder>, maxEventBytes: number) {
    this.declaration = declaration
    this.#texts = texts
    this.#compile = compile
    this.#maxEventBytes = maxEventBytes
  }

  /** The contract as text. Until it is compiled, the app may add schemas that it refers to. */
  get text (): string {
    return this.#text ?? this.#texts.inProcess()
  }

  /** Undefined until {@link ready} has resolved once. */
  get encoder (): Encoder | undefined {
    return this.#encoder
  }

  /** @throws SSE_ERR_SCHEMA */
  ready (): Promise<Encoder> {
    if (this.#compiling === undefined) {
      this.#compiling = this.#compile()
      // The first reaction, so that calls which wait come before those that find the encoder there.
      this.#compiling.then(encoder => this.#use(encoder), () => { /* rejects for those that wait */ })
    }
    return this.#compiling
  }

  #use (encoder: Encoder): void {
    this.#encoder = encoder
    this.#text = this.#texts.inProcess()
    this.#fingerprint = createHash('sha256').update(this.#texts.inJson()).digest('base64url').slice(0, 12)
  }

  /**
   * Checks and serializes an event. Only after {@link ready}.
   *
   * @throws SSE_ERR_MESSAGE, SSE_ERR_EVENT, SSE_ERR_PAYLOAD, SSE_ERR_SERIALIZE, SSE_ERR_EVENT_SIZE
   */
  record (item: unknown): LogRecord {
    const { event, data } = this.#encoder!.record(item)
    if (item instanceof Message || event !== '') rejectFields(item as Message)
    // A character is three bytes at most.
    if (data.length * 3 > this.#maxEventBytes) checkSize(event, data, this.#maxEventBytes)
    return { kind: 'event', type: event, data, meta: this.#fingerprint }
  }

  /** The frame of an event, or a `$gap` in the place of one that this contract does not have. Only after {@link ready}. */
  frames (entry: LogEntry, id: string): Frames {
    const { type } = entry
    const data = this.#dataOf(entry)
    if (data === undefined) return gapFrame({ after: id.slice(0, -entry.id.length) + successor(entry.id, -1), next: null }, id)
    return Frames.of(this.#lines(type, data) + END + positionLines(undefined, id) + END, 1)
  }

  /** An event as it was published; undefined for one that this contract does not have. Only after {@link ready}. */
  message (entry: LogEntry, id: string): LogMessage | undefined {
    const { type } = entry
    const data = this.#dataOf(entry)
    if (data === undefined) return undefined
    return messageOf(type, this.#isRaw(type) ? data : JSON.parse(data), id)
  }

  /** The same for readers that choose, made once for all of them. */
  shared (entry: LogEntry, id: string): LogMessage | undefined {
    let message = this.#messages.get(entry)
    if (message === undefined && !this.#messages.has(entry)) this.#messages.set(entry, message = this.message(entry, id))
    return message
  }

  /** An event of a snapshot, which has no position. Only after {@link ready}. */
  snapshotEvent (item: unknown): SnapshotEvent {
    const { type, data } = this.record(item)
    return {
      frames: Frames.of(this.#lines(type, data) + END + END, 1),
      message: () => messageOf(type, this.#isRaw(type) ? data : JSON.parse(data), '')
    }
  }

  /** The payload as text. Of another contract, a deploy ago, it is checked, and written by this one. */
  #dataOf ({ type, data, meta }: LogEntry): string | undefined {
    if (meta === this.#fingerprint) return data
    if (!this.declaration.events.has(type)) return undefined
    try {
      const payload: unknown = this.#isRaw(type) ? data : JSON.parse(data)
      return this.#encoder!.record(new Message(payload, { event: type === '' ? undefined : type })).data
    } catch {
      return undefined
    }
  }

  #lines (type: string, data: string): string {
    return (type === '' ? '' : eventLine(type)) + (this.#isRaw(type) ? dataLines(data) : DATA + data)
  }

  #isRaw (type: string): boolean {
    const schema = this.declaration.events.get(type)
    return schema !== undefined && isRaw(schema)
  }
}

function checkSize (event: string, data: string, limit: number): void {
  const bytes = Buffer.byteLength(data)
  if (bytes > limit) throw new SSE_ERR_EVENT_SIZE(eventTitle(event), bytes, limit)
}

function rejectFields (message: Message): void {
  for (const field of FOREIGN_FIELDS) {
    if (message[field] !== undefined) throw new SSE_ERR_MESSAGE(`an event of a topic or run has no ${field} of its own: ${field === 'id' ? 'the log assigns the ids, so ' : ''}leave it out`)
  }
}
