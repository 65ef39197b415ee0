import t from 'tap'
import { skipFakedTime, WallClock } from '../helpers/faked-time.ts'
import { eventsIn, SHARED } from '../helpers/log-apps.ts'
import { LogPair, report } from '../helpers/log-pair.ts'

const LEASE = 1_000
const HOUR = 3_600_000

for (const { name, skip, open } of SHARED) {
  t.test(`${name}: the wall clock goes back an hour: ids stay in order, and a live producer keeps its run`, { skip: skip || skipFakedTime }, async t => {
    const started = performance.now()
    const { at, store } = await open(t)
    const clock = await WallClock.start(t)
    // A file is shared by the processes of one machine, which have one clock; a server by those of several.
    const pair = await LogPair.start(t, at, LEASE, [clock.env, name === 'SQLite' ? clock.env : {}])
    const onTopic = pair.readers('/topic')
    for (const [i, app] of [pair.one, pair.other].entries()) {
      await app.call('publish', `p${i}`)
      t.equal(await app.call('start', `before ${i}`, 20, 4 * LEASE), 'started')
    }
    const onRuns = [pair.readers('/run/before%200'), pair.readers('/run/before%201')]
    await Promise.all([pair.one.after(100), pair.other.after(100)])
    clock.set('-1h')
    t.ok(Math.abs(Date.now() - HOUR - await pair.one.call('now')) < HOUR / 10)
    await Promise.all([pair.one.after(100), pair.other.after(100)])
    t.equal(await pair.one.call('start', 'after', 20, 2 * LEASE), 'started')
    onRuns.push(pair.readers('/run/after'))
    t.equal(await pair.other.call('status', 'after'), 'running')
    await Promise.all(onRuns.map(({ done }) => done))
    for (const [i, { all }] of onRuns.entries()) t.strictSame([...new Set(all.map(({ end }) => end))], ['complete'], `run ${i}`)
    t.equal(await pair.one.call('start', 'stopped', 1e9), 'started')
    t.equal(await pair.other.call('stop', 'stopped'), true)
    await Promise.all([pair.one.call('quiet'), pair.other.call('quiet')])
    const truth = await eventsIn(store, 'topic')
    await onTopic.finish(truth)
    t.strictSame(onTopic.faults(truth), [])
    t.strictSame(pair.missing(truth), [])
    report(t, [onTopic, ...onRuns], truth.length, started)
  })
}
