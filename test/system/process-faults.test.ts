import t from 'tap'
import { randomOf } from '../log/chaos.ts'
import { eventsIn, SHARED } from '../helpers/log-apps.ts'
import { LogPair, type Readers, reconnectsOf, report } from '../helpers/log-pair.ts'

// Server processes that share a store are killed, while readers lose their connections and resume on either. What a reader
// saw has to be what the log has: nothing lost, doubled, or out of order. FAULT_ROUNDS multiplies the rounds.

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 1)
const LEASE = 1_000

for (const { name, skip, open } of SHARED) {
  t.test(`${name}: kill -9 of the process that produces: nothing is lost or doubled, and its run is lost for every reader`, { skip }, async t => {
    const started = performance.now()
    const { at, store } = await open(t)
    const pair = await LogPair.start(t, at, LEASE)
    const onTopic = pair.readers('/topic')
    const all: Readers[] = [onTopic]
    const waits: number[] = []
    const random = randomOf(7)
    let events = 0
    for (let round = 0; round < 20 * ROUNDS || reconnectsOf(all) < 1_000 * ROUNDS; round++) {
      const id = `${round}`
      pair.prepare()
      await pair.one.call('publish', `p${round}`)
      t.equal(await pair.one.call('start', id, 1e9), 'started')
      const onRun = pair.readers(`/run/${id}`)
      all.push(onRun)
      await pair.one.after(100 + Math.floor(random() * 300))
      await pair.one.kill()
      const killed = performance.now()
      await pair.replace()
      await onRun.done
      t.ok(onRun.all.every(({ end }) => end === 'SSE_ERR_LOST'))
      for (const { endedAt } of onRun.all) waits.push(Math.round(endedAt - killed))
      const truth = await eventsIn(store, 'run', id)
      t.strictSame(onRun.faults(truth), [])
      events += truth.length
    }
    const truth = await eventsIn(store, 'topic')
    await onTopic.finish(truth)
    t.strictSame(onTopic.faults(truth), [])
    t.strictSame(pair.missing(truth), [])
    report(t, all, truth.length + events, started, `, runs known as lost after ${Math.min(...waits)} to ${Math.max(...waits)} ms (lease ${LEASE})`)
  })

  t.test(`${name}: what either of two processes publishes reaches the readers of both in one order, whichever is killed`, { skip }, async t => {
    const started = performance.now()
    const { at, store } = await open(t)
    const pair = await LogPair.start(t, at, LEASE)
    const readers = pair.readers('/topic')
    await pair.one.call('publish', 'first')
    for (let round = 0; round < 6 * ROUNDS; round++) {
      pair.prepare()
      await pair.other.call('publish', `p${round}`)
      await Promise.all([pair.one.after(150), pair.other.after(150)])
      await pair.one.kill()
      await pair.replace(true)
    }
    await Promise.all([pair.one.call('quiet'), pair.other.call('quiet')])
    const truth = await eventsIn(store, 'topic')
    await readers.finish(truth)
    t.strictSame(readers.faults(truth), [])
    t.strictSame(pair.missing(truth), [])
    report(t, [readers], truth.length, started)
  })
}
