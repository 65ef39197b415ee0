// The second way into a session, beside the pump: a log hands over frames that were encoded once for all its readers. It
// is all that log/ and response/ know of each other, and they meet in topic/ and plugin/.
import { type Socket } from 'node:net'
import { type Frames } from '../wire/frames.ts'

/** Where a feed writes: one session. After `end`, `fail` or {@link Following.stop} it must not be called any more. */
export interface FeedSink {
  /** Takes frames; false when it wants no more until the session calls {@link Following.resume}. */
  writeFrames (frames: Frames): boolean
  /**
   * The socket of a plain HTTP/1.1 response, to which whole chunks may be written in place of {@link writeFrames}; null
   * where there is none, or the headers have yet to leave, which they do with the first frames. Where its `write` returns
   * false, call {@link onBlocked}.
   */
  readonly direct: Socket | null
  /** {@link direct} has refused a write: the session listens for its `drain` and then calls {@link Following.resume}. */
  onBlocked (): void
  /** The feed has ended: the last frames (sentinel, error, end), if any, and whether the response ends well or is broken off. */
  end (last: Frames | null, isGood: boolean): void
  /** The feed has failed by itself: an error of the server's, reported like one of a source. */
  fail (error: unknown): void
}

/** One reader's place in a feed, held by its session. Its counters are what the session's summary is made of. */
export interface Following {
  /** The client wants more: catch up from the cursor, then back among the willing. May be called while nothing is blocked. */
  resume (): void
  /** Frees everything at once. Nothing is written afterwards. */
  stop (): void
  /** What to send at a heartbeat in place of a comment, such as the cursor of a filtered reader that has moved on; null for the comment. */
  beat? (): Frames | null
  /** The sink is full. */
  readonly isBlocked: boolean
  /** When something was last written, on the clock of `performance.now()`; 0 before. */
  readonly lastAt: number
  /** When the first event was written, on the same clock; 0 before. */
  readonly firstAt: number
  readonly events: number
  /** What it wrote in either way, without `beat` and the last frames of `end`. */
  readonly bytes: number
}

/**
 * What a source function may give in place of a source: one reader's view of a topic or a run. The session awaits the
 * function with the headers held back, so whatever has to be known before them (that the run exists, its first read)
 * goes there: it throws for an HTTP error and gives null for a 204. The headers go out as soon as there is a feed,
 * whatever `commitAfter` says.
 */
export interface Feed {
  /** Starts to write to a session, whose headers leave with the first frames, or at the end of this turn. It may write, and end, before it returns. */
  follow (sink: FeedSink): Following
}

/** Whether something given as a source is a feed. A source that can be iterated is none. */
export function isFeed (given: unknown): given is Feed {
  return typeof given === 'object' && given !== null && 'follow' in given && typeof given.follow === 'function' &&
    !(Symbol.asyncIterator in given) && !(Symbol.iterator in given)
}
