// The suite that every store must pass.
import { type Cases, Pair, Skipped, type StoreCase, type StoreUnderTest } from './store/pair.ts'
import { expiry } from './store/expiry.ts'
import { limits } from './store/limits.ts'
import { producing } from './store/producing.ts'
import { publishing } from './store/publishing.ts'
import { races } from './store/races.ts'
import { reading } from './store/reading.ts'
import { watching } from './store/watching.ts'

const CASES: Cases = { ...producing, ...publishing, ...reading, ...watching, ...expiry, ...limits, ...races }

/**
 * The cases that every store must pass, for any test runner. Each opens a store of its own and closes it; logs have names
 * of their own, so all cases may share one server and run at once.
 *
 * ```ts
 * for (const { name, run } of storeCases(() => ({ stores: [myStore(url), myStore(url)] }))) test(name, run)
 * ```
 *
 * @param factory opens a store: two handles on it, and what else is known of it
 */
export function storeCases (factory: () => StoreUnderTest | Promise<StoreUnderTest>): StoreCase[] {
  if (typeof factory !== 'function') throw new TypeError(`Expected a function that opens a store, got ${typeof factory}: storeCases(() => ({ stores: [one, other] }))`)
  return Object.entries(CASES).map(([name, run]) => ({
    name,
    async run () {
      const pair = new Pair(await factory())
      return run(pair).then(() => undefined, reasonToSkip).finally(() => pair.close())
    }
  }))
}

function reasonToSkip (error: unknown): string {
  if (error instanceof Skipped) return error.message
  throw error
}
