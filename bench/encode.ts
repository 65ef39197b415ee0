// What it costs to check and write one payload, by the path that its schema takes: docs/exactness.md has the table.
//
//     node --import tsx bench/encode.ts
import { Type } from '@sinclair/typebox'
import { declarationOf } from '../lib/contract/declaration.ts'
import { EventStream } from '../lib/contract/event-stream.ts'
import { SchemaCompiler } from '../lib/encode/check.ts'
import { compileEncoder } from '../lib/encode/encoder.ts'
import { Outgoing } from '../lib/wire/frames.ts'
import { payloadOf } from './payload.ts'

const PAYLOADS = 300_000

const fields = { id: Type.Integer(), token: Type.String(), logprob: Type.Number(), ts: Type.Integer() }
const SCHEMAS = {
  'properties only (fast-json-stringify)': Type.Object(fields),
  'additionalProperties: true': Type.Object(fields, { additionalProperties: true }),
  'union of two objects': Type.Union([Type.Object({ ...fields, kind: Type.Literal('a') }), Type.Object({ ...fields, kind: Type.Literal('b') })])
}

for (const [name, schema] of Object.entries(SCHEMAS)) {
  const encoder = await compileEncoder(declarationOf(EventStream(schema))!, new SchemaCompiler({}))
  const out = new Outgoing()
  /** Of one payload, in us. */
  const round = (offset: number): number => {
    const payloads = Array.from({ length: PAYLOADS }, (_, id) => ({ ...payloadOf(id, offset), kind: 'b' }))
    const from = performance.now()
    for (const payload of payloads) {
      encoder.frame(payload, out)
      out.take()
    }
    return (performance.now() - from) * 1_000 / PAYLOADS
  }
  round(0) // warms up
  console.log(`${round(PAYLOADS).toFixed(2)} us  ${name}`)
}
