// Node leaves an HTTP/2 stream open for ever where the client has reset it without an error (NO_ERROR) while something was
// still to be written: it waits until that has left. The stream then keeps its session, which does not notice the end of
// its connection either. So such streams are destroyed here.
import { constants, type Http2ServerResponse } from 'node:http2'

/** How often an ended response is looked at until it has left, ms: nothing tells that its client has reset it. */
const INTERVAL = 500

/** Destroys the stream of a response that has not ended when its client resets it. */
export function destroyWhenAborted ({ stream }: Http2ServerResponse): void {
  // Aborted with an error, by the client or by us, it closes by itself. Destroyed before its reset has left, it would keep
  // its session, and with it `close()`.
  stream.once('aborted', () => {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) stream.destroy()
  })
}

/** Destroys the stream of a response that has ended when its client has reset it before everything has left. */
export function destroyWhenClosed ({ stream }: Http2ServerResponse): void {
  const looking = setInterval(() => { if (stream.closed) stream.destroy() }, INTERVAL).unref()
  stream.once('close', () => { clearInterval(looking) })
}
