import t, { type Test } from 'tap'
import { inBrowser, launch } from '../helpers/browser.ts'
import { publishedTopic } from '../helpers/published-logs.ts'
import { browserEventSource } from '../helpers/readers.ts'
import { checkRow, CLIENTS, readThroughCuts, type Resuming, seqOf, testResuming } from '../helpers/resuming.ts'

// 1,000 in test/system.
const CUTS = 40

function testClient (t: Test, name: string, client: Resuming): void {
  testResuming(t, name, client, CUTS, t => publishedTopic(t))

  t.test(`${name} gets each gap, and goes on after it`, async t => {
    const log = await publishedTopic(t, 3)
    const seen = await readThroughCuts(t, log, client, CUTS, async cut => {
      // More than the topic keeps for its readers, before this one is back.
      if (cut % 10 === 0) await Promise.all(Array.from({ length: 2000 }, () => log.publish()))
    })
    const gaps = seen.filter(([event]) => event === '$gap')
    t.ok(gaps.length > 0, `${gaps.length} gaps`)
    for (const [, data, id] of gaps) {
      const { after, next } = JSON.parse(data)
      t.equal(seqOf(next), seqOf(id) + 1, 'its id is the one before the next event')
      t.ok(seqOf(after) < seqOf(id), 'which is later than what the reader had')
    }
    checkRow(t, seen)
  })
}

for (const [name, client] of Object.entries(CLIENTS)) testClient(t, name, client)

t.test('in Chromium', inBrowser, async t => {
  const read = browserEventSource(await launch(t))
  // It takes truncated headers for whole ones, without a content type, and gives up.
  testClient(t, 'its EventSource', { read, places: { mayCutHead: false } })
})
