import t from 'tap'
import { type Alarm, Alarms, systemClock } from '../../lib/log/clock.ts'
import { ManualClock } from './helpers.ts'

class Bell implements Alarm {
  slot = 0
  readonly rung: number[] = []
  readonly #clock: ManualClock
  readonly #also: (() => void) | undefined

  constructor (clock: ManualClock, also?: () => void) {
    this.#clock = clock
    this.#also = also
  }

  onAlarm (): void {
    this.rung.push(this.#clock.time)
    this.#also?.()
  }
}

t.test('any number of alarms share one timer', async t => {
  const clock = new ManualClock()
  const alarms = new Alarms(clock)
  const bells = Array.from({ length: 100 }, () => new Bell(clock))
  for (const [i, bell] of bells.entries()) alarms.set(bell, 100 * (i + 1))
  t.equal(clock.timers, 1)
  await clock.advance(5_000)
  t.strictSame(bells.map(({ rung }) => rung), bells.map((_, i) => i < 50 ? [1_000_000 + 100 * (i + 1)] : []))
  await clock.advance(5_000)
  t.ok(bells.every(({ rung }) => rung.length === 1))
  t.equal(clock.timers, 0, 'and none when there are none')
})

t.test('an alarm is never early, and at most 20 ms late', async t => {
  const clock = new ManualClock()
  const alarms = new Alarms(clock)
  for (const ms of [0, 1, 19, 20, 21, 333, -5]) {
    const bell = new Bell(clock)
    const start = clock.time
    alarms.set(bell, ms)
    await clock.advance(1_000)
    const late = bell.rung[0]! - start - Math.max(0, ms)
    t.ok(late >= 0 && late <= 20, `${ms}: ${late} late`)
  }
})

t.test('setting an alarm again moves it, clearing it takes it away', async t => {
  const clock = new ManualClock()
  const alarms = new Alarms(clock)
  const [moved, cleared, kept] = [new Bell(clock), new Bell(clock), new Bell(clock)]
  for (const bell of [moved, cleared, kept]) alarms.set(bell, 100)
  alarms.set(moved, 300)
  alarms.clear(cleared)
  alarms.clear(cleared)
  await clock.advance(200)
  t.strictSame([moved.rung.length, cleared.rung.length, kept.rung.length], [0, 0, 1])
  await clock.advance(200)
  t.equal(moved.rung.length, 1)
})

t.test('an alarm may be set, moved or cleared by another that rings', async t => {
  const clock = new ManualClock()
  const alarms = new Alarms(clock)
  const later: Bell = new Bell(clock)
  const again: Bell = new Bell(clock, () => { if (again.rung.length < 3) alarms.set(again, 50) })
  alarms.set(new Bell(clock, () => alarms.clear(later)), 50)
  alarms.set(later, 100)
  alarms.set(again, 50)
  await clock.advance(1_000)
  t.equal(later.rung.length, 0)
  t.equal(again.rung.length, 3)
})

t.test('closed: nothing rings any more', async t => {
  const clock = new ManualClock()
  const alarms = new Alarms(clock)
  const bell = new Bell(clock)
  alarms.set(bell, 50)
  alarms.close()
  t.equal(clock.timers, 0)
})

t.test('the system clock', async t => {
  t.ok(Math.abs(systemClock.now() - Date.now()) < 1_000)
  let isCancelled = true
  systemClock.setTimer(() => { isCancelled = false }, 1, true)()
  await new Promise<void>(resolve => systemClock.setTimer(resolve, 5, false))
  t.ok(isCancelled)
})
