import fc from 'fast-check'
import t from 'tap'
import { type Linked, RecencyList } from '../../lib/store/recency.ts'

t.test('the oldest is the one unused for longest, whatever is used and taken out', async t => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 5 }))), calls => {
    const items: Linked[] = Array.from({ length: 6 }, () => ({ older: undefined, newer: undefined }))
    const list = new RecencyList<Linked>()
    let model: number[] = []
    for (const [isUse, i] of calls) {
      model = model.filter(other => other !== i)
      if (isUse) {
        list.use(items[i]!)
        model.push(i)
      } else {
        list.delete(items[i]!)
      }
      if (list.oldest !== items[model[0]!]) return false
    }
    const order: number[] = []
    while (list.oldest !== undefined) {
      order.push(items.indexOf(list.oldest))
      list.delete(list.oldest)
    }
    return order.join() === model.join()
  }))
  t.pass()
})
