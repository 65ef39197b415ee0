import t from 'tap'
import { SchemaCompiler } from '../../lib/encode/check.ts'
import { compilePayload, type WritePayload } from '../../lib/encode/payload.ts'
import { Random } from '../helpers/random.ts'
import { PayloadWriter } from '../helpers/random-payloads.ts'
import { type Draft, DRAFTS, type Json, randomSchema, randomTypeBox } from '../helpers/random-schemas.ts'
import { SchemaOracle } from '../helpers/schema-oracle.ts'

// `npm run test:system` runs more of them.
const { FUZZ_SCHEMAS = '50', FUZZ_PAYLOADS = '20', FUZZ_SEED = '1' } = process.env

type Schema = Record<string, unknown>

/** The writers of schemas, and what another validator is to read. */
const WRITERS: Record<string, (random: Random) => { schema: Schema, plain: Schema }> = {
  ...Object.fromEntries((Object.keys(DRAFTS) as Draft[]).map(draft => [`draft ${draft}`, random => {
    const schema = randomSchema(random, draft)
    return { schema, plain: schema }
  }])),
  ...Object.fromEntries((['0.34', '1.x'] as const).map(version => [`TypeBox ${version}`, random => {
    const schema = randomTypeBox(random, version)
    // TypeBox means any key by a pattern that leaves out those with line ends.
    const text = JSON.stringify(schema).replaceAll(/"\^\(?\.\*\)?\$"/g, '"^[^]*$"')
    return { schema, plain: { $schema: DRAFTS['2019-09'], ...JSON.parse(text) } }
  }]))
}

interface Counts { accepted: number, refused: number }

/** JSON text, equal for equal values whatever the order of their properties. */
function canonical (value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.keys(value).sort().map(key => `${JSON.stringify(key)}:${canonical(value[key]!)}`).join()}}`
}

/** What is wrong with what became of a payload. */
function faultOf (write: WritePayload, oracle: SchemaOracle, plain: Json, given: unknown, counts: Counts): string | undefined {
  let json: string
  try {
    json = write(given)
  } catch (error) {
    counts.refused++
    const { code } = error as { code?: string }
    if (code !== 'SSE_ERR_PAYLOAD' && code !== 'SSE_ERR_SERIALIZE') return `it fails with ${String(error)}`
    if (given !== plain || !oracle.accepts(plain)) return undefined
    const part = oracle.declaredPart(plain)
    if (!oracle.accepts(part) || canonical(oracle.declaredPart(part)) !== canonical(part)) return undefined
    return `it is refused: ${(error as Error).message}`
  }
  counts.accepted++
  const sent = JSON.parse(json) as Json
  if (!oracle.accepts(sent)) return `what is sent is invalid: ${json}`
  if (canonical(oracle.declaredPart(sent)) !== canonical(sent)) return `what is sent is not declared: ${json}`
  if (given !== plain) return undefined
  const part = oracle.declaredPart(plain)
  return canonical(part) === canonical(sent) ? undefined : `sent are ${json}, declared ${JSON.stringify(part)}`
}

for (const [index, [writer, make]] of Object.entries(WRITERS).entries()) {
  t.test(`what is accepted is what is sent: ${writer}`, { timeout: 3_600_000 }, async t => {
    const counts: Counts = { accepted: 0, refused: 0 }
    for (let number = 0; number < Number(FUZZ_SCHEMAS) / Object.keys(WRITERS).length; number++) {
      const seed = (Number(FUZZ_SEED) * 7 + index) * 1_000_003 + number
      const random = new Random(seed)
      const { schema, plain: read } = make(random)
      const write = await compilePayload('it', schema, new SchemaCompiler({}))
      const oracle = await SchemaOracle.of(read)
      const payloads = new PayloadWriter(random, read)
      for (let i = 0; i < Number(FUZZ_PAYLOADS); i++) {
        const plain = JSON.parse(JSON.stringify(payloads.plain())) as Json
        const fault = faultOf(write, oracle, plain, plain, counts) ?? faultOf(write, oracle, plain, payloads.wild(plain), counts)
        if (fault !== undefined) t.fail(`seed ${seed}: ${fault}`, { schema: JSON.stringify(read), payload: JSON.stringify(plain) })
      }
    }
    t.ok(counts.accepted > (counts.accepted + counts.refused) / 10, `${counts.accepted} accepted, ${counts.refused} refused`)
  })
}
