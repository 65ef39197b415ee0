// Sources: opens the iterator of whatever a stream was given, and discards what is not wanted.
import { Readable } from 'node:stream'
import { SSE_ERR_SOURCE, SSE_ERR_SOURCE_USED } from '../errors.ts'
import { ignoreRejection } from '../stray-promise.ts'
import { Message } from '../wire/message.ts'

/** What a stream is pulled from: `isSync` says that `next()` answers without a promise. */
export interface SourceIterator {
  readonly isSync: boolean
  readonly iterator: Iterator<unknown> | AsyncIterator<unknown>
}

/**
 * Opens the iterator of a source.
 *
 * @param source an async iterable (generators, Node Readables, web ReadableStreams) or an iterable; no string and no
 *   bytes, which would be streamed one by one
 * @throws SSE_ERR_SOURCE for anything else, SSE_ERR_SOURCE_USED for a generator that was opened before
 */
export function openIterator (source: unknown): SourceIterator {
  const opened = typeof source === 'object' && source !== null ? iteratorOf(source) : undefined
  if (typeof opened?.iterator?.next !== 'function') throw new SSE_ERR_SOURCE(describe(source))
  return opened
}

function iteratorOf (source: Partial<AsyncIterable<unknown> & Iterable<unknown>>): SourceIterator | undefined {
  // They iterate, over numbers.
  if (source instanceof Uint8Array) return undefined
  if (Array.isArray(source)) markHandled(source)
  if ('next' in source) markUsed(source)
  if (isWebStream(source)) return { isSync: false, iterator: webIterator(source.getReader()) }
  if (source instanceof Readable) return { isSync: false, iterator: readableIterator(source) }
  if (typeof source[Symbol.asyncIterator] === 'function') return { isSync: false, iterator: source[Symbol.asyncIterator]!() }
  if (typeof source[Symbol.iterator] === 'function') return { isSync: true, iterator: source[Symbol.iterator]!() }
  return undefined
}

/** Its constructor returns what it is given: a class derived from it adds its private fields to any object. */
class Given {
  constructor (given: object) {
    return given
  }
}

/**
 * Marks generators that were opened, with a private field: nobody sees it, and frozen objects and proxies take it too. A
 * WeakSet does the same for eight times the CPU, and work for the collector (bench: finite, 2 % of a stream).
 */
class Used extends Given {
  readonly #isUsed = true

  static has (generator: object): boolean {
    return #isUsed in generator
  }
}

/** A generator has no more to give the second time. Whether it ran elsewhere cannot be seen. */
function markUsed (generator: object): void {
  if (Used.has(generator)) throw new SSE_ERR_SOURCE_USED()
  // eslint-disable-next-line no-new
  new Used(generator)
}

/** Whether a value is something that {@link openIterator} takes. */
export function isIterable (value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value || isWebStream(value))
}

/** Releases a source that will never be pulled: streams hold files and sockets. */
export function discard (source: unknown): void {
  if (typeof source !== 'object' || source === null) return
  if (source instanceof Promise) source.then(discard, () => { /* nobody waits for it */ })
  const stream = source as { destroy?: () => void, cancel?: () => Promise<void> }
  if (typeof stream.destroy === 'function') stream.destroy()
  else if (typeof stream.cancel === 'function') stream.cancel().catch(() => { /* a locked stream belongs to somebody else */ })
}

/** An array may hold promises that fail before their turn: that is no unhandled rejection, which would end the process. */
function markHandled (items: unknown[]): void {
  for (const item of items) ignoreRejection(item)
}

function isWebStream (source: object): source is Pick<ReadableStream<unknown>, 'getReader'> {
  return 'getReader' in source && typeof source.getReader === 'function'
}

// The own iterators of streams let `return()` wait for a pending `next()`: a stream that is silent when its client
// leaves would keep its file or socket. Both are told at once instead.

function webIterator (reader: ReadableStreamDefaultReader<unknown>): AsyncIterator<unknown> {
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: () => reader.cancel() as Promise<never>
  }
}

function readableIterator (readable: Readable): AsyncIterator<unknown> {
  const iterator = readable[Symbol.asyncIterator]()
  return {
    next: () => iterator.next(),
    return () {
      readable.destroy()
      return iterator.return!()
    }
  }
}

function describe (source: unknown): string {
  if (typeof source !== 'object' || source === null) return typeof source === 'string' ? `a string ${SINGLE_EVENT}` : typeof source
  const found = `an object of class ${source.constructor?.name ?? 'null'}`
  const advice = adviceFor(source)
  return advice === undefined ? found : `${found} ${advice}`
}

const SINGLE_EVENT = '(a single event goes into an array: `[event]`)'

/** What to write instead of what other libraries take. */
function adviceFor (source: object): string | undefined {
  const { on, subscribe, addEventListener } = source as Partial<Record<string, unknown>>
  if (typeof on === 'function') return '(for an EventEmitter, write `on(emitter, name, { signal })` of node:events)'
  if (typeof subscribe === 'function' || typeof addEventListener === 'function') return '(what calls back, such as an Observable, goes into a `ReadableStream`: see docs/recipes.md)'
  const prototype: unknown = Object.getPrototypeOf(source)
  return source instanceof Message || prototype === Object.prototype || prototype === null ? SINGLE_EVENT : undefined
}
