// Where a reader begins: its `from`, and the `Last-Event-ID` of a client that reconnects.
import { inspect } from 'node:util'
import { SSE_ERR_OPTION } from '../errors.ts'
import { type LogIds } from '../log/ids.ts'
import { type StartAt } from '../log/reading.ts'
import { type Rule } from '../options.ts'
import { ignoreRejection } from '../stray-promise.ts'

/** A place in a log: its newest, its oldest event, the newest n events, or after the event with an id. */
export type Place = 'now' | 'start' | { readonly last: number } | string

/** Where a reader without a cursor of the log begins; a function of an id of another system, to migrate from ids of your own. */
export type From = Place | ((lastEventId: string) => Place)

/**
 * Where a reader begins. A cursor of the log takes precedence over `from`: an EventSource reconnects to the URL that it
 * was opened with.
 *
 * @param idsOf gives the ids of the log; a function, because they cost a hash and most readers need none
 * @param fallback where it begins if `from` is a function, and there is no id to ask it about
 * @param lastEventId the client's header; undefined or '' for none
 * @throws SSE_ERR_OPTION for a `from` that is no place
 */
export function startOf (idsOf: () => LogIds, from: From, fallback: 'now' | 'start', lastEventId: string | undefined): StartAt {
  checkFrom(from)
  if (lastEventId === undefined || lastEventId === '') return typeof from === 'function' ? fallback : placeOf(idsOf, from)
  const after = idsOf().parse(lastEventId)
  if (after !== null) return { after }
  return typeof from === 'function' ? placeOf(idsOf, placeFrom(from, lastEventId)) : { foreign: lastEventId }
}

/** What `from` may be. */
export const FROM: Rule = {
  expected: "'now', 'start', { last: n } with an integer n >= 0, an id, or a function of the client's id that returns one of these",
  accepts: from => typeof from === 'function' || isPlace(from)
}

/** @throws SSE_ERR_OPTION */
export function checkFrom (from: From): void {
  if (!FROM.accepts(from)) refuse(from)
}

function placeFrom (from: (lastEventId: string) => Place, lastEventId: string): Place {
  const place = from(lastEventId)
  return isPlace(place) ? place : refuse(place)
}

function placeOf (idsOf: () => LogIds, place: Place): StartAt {
  if (place === 'now' || place === 'start') return place
  if (typeof place === 'object') return place.last === 0 ? 'now' : { last: place.last }
  const after = idsOf().parse(place)
  return after === null ? { foreign: place } : { after }
}

function isPlace (place: unknown): place is Place {
  if (typeof place === 'string') return place !== ''
  if (typeof place !== 'object' || place === null) return false
  const { last } = place as { last?: unknown }
  return Number.isSafeInteger(last) && last as number >= 0
}

function refuse (from: unknown): never {
  ignoreRejection(from)
  throw new SSE_ERR_OPTION('from', FROM.expected, inspect(from, { depth: 1 }))
}
