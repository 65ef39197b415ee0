import t, { type Test } from 'tap'
import { inBrowser, launch } from '../helpers/browser.ts'
import { browserEventSource } from '../helpers/readers.ts'
import { checkRow, CLIENTS, readThroughCuts, type Resuming, seqOf, testResuming } from '../helpers/resuming.ts'
import { LogRoute } from './fixtures/log-route.ts'

// 1,000 in test/system.
const CUTS = 100

const open = (t: Test): Promise<LogRoute> => new LogRoute().listen(t)

function testClient (t: Test, name: string, client: Resuming): void {
  testResuming(t, name, client, CUTS, open)

  t.test(`${name} is told of a gap, and goes on after it`, async t => {
    const log = await open(t)
    const seen = await readThroughCuts(t, log, client, CUTS, published => { if (published % 100 === 99) log.keep(3) })
    const gaps = seen.filter(([event]) => event === '$gap')
    t.ok(gaps.length > 0, `${gaps.length} gaps`)
    for (const [, data, id] of gaps) t.equal(seqOf(JSON.parse(data).next), seqOf(id) + 1, 'its id is the one before the next event')
    checkRow(t, seen)
  })
}

for (const [name, client] of Object.entries(CLIENTS)) testClient(t, name, client)

t.test('in Chromium', inBrowser, async t => {
  const read = browserEventSource(await launch(t))
  // It takes truncated headers for whole ones, without a content type, and gives up.
  testClient(t, 'its EventSource', { read, places: { mayCutHead: false } })
})
