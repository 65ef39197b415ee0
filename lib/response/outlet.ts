import { type ServerResponse } from 'node:http'
import { constants, type Http2ServerResponse } from 'node:http2'
import { type Readable } from 'node:stream'

/** The raw response of either protocol. */
export type RawResponse = ServerResponse | Http2ServerResponse

/** Where a stream's bytes go, with the two ways in which it is over. */
export interface Outlet {
  /** Takes bytes; false when it wants no more for now. */
  write (bytes: Buffer): boolean
  /** Sends the headers, if that was not done. */
  open (): void
  /** Writes the last bytes and ends well. */
  end (bytes: Buffer): void
  /** Writes the last bytes, then breaks the response, so that no client takes it for a good end. */
  fail (bytes: Buffer): void
}

/** Straight into the response: no stream in between. */
export function responseOutlet (raw: RawResponse): Outlet {
  const response = raw as ServerResponse
  return {
    open () {
      if (!response.headersSent) response.flushHeaders()
    },
    write: bytes => response.write(bytes),
    end (bytes) {
      if (bytes.length === 0) response.end()
      else response.end(bytes)
    },
    fail (bytes) {
      if (bytes.length === 0) abort(raw)
      else response.write(bytes, () => abort(raw))
    }
  }
}

/** Into a Readable that somebody else reads, such as a compressor. */
export function readableOutlet (readable: Readable & { failAfterRead (): void }): Outlet {
  return {
    open () {},
    write: bytes => readable.push(bytes),
    end (bytes) {
      if (bytes.length > 0) readable.push(bytes)
      readable.push(null)
    },
    fail (bytes) {
      if (bytes.length > 0) readable.push(bytes)
      readable.failAfterRead()
    }
  }
}

/** Breaks off a response. Over HTTP/2 a stream that is destroyed without a code ends well. */
export function abort (raw: RawResponse): void {
  if ('stream' in raw) raw.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
  else raw.destroy()
}

/** Whether the client broke off; Node emits `finish` for HTTP/2 all the same. */
export function wasAborted (raw: RawResponse): boolean {
  return 'stream' in raw && raw.stream?.aborted === true
}
