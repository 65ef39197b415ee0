import t from 'tap'
import { bed, event, LEASE, TTL } from './helpers.ts'

const APPENDS = 2_000

/** How often the event loop turned while something was done. */
async function turnsDuring (act: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await act()
  isOver = true
  return turns
}

t.test('a loop that publishes to a store which answers at once lets the event loop turn', async t => {
  const { logs } = bed()
  t.teardown(() => logs.close())
  const turns = await turnsDuring(async () => {
    for (let n = 0; n < APPENDS; n++) await logs.publish('topic:t', event(`${n}`), { ttl: TTL, maxEvents: 10 })
  })
  t.ok(turns >= 10, `${turns} turns`)
})

t.test('so does a loop that writes a run', async t => {
  const { logs } = bed()
  t.teardown(() => logs.close())
  const { writer } = await logs.claim('run:r', { ttl: TTL, lease: LEASE })
  const turns = await turnsDuring(async () => {
    for (let n = 0; n < APPENDS; n++) await writer!.append(event(`${n}`))
  })
  t.ok(turns >= 10, `${turns} turns`)
})
