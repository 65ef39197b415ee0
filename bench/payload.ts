/** What every benchmark streams: a token of a language model with its log probability. */
export interface Payload {
  id: number
  token: string
  logprob: number
  ts: number
}

const TOKENS = Array.from({ length: 1024 }, (_, index) => ' ' + (index * 2654435761 % 2 ** 32).toString(36))

/**
 * The event with this id, about 70 bytes as JSON. The whole event follows from the id, so that a reader can prove what it got;
 * its numbers never repeat, because V8 caches the text of the numbers it has seen and a repeating fixture measures that cache.
 *
 * @param offset of a stream beside others, whose numbers must not be those of this one
 */
export function payloadOf (id: number, offset = 0): Payload {
  const own = id + offset
  return {
    id,
    token: TOKENS[id & 1023] as string,
    logprob: ((Math.imul(own, 7919) & 0x7fffff) + 1) / -1e6,
    ts: 1_763_700_000_000 + own
  }
}

/** Microseconds of the monotonic clock, which all processes of one machine share. */
export function microseconds (): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.floor(nanoseconds / 1000)
}
