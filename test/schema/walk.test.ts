import t from 'tap'
import { isObject, subschemas } from '../../lib/schema/walk.ts'

t.test('every schema within a schema is found, once', async t => {
  let made = 0
  const s = () => ({ title: String(made++) })
  const schema = {
    properties: { a: s(), b: s() },
    patternProperties: { a: s() },
    $defs: { a: s() },
    definitions: { a: s() },
    dependentSchemas: { a: s() },
    allOf: [s(), s()],
    anyOf: [s()],
    oneOf: [s()],
    prefixItems: [s()],
    items: [s()],
    additionalItems: s(),
    additionalProperties: s(),
    unevaluatedItems: s(),
    unevaluatedProperties: s(),
    contains: s(),
    propertyNames: s(),
    not: { items: s() },
    if: s(),
    then: s(),
    else: s()
  }
  const titles = Array.from(subschemas(schema), ({ title }) => title).filter(title => title !== undefined)
  t.strictSame(titles.map(Number).sort((a, b) => a - b), Array.from({ length: made }, (_, i) => i))
  t.equal(subschemas(schema).next().value, schema)
})

t.test('what only looks like a schema is none', async t => {
  const schema = { const: { type: 'a' }, default: { type: 'a' }, examples: [{ type: 'a' }], enum: [{ type: 'a' }], properties: [], items: true, allOf: {} }
  t.strictSame(Array.from(subschemas(schema)), [schema])
  for (const other of [undefined, null, true, 'a', []]) t.strictSame(Array.from(subschemas(other)), [])
})

t.test('an object is no array and no null', async t => {
  t.ok(isObject({}))
  for (const other of [undefined, null, 1, 'a', [], () => {}]) t.notOk(isObject(other))
})
