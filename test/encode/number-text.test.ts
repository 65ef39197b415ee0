import fc from 'fast-check'
import tap from 'tap'
import { numberText } from '../../lib/encode/number-text.ts'

const RUNS = { numRuns: 20_000 }

/** The next number up. */
function next (n: number): number {
  const bits = new BigInt64Array(Float64Array.of(n).buffer)
  bits[0]! += n < 0 ? -1n : 1n
  return new Float64Array(bits.buffer)[0]!
}

const decimal = fc.tuple(fc.maxSafeInteger(), fc.nat(22)).map(([digits, places]) => digits / 10 ** places)
const short = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat(9)).map(([digits, places]) => digits / 10 ** places)
const numbers: Record<string, fc.Arbitrary<number>> = {
  'any number': fc.double({ noNaN: true, noDefaultInfinity: true }),
  'whole numbers': fc.maxSafeInteger(),
  'decimals of any length': decimal,
  'short decimals': short,
  'numbers next to a short decimal': short.map(next)
}

for (const [name, arbitrary] of Object.entries(numbers)) {
  tap.test(`${name}: the text is that of JSON.stringify`, async t => {
    t.doesNotThrow(() => fc.assert(fc.property(arbitrary, n => numberText(n) === JSON.stringify(n)), RUNS))
  })
}

tap.test('where the ways part, the text is that of JSON.stringify', async t => {
  const edges = [0, 1, 999, 1e3, 999_999, 1e6, 1e9, 1e12, 2 ** 53 - 1, 2 ** 53, 1e20, 1e21, 1e-6, 1e-7, 0.1, 0.10, 0.001, 0.000_999, 0.001_001, 999_999_999.999_999, 1e9 + 0.5, 1e9 - 0.000_001, 2 ** 49 + 0.5, 5e-324, Number.MAX_VALUE]
  for (const edge of edges) {
    for (const n of [edge, -edge, next(edge)]) {
      if (Number.isFinite(n)) t.equal(numberText(n), JSON.stringify(n))
    }
  }
})
