// Which ids a client can send back in the `Last-Event-ID` header.

/** The longest id in bytes of UTF-8: servers and proxies limit the size of request headers. */
const MAX_ID_BYTES = 1024

/**
 * Whether an id survives the way back to the server. Control characters are not allowed in a header, spaces at its ends
 * are trimmed, lone surrogates have no UTF-8, and a header that is too long is refused (431) on every attempt.
 */
export function isSendable (id: string): boolean {
  // eslint-disable-next-line no-control-regex -- they are what it looks for
  return !/[\0-\x1f\x7f\ud800-\udfff]|^ | $/u.test(id) && new TextEncoder().encode(id).length <= MAX_ID_BYTES
}
