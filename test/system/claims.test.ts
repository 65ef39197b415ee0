import t from 'tap'
import { randomOf } from '../log/chaos.ts'
import { eventsIn, LogApp, SHARED } from '../helpers/log-apps.ts'

// FAULT_ROUNDS multiplies the rounds.
const ROUNDS = 1_000 * Number(process.env.FAULT_ROUNDS ?? 1)
/** Of the rounds, how many are under way at once. */
const AT_ONCE = 8
const MOST_CALLERS = 10

for (const { name, skip, open } of SHARED) {
  t.test(`${name}: of any number of callers on two processes, one starts the run, ${ROUNDS} times`, { skip }, async t => {
    const started = performance.now()
    const { at, store } = await open(t)
    const apps = await Promise.all([1, 2].map(() => LogApp.start(t, { store: at, lease: 60_000 })))
    const random = randomOf(5)
    const wins = [0, 0]
    let callers = 0
    let next = 0
    const play = async (): Promise<void> => {
      while (next < ROUNDS) {
        const id = `${next++}`
        const outcomes = await Promise.all(apps.map(app => {
          const calling = 1 + Math.floor(random() * MOST_CALLERS)
          callers += calling
          return app.call('claim', id, calling)
        }))
        const producing = outcomes.map(({ started, produced }) => `${started} ${produced}`)
        if (producing.toSorted().join() !== '0 0,1 1') t.fail(`round ${id}: ${producing.join(' and ')} started and produced`)
        wins[outcomes[0]!.started === 1 ? 0 : 1]!++
        if (outcomes.some(({ first }) => first !== `{"by":"${id}","n":0}`)) t.fail(`round ${id}: ${outcomes.map(({ first }) => first).join(' and ')} is its event`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, play))
    t.equal((await eventsIn(store, 'run', '0')).length, 1)
    t.ok(wins.every(won => won > 0), 'either process won some')
    t.comment(`${callers} callers, won by ${wins.join(' and ')}, ${((performance.now() - started) / 1_000).toFixed(1)} s`)
  })
}
