// Waiting for promises that know nothing of our signals.

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts. Leaves no listener on the signal. */
export function abortable<T> (work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop!: () => void
  return new Promise<T>((resolve, reject) => {
    stop = () => { reject(signal.reason) }
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    work.then(resolve, reject)
  }).finally(() => { signal.removeEventListener('abort', stop) })
}
