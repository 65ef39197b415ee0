import { type Test } from 'tap'
import { type Store } from '../../lib/log/store.ts'
import { storeCases } from '../../lib/testing/store-cases.ts'

/** How a test opens the store again and again. */
export interface Opening {
  /** One handle. */
  open (): Store
  /** Between closing both handles and opening them again. */
  restart? (): Promise<void>
  advance? (ms: number): void
}

/** Runs the suite of every store, each case as a subtest, with two handles that `prepare` opens. */
export async function testStore (t: Test, prepare: () => Opening): Promise<void> {
  const cases = storeCases(() => {
    const { open, restart, advance } = prepare()
    let stores = [open(), open()] as const
    const close = async () => { for (const store of stores) await store.close() }
    return {
      stores,
      advance,
      async restart () {
        await close()
        await restart?.()
        stores = [open(), open()]
        return stores
      },
      close
    }
  })
  for (const { name, run } of cases) {
    await t.test(name, async t => {
      const skipped = await run()
      if (skipped !== undefined) t.comment(`skipped: ${skipped}`)
    })
  }
}
