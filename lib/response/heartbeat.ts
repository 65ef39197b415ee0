/** What a heartbeat needs of a stream. */
export interface HeartbeatTarget {
  /** When the last byte was written, on the clock of {@link Heartbeats}. */
  readonly lastByteAt: number
  /** Writes the comment frame, unless the socket is full. */
  beat (): void
}

/** Beats in one turn of the event loop: 256 writes take about 2 ms, where 10,000 in a row block it for over 60 ms. */
const BEATS_PER_TURN = 256

/** The clock's resolution is a tenth of the shortest interval, within these bounds (ms). */
const FINEST = 5
const COARSEST = 250

/**
 * The heartbeats of all streams on one timer, which is also the clock that streams read at each write: a field, so that
 * a heartbeat costs nothing per event. It runs only while a stream is open, and keeps no process alive.
 */
export class Heartbeats {
  /** Now, ms; as old as the timer's last turn. */
  now = 0
  /** The interval of each. */
  readonly #streams = new Map<HeartbeatTarget, number>()
  #timer: NodeJS.Timeout | undefined
  #resolution = COARSEST

  /** @param interval silence after which the stream gets a beat, ms */
  add (stream: HeartbeatTarget, interval: number): void {
    const resolution = Math.min(COARSEST, Math.max(FINEST, interval / 10))
    if (this.#timer === undefined || resolution < this.#resolution) this.#start(resolution)
    this.#streams.set(stream, interval)
  }

  delete (stream: HeartbeatTarget): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0 || this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #start (resolution: number): void {
    clearInterval(this.#timer)
    this.#resolution = resolution
    this.now = performance.now()
    this.#timer = setInterval(() => this.#turn(), resolution).unref()
  }

  #turn (): void {
    this.now = performance.now()
    const due: HeartbeatTarget[] = []
    for (const [stream, interval] of this.#streams) {
      if (this.now - stream.lastByteAt >= interval) due.push(stream)
    }
    this.#beat(due, 0)
  }

  #beat (due: HeartbeatTarget[], from: number): void {
    const end = Math.min(from + BEATS_PER_TURN, due.length)
    for (let i = from; i < end; i++) {
      const stream = due[i]!
      // It may have left, or written, since the turns before this one.
      if (this.now - stream.lastByteAt >= (this.#streams.get(stream) ?? Infinity)) stream.beat()
    }
    if (end < due.length) setImmediate(() => this.#beat(due, end))
  }
}
