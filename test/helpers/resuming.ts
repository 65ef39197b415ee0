// Whether a client that reads a log through a network that cuts its connections sees every event once.
import { setImmediate as turn } from 'node:timers/promises'
import type { Test } from 'tap'
import { CuttingProxy, type CuttingProxyOptions } from './cutting-proxy.ts'
import { eventSourceClient, eventSourcePackage, fetchEventSourcePackage, ownClient, type Reader, type Seen } from './readers.ts'

/**
 * A log that an HTTP server streams, resumed by `Last-Event-ID`: the nth event is called `n`, the last one `done`, and the data
 * of both is `{ n }`. Frames and ids are those of topics, and `retry` is 1 ms.
 */
export interface PublishedLog {
  readonly port: number
  /** Whether it begins with a `$ready`. */
  readonly hasReady: boolean
  /** Publishes the next event. */
  publish (): unknown
  /** Publishes the last one. */
  finish (): unknown
}

/** How a client is tested. */
export interface Resuming {
  read: Reader
  /** Where the network may cut. */
  places?: Pick<CuttingProxyOptions, 'mayCutHead' | 'mayCutEnd'>
  /** Whether the client shows `$ready`. */
  hasReady?: boolean
}

/** The clients that need no browser. */
export const CLIENTS: Record<string, Resuming> = {
  'the package eventsource': { read: eventSourcePackage },
  'eventsource-client': { read: eventSourceClient },
  // It keeps an id before its event is whole, so that a cut between the two loses the event.
  '@microsoft/fetch-event-source': { read: fetchEventSourcePackage, places: { mayCutEnd: false } },
  'the typed client': { read: ownClient, hasReady: false }
}

/**
 * Lets a client read a log over so many cuts, and to its end.
 *
 * @param onCut called after each cut, mostly before the client is back
 */
export async function readThroughCuts (t: Test, log: PublishedLog, { read, places }: Resuming, cuts: number, onCut?: (cut: number) => unknown): Promise<Seen[]> {
  const proxy = new CuttingProxy({ port: log.port, cuts, seed: 1, ...places })
  const reading = read(await proxy.listen(t))
  // Nothing is published while nobody reads: a reader would never catch up.
  let cut = 0
  while (!proxy.isDone) {
    while (cut < proxy.cuts) {
      cut++
      await onCut?.(cut)
    }
    await proxy.opened()
    await log.publish()
    await turn()
  }
  t.equal(proxy.cuts, cuts)
  await log.finish()
  return reading
}

/** Checks that every event came once and in order, except those of a gap. `$ready` tells where a reader began. */
export function checkRow (t: Test, seen: Seen[]): void {
  let next: number | undefined
  let faults = 0
  for (const [event, data, id] of seen) {
    const seq = seqOf(id)
    if (event === '$ready' || event === '$gap') next = seq + 1
    else {
      next ??= seq
      if (seq !== next || JSON.parse(data).n !== seq - 1) faults++
      next = seq + 1
    }
  }
  t.equal(faults, 0, `none of ${seen.length} is lost or doubled`)
  t.equal(seen.at(-1)?.[0], 'done')
}

/** The place of an event in its log. */
export function seqOf (id: string): number {
  return Number(id.slice(id.lastIndexOf('-') + 1))
}

/** Tests that a client resumes from a log over so many cuts. */
export function testResuming (t: Test, name: string, client: Resuming, cuts: number, open: (t: Test) => Promise<PublishedLog>): void {
  t.test(`${name} resumes over ${cuts} cuts`, async t => {
    const log = await open(t)
    const seen = await readThroughCuts(t, log, client, cuts)
    t.equal(seen.filter(([event]) => event === '$ready').length, log.hasReady && client.hasReady !== false ? 1 : 0)
    checkRow(t, seen)
    t.ok(seen.length > cuts)
  })
}
