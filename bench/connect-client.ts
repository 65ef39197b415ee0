// Clients that connect at the same time, and may resume.
import { microseconds } from './payload.ts'
import { type StreamReader } from './stream-reader.ts'
import { openStream, type Target } from './transport.ts'
import { get } from './verify.ts'

export interface ConnectResult { ms: number, busy: number }

let open: StreamReader[] = []

/**
 * Opens all at once; resolves when each has its first event, or all that it missed.
 *
 * @param resumes whether each client comes with one of the ids that the server gives at /ids, and so has missed the events after it
 */
export async function connectAll ({ path, count, resumes, ...target }: Target & { path: string, count: number, resumes: boolean }): Promise<ConnectResult> {
  const ids = resumes ? JSON.parse((await get(target.port, '/ids')).body) as string[] : []
  const before = process.cpuUsage()
  const started = microseconds()
  await new Promise<void>((resolve, reject) => {
    let waiting = count
    for (let i = 0; i < count; i++) {
      // The last id has nothing after it.
      const position = ids.length > 1 ? i % (ids.length - 1) : 0
      let missed = ids.length > 1 ? ids.length - 1 - position : 1
      const onFrames = (frames: number) => {
        missed -= frames
        if (missed === 0 && --waiting === 0) resolve()
        if (missed < 0) reject(new Error('a client was sent more than it had missed'))
      }
      const reader = openStream(target, path, { onFrames, lastEventId: ids[position] })
      reader.ended.catch(reject)
      open.push(reader)
    }
  })
  const took = microseconds() - started
  const { user, system } = process.cpuUsage(before)
  return { ms: took / 1000, busy: (user + system) / took }
}

export function leaveAll (): void {
  for (const reader of open) reader.close()
  open = []
}
