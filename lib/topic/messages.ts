// A log's events in code: for filters, merges and tests.
import { SSE_ERR_GAP, SSE_ERR_LOST } from '../errors.ts'
import { type Gap, type Pull, type PulledEntry } from '../log/reading.ts'
import { type LogEntry } from '../log/store.ts'
import { type FailureData } from '../wire/control.ts'
import { type LogMessage } from './records.ts'

/** What a loop over messages is told. */
export interface MessagesOptions {
  /** Ends the loop, without an error. */
  signal?: AbortSignal | undefined
  /** Is told of events that are not to be had. Without it a gap throws SSE_ERR_GAP. */
  onGap?: ((gap: Gap) => void) | undefined
}

/**
 * The messages of a log, as they are asked for.
 *
 * @param open begins to read; called when the loop starts
 * @param toMessage of an event; undefined for one that the contract does not have
 * @throws SSE_ERR_GAP, SSE_ERR_LOST, or what a run failed with
 */
export async function * messagesOf (open: () => Promise<Pull>, toMessage: (entry: PulledEntry) => LogMessage | undefined, { signal, onGap = throwGap }: MessagesOptions): AsyncGenerator<LogMessage, void, void> {
  const isAborted = () => signal?.aborted === true
  if (isAborted()) return
  const pull = await open()
  // Fired meanwhile: no event would tell.
  if (isAborted()) return pull.stop()
  const stop = () => pull.stop()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    for (let batch; (batch = await pull.next()) !== null;) {
      if (batch.end !== undefined) return throwUnlessGood(batch.end)
      if (batch.beginning !== undefined) {
        if (batch.beginning.gap !== null) onGap(batch.beginning.gap)
        continue
      }
      for (const entry of batch.entries) {
        const message = toMessage(entry)
        if (message === undefined) onGap({ after: null, next: entry.id })
        else yield message
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop)
    stop()
  }
}

function throwGap ({ after, next }: Gap): never {
  throw new SSE_ERR_GAP(after ?? 'the start', next ?? 'the next one')
}

function throwUnlessGood (end: LogEntry | null): void {
  if (end === null || end.type === 'lost') throw new SSE_ERR_LOST('the run')
  if (end.type === 'failed') throw failureOf(end)
}

/** What a run failed with, as its log keeps it. */
function failureOf ({ data }: LogEntry): Error & FailureData {
  const failure = JSON.parse(data) as FailureData
  return Object.assign(new Error(failure.message), failure)
}
