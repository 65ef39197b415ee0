import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { FAILURE, GAP, isReservedName, READY } from '../../lib/wire/control.ts'

t.test('the examples of control events are valid for their schemas, and other data is not', async t => {
  const ajv = new Ajv2020()
  const invalid: Record<string, unknown> = { error: { statusCode: '500' }, $ready: null, $gap: { after: 1, next: null } }
  for (const { name, schema, example } of [FAILURE, READY, GAP]) {
    const validate = ajv.compile(schema)
    t.ok(validate(example), name)
    t.notOk(validate(invalid[name]), name)
  }
})

t.test('names that begin with $ are reserved, the others are free', async t => {
  t.ok([READY.name, GAP.name, '$x'].every(isReservedName))
  t.notOk([FAILURE.name, 'a$', ''].some(isReservedName))
})
