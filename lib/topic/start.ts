// Where a reader begins: its `from`, and the `Last-Event-ID` of a client that reconnects.
import { inspect } from 'node:util'
import { SSE_ERR_OPTION } from '../errors.ts'
import { type LogIds } from '../log/ids.ts'
import { type StartAt } from '../log/reading.ts'

/** A place in a log: its newest, its oldest event, the newest n events, or after the event with an id. */
export type Place = 'now' | 'start' | { readonly last: number } | string

/** Where a reader without a cursor of the log begins; a function of an id that is none of the log's, to migrate from ids of your own. */
export type From = Place | ((lastEventId: string) => Place)

/**
 * Where a reader begins. A cursor of the log takes precedence over `from`: an EventSource reconnects to the URL that it
 * was opened with.
 *
 * @param idsOf the ids of the log, which most readers do not need: they cost a hash
 * @param fallback where it begins if `from` is a function, and there is no id to ask it about
 * @param lastEventId the client's header; undefined or '' for none
 * @throws SSE_ERR_OPTION for a `from` that is no place
 */
export function startOf (idsOf: () => LogIds, from: From, fallback: 'now' | 'start', lastEventId: string | undefined): StartAt {
  checkFrom(from)
  if (lastEventId === undefined || lastEventId === '') return typeof from === 'function' ? fallback : placeOf(idsOf, from)
  const after = idsOf().parse(lastEventId)
  if (after !== null) return { after }
  return typeof from === 'function' ? placeOf(idsOf, checkPlace(from(lastEventId))) : { foreign: lastEventId }
}

/** @throws SSE_ERR_OPTION */
export function checkFrom (from: From): void {
  if (typeof from !== 'function') checkPlace(from)
}

function placeOf (idsOf: () => LogIds, place: Place): StartAt {
  if (place === 'now' || place === 'start') return place
  if (typeof place === 'object') return place.last === 0 ? 'now' : { last: place.last }
  const after = idsOf().parse(place)
  return after === null ? { foreign: place } : { after }
}

function checkPlace (place: Place): Place {
  const isPlace = (typeof place === 'string' && place !== '') ||
    (typeof place === 'object' && place !== null && Number.isSafeInteger(place.last) && place.last >= 0)
  if (isPlace) return place
  const given: unknown = place
  if (given instanceof Promise) given.catch(() => { /* this error is told instead */ })
  throw new SSE_ERR_OPTION('from', "'now', 'start', { last: n } with an integer n >= 0, an id, or a function of the client's id that returns one of these", inspect(place, { depth: 1 }))
}
