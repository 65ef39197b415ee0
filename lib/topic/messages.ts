// A log's events in code: for filters, merges and tests.
import { SSE_ERR_GAP, SSE_ERR_LOST, SSE_ERR_RUN_NOT_FOUND } from '../errors.ts'
import { closed } from '../log/publisher.ts'
import { type Gap, type Pull, type PulledEntry } from '../log/reading.ts'
import { type LogEntry } from '../log/store.ts'
import { type FailureData } from '../wire/control.ts'
import { type LogMessage } from './records.ts'

/** Options of a loop over messages. */
export interface MessagesOptions {
  /** Ends the loop, without an error. */
  signal?: AbortSignal | undefined
  /** Called where events are missing. A promise is awaited before the next message. Without it a gap throws SSE_ERR_GAP. */
  onGap?: ((gap: Gap) => unknown) | undefined
}

/** The log whose messages are asked for. */
interface LogToRead {
  readonly title: string
  /** Whether it comes to an end: a run does. */
  readonly hasEnd: boolean
  /** Begins to read; called when the loop starts. */
  open (): Promise<Pull>
  /** Undefined for an event that the contract does not have. */
  toMessage (entry: PulledEntry): LogMessage | undefined
}

/** One loop over messages. */
class Loop {
  pull: Pull | undefined
  isOver = false

  readonly stop = (): void => {
    this.isOver = true
    this.pull?.stop()
  }
}

/**
 * The messages of a log, as they are asked for.
 *
 * @throws SSE_ERR_GAP; of a run also SSE_ERR_RUN_NOT_FOUND, SSE_ERR_LOST, what it failed with, or SSE_ERR_STORE where the app closes first
 */
export function messagesOf (log: LogToRead, options: MessagesOptions): AsyncGenerator<LogMessage, void, void> {
  const loop = new Loop()
  const messages = read(log, options, loop)
  const leave = messages.return.bind(messages)
  // A generator settles its next() first, which may wait for ever: a stream whose client has left would stay a reader.
  return Object.assign(messages, {
    return (value: void | PromiseLike<void>) {
      loop.stop()
      return leave(value)
    }
  })
}

async function * read ({ title, hasEnd, open, toMessage }: LogToRead, { signal, onGap = throwGap }: MessagesOptions, loop: Loop): AsyncGenerator<LogMessage, void, void> {
  if (signal?.aborted === true) return
  signal?.addEventListener('abort', loop.stop, { once: true })
  let isFound = false
  try {
    const pull = loop.pull = await open()
    // stop() may have run while it was being opened.
    if (loop.isOver) return
    for (let batch; (batch = await pull.next()) !== null; isFound = true) {
      if (batch.end !== undefined) return throwUnlessGood(batch.end, title, isFound)
      if (batch.beginning !== undefined) {
        if (batch.beginning.gap !== null) await onGap(batch.beginning.gap)
        continue
      }
      for (const entry of batch.entries) {
        const message = toMessage(entry)
        if (message === undefined) await onGap({ after: null, next: entry.id })
        else yield message
      }
    }
    // The app was closed before the end: a run would look complete.
    if (hasEnd && !loop.isOver) throw closed()
  } finally {
    signal?.removeEventListener('abort', loop.stop)
    loop.stop()
  }
}

function throwGap ({ after, next }: Gap): never {
  throw new SSE_ERR_GAP(after ?? 'the start', next ?? 'the next one')
}

function throwUnlessGood (end: LogEntry | null, title: string, isFound: boolean): void {
  if (end === null && !isFound) throw new SSE_ERR_RUN_NOT_FOUND(title)
  if (end === null || end.type === 'lost') throw new SSE_ERR_LOST(title)
  if (end.type === 'failed') throw failureOf(end)
}

/** What a run failed with, as its log keeps it. */
function failureOf ({ data }: LogEntry): Error & FailureData {
  const failure = JSON.parse(data) as FailureData
  return Object.assign(new Error(failure.message), failure)
}
