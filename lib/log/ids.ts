// Names of logs, and the ids that clients see: `tag.epoch-seq`.
import { createHash } from 'node:crypto'
import { SSE_ERR_KEY } from '../errors.ts'
import { parseCursor } from './cursor.ts'
import { type Cursor } from './store.ts'

/** Text with one has no UTF-8 of its own, so it can name neither a log nor a key. */
export const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * The name of a log in the store: injective over kind, name and key.
 *
 * @param key a number is the same key as its decimal text; undefined is a log of its own
 * @throws SSE_ERR_KEY for anything but text without lone surrogates (which UTF-8 would make equal) or a safe integer
 */
export function logName (kind: 'topic' | 'run', name: string, key?: string | number): string {
  const log = `${kind}:${encodeURIComponent(name)}`
  if (key === undefined) return log
  if (typeof key === 'string' && !LONE_SURROGATE.test(key)) return `${log}:${encodeURIComponent(key)}`
  if (typeof key === 'number' && Number.isSafeInteger(key)) return `${log}:${key}`
  throw new SSE_ERR_KEY(`${kind} '${name}'`, typeof key === 'string' ? 'a string with one' : typeof key === 'number' ? String(key) : key === null ? 'null' : typeof key)
}

/**
 * The ids of one log. The tag is a hash of its name, so that an id of another log (of another user's inbox, say) is never
 * taken for a position in this one. `,` is in no id: later, several logs on one connection will have a list of them.
 */
export class LogIds {
  /** 8 characters of base64url. */
  readonly tag: string

  constructor (log: string) {
    this.tag = createHash('sha256').update(log).digest('base64url').slice(0, 8)
  }

  /** The id of a position. */
  of (cursor: Cursor): string {
    return `${this.tag}.${cursor}`
  }

  /** The position that an id names; null for an id that is malformed or of another log. */
  parse (id: string): Cursor | null {
    if (!id.startsWith(this.tag) || id[8] !== '.') return null
    const cursor = id.slice(9)
    return parseCursor(cursor) === null ? null : cursor as Cursor
  }
}
