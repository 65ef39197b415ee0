import t from 'tap'
import { randomOf } from '../log/chaos.ts'
import { type Failpoint } from '../helpers/fatal-store.ts'
import { eventsIn, SHARED } from '../helpers/log-apps.ts'
import { LogPair, type Readers, report } from '../helpers/log-pair.ts'

// Write before show: the process dies around an append, and no client has seen what the log does not have; those who
// resume get all that it has. FAULT_ROUNDS multiplies the rounds.

const ROUNDS = 20 * Number(process.env.FAULT_ROUNDS ?? 1)
const LEASE = 400
// SQLite answers at once: nothing is ever under way.
const FAILPOINTS: Record<string, readonly Failpoint[]> = { Redis: ['before', 'under way', 'acknowledged'], SQLite: ['before', 'acknowledged'] }

for (const { name, skip, open } of SHARED) {
  for (const failpoint of FAILPOINTS[name]!) {
    t.test(`${name}: death at an append, ${failpoint}: no client has seen what the log does not have, and none misses what it has`, { skip }, async t => {
      const started = performance.now()
      const { at, store } = await open(t)
      const pair = await LogPair.start(t, at, LEASE)
      const onTopic = pair.readers('/topic')
      const onRuns: Readers[] = []
      const random = randomOf(3)
      for (let round = 0; round < ROUNDS; round++) {
        const id = `${round}`
        pair.prepare()
        const isRun = round % 2 === 1
        await pair.one.call('arm', failpoint, Math.floor(random() * 40))
        if (isRun) {
          await pair.one.call('start', id, 1e9)
          onRuns.push(pair.readers(`/run/${id}`))
        } else {
          await pair.one.call('publish', id)
        }
        await pair.one.died()
        const truth = isRun ? await eventsIn(store, 'run', id) : await eventsIn(store, 'topic')
        t.strictSame((isRun ? onRuns.at(-1)! : onTopic).faults(truth, false), [], `round ${round}`)
        if (!isRun && failpoint !== 'under way') {
          const stored = truth.filter(event => event.includes(`"by":"${id}"`)).length
          t.equal(stored - pair.one.acknowledged.length, failpoint === 'before' ? 0 : 1, 'it died where it should')
        }
        await pair.replace()
      }
      const truth = await eventsIn(store, 'topic')
      await onTopic.finish(truth)
      t.strictSame(onTopic.faults(truth), [])
      t.strictSame(pair.missing(truth), [])
      let events = truth.length
      for (const [i, readers] of onRuns.entries()) {
        await readers.done
        const truth = await eventsIn(store, 'run', `${2 * i + 1}`)
        t.strictSame(readers.faults(truth), [], `run ${2 * i + 1}`)
        events += truth.length
      }
      report(t, [onTopic, ...onRuns], events, started)
    })
  }
}
