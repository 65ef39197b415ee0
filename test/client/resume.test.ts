import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { inBrowser, launch } from '../helpers/browser.ts'
import { CuttingProxy, type CuttingProxyOptions } from '../helpers/cutting-proxy.ts'
import { LogRoute } from './fixtures/log-route.ts'
import { browserEventSource, eventSourceClient, eventSourcePackage, fetchEventSourcePackage, ownClient, type Reader, type Seen } from './fixtures/readers.ts'

const CUTS = 1000

t.setTimeout(300_000)

type Places = Pick<CuttingProxyOptions, 'mayCutHead' | 'mayCutEnd'>

interface Run {
  read: Reader
  cuts: number
  seed?: number
  /** Where cuts may be. */
  places?: Places
  /** Called before each event is published. */
  onPublish? (log: LogRoute, published: number): void
}

/** Lets a client read a log through a network that cuts its connections. */
async function readThroughCuts (t: Test, { read, cuts, seed = 1, places, onPublish }: Run): Promise<Seen[]> {
  const log = await new LogRoute().listen(t)
  const proxy = new CuttingProxy({ port: log.port, cuts, seed, ...places })
  const reading = read(await proxy.listen(t))
  // Nothing is published while nobody reads: a reader would never catch up otherwise.
  for (let published = 0; !proxy.isDone; published++) {
    await proxy.opened()
    onPublish?.(log, published)
    log.publish()
    await turn()
  }
  t.equal(proxy.cuts, cuts)
  log.finish()
  return reading
}

/** Holds that every event came once and in order, those of a gap aside; `$ready` tells where a reader began. */
function checkRow (t: Test, seen: Seen[]): void {
  let next: number | undefined
  let faults = 0
  for (const [event, data, id] of seen) {
    const seq = Number(id.slice(id.lastIndexOf('-') + 1))
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

const READERS: [string, Reader, Places & { hasReady?: boolean }][] = [
  ['the package eventsource', eventSourcePackage, {}],
  ['eventsource-client', eventSourceClient, {}],
  // It keeps an id before its event is whole, so that a cut between the two loses the event.
  ['@microsoft/fetch-event-source', fetchEventSourcePackage, { mayCutEnd: false }],
  ['the typed client', ownClient, { hasReady: false }]
]

function testReader (t: Test, name: string, read: Reader, { hasReady = true, ...places }: Places & { hasReady?: boolean } = {}): void {
  t.test(`${name} resumes over ${CUTS} cuts`, async t => {
    const seen = await readThroughCuts(t, { read, cuts: CUTS, places })
    t.equal(seen.filter(([event]) => event === '$ready').length, hasReady ? 1 : 0)
    checkRow(t, seen)
    t.ok(seen.length > CUTS)
  })

  t.test(`${name} is told of a gap, and goes on after it`, async t => {
    const seen = await readThroughCuts(t, {
      read,
      cuts: 100,
      places,
      onPublish (log, published) { if (published % 100 === 99) log.keep(3) }
    })
    const gaps = seen.filter(([event]) => event === '$gap')
    t.ok(gaps.length > 0, `${gaps.length} gaps`)
    for (const [, data, id] of gaps) {
      const { next } = JSON.parse(data)
      t.equal(seqOf(next), seqOf(id) + 1, 'its id is the one before the next event')
    }
    checkRow(t, seen)
  })
}

const seqOf = (id: string): number => Number(id.slice(id.lastIndexOf('-') + 1))

for (const [name, read, options] of READERS) testReader(t, name, read, options)

t.test('in Chromium', inBrowser, async t => {
  const browser = await launch(t)
  // It takes truncated headers for whole ones, without a content type, and gives up.
  testReader(t, 'its EventSource', browserEventSource(browser), { mayCutHead: false })
})
