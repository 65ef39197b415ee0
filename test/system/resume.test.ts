import t from 'tap'
import { inBrowser, launch } from '../helpers/browser.ts'
import { publishedRun, publishedTopic } from '../helpers/published-logs.ts'
import { browserEventSource } from '../helpers/readers.ts'
import { CLIENTS, testResuming } from '../helpers/resuming.ts'

const CUTS = 1000

for (const [what, open] of [['a topic', publishedTopic], ['a run', publishedRun]] as const) {
  for (const [name, client] of Object.entries(CLIENTS)) testResuming(t, `${what}: ${name}`, client, CUTS, t => open(t))

  t.test(`${what}, in Chromium`, inBrowser, async t => {
    // It takes truncated headers for whole ones, without a content type, and gives up.
    testResuming(t, 'its EventSource', { read: browserEventSource(await launch(t)), places: { mayCutHead: false } }, CUTS, t => open(t))
  })
}
