// Time, as everything in log/ sees it: tests hand in a clock of their own.

export interface Clock {
  /** ms since 1970, an integer that never goes back. */
  now (): number
  /**
   * Calls back once after so many ms.
   *
   * @param isBackground whether the process may exit before it is due
   * @returns cancels it
   */
  setTimer (callback: () => void, ms: number, isBackground: boolean): () => void
}

export const systemClock: Clock = {
  // Counted on from the start of the process: a wall clock that is set back would silence every alarm until it is there again,
  // and with it the leases of this process's runs. An integer, as epochs are made of it.
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  setTimer (callback, ms, isBackground) {
    const timer = setTimeout(callback, ms)
    if (isBackground) timer.unref()
    return () => clearTimeout(timer)
  }
}

/** Something that is due at a time, with one {@link Alarm} at most. */
export interface Alarm {
  /** The slot in which it is due; 0 for none. Only {@link Alarms} sets it. */
  slot: number
  onAlarm (): void
}

/** How exact alarms are, ms: they come up to that much late. */
const RESOLUTION = 20

/** Any number of alarms on one timer, which keeps no process alive: a followed log or a run costs no timer of its own. */
export class Alarms {
  readonly #clock: Clock
  readonly #slots = new Map<number, Set<Alarm>>()
  #next = Infinity
  #cancel: (() => void) | undefined

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Sets an alarm, in place of the one it had. */
  set (alarm: Alarm, ms: number): void {
    this.clear(alarm)
    const slot = Math.ceil((this.#clock.now() + Math.max(0, ms)) / RESOLUTION)
    let alarms = this.#slots.get(slot)
    if (alarms === undefined) this.#slots.set(slot, alarms = new Set())
    alarms.add(alarm)
    alarm.slot = slot
    if (slot < this.#next) this.#arm(slot)
  }

  clear (alarm: Alarm): void {
    const { slot } = alarm
    const alarms = this.#slots.get(slot)
    alarm.slot = 0
    if (alarms === undefined) return
    alarms.delete(alarm)
    if (alarms.size === 0) this.#slots.delete(slot)
  }

  close (): void {
    this.#cancel?.()
    this.#slots.clear()
  }

  #arm (slot: number): void {
    this.#cancel?.()
    this.#next = slot
    this.#cancel = this.#clock.setTimer(() => this.#ring(), Math.max(0, slot * RESOLUTION - this.#clock.now()), true)
  }

  #ring (): void {
    const now = this.#clock.now()
    this.#cancel = undefined
    this.#next = Infinity
    const due: Alarm[] = []
    for (const [slot, alarms] of this.#slots) {
      if (slot * RESOLUTION > now) continue
      this.#slots.delete(slot)
      for (const alarm of alarms) due.push(alarm)
    }
    for (const alarm of due) alarm.slot = 0
    for (const alarm of due) alarm.onAlarm()
    const next = Math.min(...this.#slots.keys())
    if (next < this.#next) this.#arm(next)
  }
}
