/** Numbers from 0 to below 1, the same ones for the same seed, so that a failure can be run again (mulberry32). */
export function random (seed: number): () => number {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Random choices, the same ones for the same seed. */
export class Random {
  readonly #next: () => number

  constructor (seed: number) {
    this.#next = random(seed)
  }

  /** From 0 up to, and with, `max`. */
  upTo (max: number): number {
    return Math.floor(this.#next() * (max + 1))
  }

  chance (probability: number): boolean {
    return this.#next() < probability
  }

  pick<T> (choices: readonly T[]): T {
    return choices[this.upTo(choices.length - 1)]!
  }

  /** Some of the choices, each at most once. */
  some<T> (choices: readonly T[], probability = 0.4): T[] {
    return choices.filter(() => this.chance(probability))
  }

  list<T> (max: number, make: () => T): T[] {
    return Array.from({ length: this.upTo(max) }, make)
  }
}
