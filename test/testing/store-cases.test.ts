import t from 'tap'
import { MemoryStore } from '../../lib/store/memory.ts'
import { storeCases } from '../../lib/testing/store-cases.ts'
import { type StoreUnderTest } from '../../lib/testing/store/pair.ts'

/** Runs one case of the suite. */
async function runCase (name: string, factory: () => StoreUnderTest | Promise<StoreUnderTest>): Promise<string | undefined> {
  return await storeCases(factory).find(storeCase => storeCase.name === name)!.run()
}

const EXPIRY = 'a log is forgotten, whole, when its ttl has passed'

t.test('a store that does not keep its word fails the case, and is closed', async t => {
  class Forgetful extends MemoryStore {
    override async read (...args: Parameters<MemoryStore['read']>): ReturnType<MemoryStore['read']> {
      return { ...await super.read(...args), entries: [] }
    }
  }
  const store = new Forgetful({}, Date.now)
  let isClosed = false
  await t.rejects(runCase(EXPIRY, () => ({ stores: [store, store], advance () {}, async close () { isClosed = true } })), { name: 'AssertionError' })
  t.ok(isClosed)
})

t.test('without a clock to advance a case waits', async t => {
  const store = new MemoryStore({}, Date.now)
  t.equal(await runCase(EXPIRY, async () => ({ stores: [store, store] })), undefined)
})
