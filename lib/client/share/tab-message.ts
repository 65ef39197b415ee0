// What the tabs that share a stream tell each other.
import { ConnectionError, ResponseError } from '../errors.ts'
import type { Frame } from '../frames.ts'
import type { StreamState } from '../session.ts'

/** A message on the channel of a shared stream. A term is one tab's time as the leader; later terms are greater. */
export type TabMessage =
  | { type: 'hello', tab: number }
  | { type: 'state', term: number, state: StreamState, id: string, isResumable: boolean }
  | { type: 'frame', term: number, frame: Frame, retry: number | undefined }
  | { type: 'end', term: number, failure: Failure | undefined }

/** The part of BroadcastChannel that tabs use. */
export interface Channel {
  onmessage: ((event: { data: TabMessage }) => void) | null
  postMessage (message: TabMessage): void
  close (): void
}

/** A ResponseError or ConnectionError as structured clone can carry it. */
export type Failure = { status: number, headers: [string, string][], body: string } | { message: string, cause: string }

/** The error of a failure in another tab. */
export function errorOf (failure: Failure): Error {
  if ('cause' in failure) return new ConnectionError(failure.message, { cause: failure.cause })
  // A browser hides a redirect that is not followed: it has the status 0, which only Response.error() may have.
  return new ResponseError(failure.status === 0 ? Response.error() : new Response(failure.body || null, failure))
}
