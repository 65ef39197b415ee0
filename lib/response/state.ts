/**
 * Where a session stands.
 *
 * opening: nothing was given to the framework; the source is opened, or its first item awaited.
 * answering: the framework has the body, and the app's onSend hooks are at work.
 * streaming: the headers are out or leave with the next write.
 * ending: everything was written and the response ends well, or it is a 204.
 * failed: the response is broken off once the rest was written, or it is an HTTP error.
 * closed: the raw response is closed.
 */
export type State = 'opening' | 'answering' | 'streaming' | 'ending' | 'failed' | 'closed'

const NEXT: Record<State, readonly State[]> = {
  opening: ['answering', 'streaming', 'ending', 'failed', 'closed'],
  answering: ['streaming', 'failed', 'closed'],
  streaming: ['ending', 'failed', 'closed'],
  ending: ['closed'],
  failed: ['closed'],
  closed: []
}

/** Whether a state may follow another. Whatever ends a stream asks this first, so that only the first end counts. */
export function mayFollow (next: State, state: State): boolean {
  return NEXT[state].includes(next)
}
