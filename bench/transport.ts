import { Http2Connection } from './http2-reader.ts'
import { Reader, stall } from './reader.ts'
import { type ReaderOptions, type StreamReader } from './stream-reader.ts'

/** Which streams a case opens. */
export interface Target {
  port: number
  /** The number of HTTP/2 connections that carry the streams; over HTTP/1.1, where it is left out, each stream has its own. */
  sessions?: number | undefined
}

/** The connections of the process. There is one server for each client process, so they are kept until it ends. */
let connections: Http2Connection[] = []
let next = 0

/** Opens a stream; over HTTP/2 on the next of the connections in turn. */
export function openStream ({ port, sessions }: Target, path: string, options: ReaderOptions = {}): StreamReader {
  return sessions === undefined ? new Reader(port, path, options) : connectionOf(port, sessions).open(path, options)
}

/** Opens a stream that is never read. */
export async function stallStream ({ port, sessions }: Target, path: string): Promise<void> {
  if (sessions === undefined) await stall(port, path)
  else await connectionOf(port, sessions).open(path, { isStalled: true }).joined
}

/** Posts without a body. */
export function postHttp2 (port: number, sessions: number, path: string): Promise<void> {
  return connectionOf(port, sessions).open(path, { method: 'POST' }).ended
}

export function closeSessions (): void {
  for (const connection of connections) connection.close()
  connections = []
}

function connectionOf (port: number, sessions: number): Http2Connection {
  while (connections.length < sessions) connections.push(new Http2Connection(port))
  return connections[next++ % sessions] as Http2Connection
}
