import { type ServerResponse } from 'node:http'
import { constants, type Http2ServerResponse } from 'node:http2'
import { type Readable } from 'node:stream'
import { type Sink } from './pump.ts'

/** The raw response of either protocol. */
export type RawResponse = ServerResponse | Http2ServerResponse

/** A sink with the two ways in which a stream is over. */
export interface Outlet extends Sink {
  /** Sends the headers, if that was not done. */
  open (): void
  /** Writes the last text and ends well. */
  end (text: string): void
  /** Writes the last text, then breaks the response, so that no client takes it for a good end. */
  fail (text: string): void
}

/** Straight into the response: no stream in between. */
export function responseOutlet (raw: RawResponse): Outlet {
  const response = raw as ServerResponse
  return {
    open () {
      if (!response.headersSent) response.flushHeaders()
    },
    write: text => response.write(text),
    end (text) {
      if (text === '') response.end()
      else response.end(text)
    },
    fail (text) {
      if (text === '') abort(raw)
      else response.write(text, () => abort(raw))
    }
  }
}

/** Into a Readable that somebody else reads, such as a compressor. */
export function readableOutlet (readable: Readable & { failAfterRead (): void }): Outlet {
  return {
    open () {},
    write: text => readable.push(text),
    end (text) {
      if (text !== '') readable.push(text)
      readable.push(null)
    },
    fail (text) {
      if (text !== '') readable.push(text)
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
