import t, { type Test } from 'tap'
import { LogRoute } from '../client/fixtures/log-route.ts'
import { inBrowser, launch } from '../helpers/browser.ts'
import { browserEventSource } from '../helpers/readers.ts'
import { CLIENTS, testResuming } from '../helpers/resuming.ts'

const CUTS = 1000
const open = (t: Test): Promise<LogRoute> => new LogRoute().listen(t)

for (const [name, client] of Object.entries(CLIENTS)) testResuming(t, name, client, CUTS, open)

t.test('in Chromium', inBrowser, async t => {
  // It takes truncated headers for whole ones, without a content type, and gives up.
  testResuming(t, 'its EventSource', { read: browserEventSource(await launch(t)), places: { mayCutHead: false } }, CUTS, open)
})
