import { type Socket } from 'node:net'
import { type Frames } from '../wire/frames.ts'

// The second way into a session, beside the pump: a log hands over frames that were encoded once for all its readers. It
// is all that log/ and response/ know of each other, and they meet in topic/ and plugin/.

/** Where a feed writes: one session. */
export interface FeedSink {
  /** Takes frames; false when it wants no more until the session calls {@link Following.resume}. */
  writeFrames (frames: Frames): boolean
  /**
   * The socket of a plain HTTP/1.1 response, to which whole chunks may be written in place of {@link writeFrames}; null
   * where there is none, or while something else of the response is still to be written.
   */
  readonly direct: Socket | null
  /** The feed has ended: the last frames (sentinel, error, end), if any, and whether the response ends well or is broken off. */
  end (last: Frames | null, isGood: boolean): void
  /** The feed has failed by itself: an error of the server's, reported like one of a source. */
  fail (error: unknown): void
}

/** One reader's place in a feed, held by its session. Its counters are what the session's summary is made of. */
export interface Following {
  /** The socket drained: catch up from the cursor, then back among the willing. */
  resume (): void
  /** Frees everything at once. Nothing is written afterwards. */
  stop (): void
  /** The sink is full. */
  readonly isBlocked: boolean
  /** When something was last written, on the clock of `performance.now()`; 0 before. */
  readonly lastAt: number
  /** When the first event was written, on the same clock; 0 before. */
  readonly firstAt: number
  readonly events: number
  readonly bytes: number
}

/** What `reply.sse` takes in place of a source: one reader's view of a topic or a run. */
export interface Feed {
  /** Starts to write to a session whose headers are out, or will be in this turn. */
  follow (sink: FeedSink): Following
}
