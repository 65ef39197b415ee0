// When frames arrive: their number in each slot of time, by the clock that the server's CPU is measured with.
import { microseconds } from './payload.ts'

let arrivals = new Map<number, number>()

export function countArrivals (frames: number, width: number): void {
  const slot = Math.floor(microseconds() / 1000 / width)
  arrivals.set(slot, (arrivals.get(slot) ?? 0) + frames)
}

export function takeArrivals (): Array<[slot: number, frames: number]> {
  const taken = Array.from(arrivals)
  arrivals = new Map()
  return taken
}
