import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import tap from 'tap'
import { WillingReaders } from '../../lib/log/willing.ts'

const op = fc.oneof(
  fc.record({ kind: fc.constantFrom('push', 'join', 'join behind', 'turn') }),
  fc.record({ kind: fc.constantFrom('leave', 'leave when written to'), which: fc.nat(7) })
)

tap.test('whoever joins and leaves while a pass is due, every reader is brought up to date by it', async t => {
  const property = fc.asyncProperty(fc.array(op, { maxLength: 40 }), async ops => {
    const ring = { head: 1 }
    const willing = new WillingReaders(ring)
    const readers = new Set<Reader>()
    class Reader {
      slot = -1
      place: number
      isLeaving = false

      constructor (place: number) {
        this.place = place
      }

      advance (): boolean {
        if (this.isLeaving) this.leave()
        else this.place = ring.head
        return !this.isLeaving
      }

      leave (): void {
        readers.delete(this)
        willing.remove(this)
      }

      end (): void {}
      fail (): void {}
    }
    const join = (reader: Reader) => {
      readers.add(reader)
      willing.add(reader)
    }
    for (const { kind, ...rest } of ops) {
      const chosen = 'which' in rest ? [...readers][rest.which] : undefined
      if (kind === 'push') {
        ring.head++
        willing.writeLater()
      } else if (kind === 'join') join(new Reader(ring.head))
      else if (kind === 'join behind') join(new Reader(ring.head - 1))
      else if (kind === 'leave') chosen?.leave()
      else if (kind === 'leave when written to' && chosen !== undefined) chosen.isLeaving = true
      else if (kind === 'turn') await turn()
    }
    await turn()
    return [...readers].every(({ place }) => place === ring.head)
  })
  await t.resolves(fc.assert(property, { numRuns: 2_000 }))
})
