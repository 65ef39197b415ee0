import { Type } from '@sinclair/typebox'
import t from 'tap'
import { EventStream, RawText } from '../../lib/index.ts'
import { documentOf, type Making, mediaTypeOf, QUIET } from './document.ts'

t.test('payloads in words, where viewers show no schema of them', async t => {
  const shared = [
    { $id: 'Point', type: 'object', required: ['x'], properties: { x: { type: 'number', description: 'To the\nright.' } } },
    { $id: 'Titled', title: 'A shape', type: 'object', properties: {} }
  ]
  const { $ref } = Type.Ref('Point')
  const events = {
    point: { $ref },
    all: { type: 'object', allOf: [{ $ref }, { type: 'object', properties: { y: { $ref: 'Titled' } } }], properties: { z: { type: 'array', items: { type: ['number', 'null'] } }, any: true } },
    kinds: Type.Union([Type.Literal('a'), Type.Literal('b'), Type.Array(Type.Ref('Point')), Type.Object({}, { title: 'Own' }), Type.Object({}), Type.Object({}), Type.Any()]),
    part: { $ref: 'Point#/properties/x' },
    text: RawText()
  }
  const wordsOf = async (version: string) => {
    const { itemSchema, 'x-oai-itemSchema': older = itemSchema } = await mediaTypeOf(version, EventStream(events), { ...QUIET, shared })
    return (older as { anyOf: Array<{ properties: { data: { description?: string } } }> }).anyOf.map(({ properties }) => properties.data.description)
  }
  const expected = [
    'JSON:\n\n- `x`: number. To the right.',
    'JSON:\n\n- `x`: number. To the right.\n- `y`: A shape, optional\n- `z`: array of number or null, optional\n- `any`: any, optional',
    'JSON: `"a"` or `"b"` or array of Point or Own or object or any',
    'JSON: number',
    undefined
  ]
  for (const version of ['3.0.3', '3.1.0', '3.2.0']) t.same(await wordsOf(version), expected, version)
  const { itemSchema } = await mediaTypeOf('3.2.0', EventStream({ type: 'number' }))
  t.match(itemSchema, { anyOf: [{ properties: { data: { description: 'JSON: number' } } }, { properties: { data: { description: /- `code`: string, optional\n/ } } }] })
})

t.test('schemas that no stream refers to stay what they are', async t => {
  const shared = [{ $id: 'Mine', type: 'array', items: [{ type: 'null' }] }, { $id: 'Ours', type: 'array', items: [{ $ref: 'Mine' }] }, { $id: 'Other', type: 'array', items: [{ type: 'null' }] }]
  const { components } = await documentOf('3.1.0', { '/': EventStream({ a: { $ref: 'Ours#/items/0' } }) }, { ...QUIET, shared })
  t.match(components.schemas, { Ours: { prefixItems: [{ $ref: '#/components/schemas/Mine' }] }, Mine: { prefixItems: [{ type: 'null' }] }, Other: { items: [{ type: 'null' }] } })
})

t.test('the words of each version', async t => {
  const Odd = Type.Object({
    tuple: Type.Tuple([Type.String(), Type.Number()]),
    same: Type.Tuple([Type.Number(), Type.Number()]),
    empty: Type.Tuple([]),
    open: { type: 'array' } as never,
    more: { type: 'array', items: [{ type: 'string' }], example: ['own'], examples: [['other']] } as never,
    only: Type.Literal('x'),
    price: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 10 }),
    maybe: Type.Union([Type.String(), Type.Null()]),
    map: Type.Record(Type.String(), Type.Number()),
    date: Type.String({ format: 'date-time', examples: ['2026-01-31T12:00:00Z'], $comment: 'c' }),
    unsafe: Type.Unsafe<'a'>({ type: 'string', enum: ['a'] })
  })
  const properties = async (version: string, making?: Making) => {
    const { schema } = await mediaTypeOf(version, EventStream(Odd), { ...QUIET, ...making })
    const { properties } = schema as { properties: Record<string, object> }
    const routes = { '/': EventStream({ a: Type.Array(Type.Ref('Odd')) }), '/b': EventStream({ b: Type.Ref('Odd') }) }
    const { components } = await documentOf(version, routes, { ...QUIET, ...making, shared: [{ ...Odd, $id: 'Odd' }] })
    const { more, ...others } = components.schemas.Odd!.properties as Record<string, object>
    t.same({ ...others, more: properties.more }, properties, 'a component has them too')
    t.match(more, version === '3.0.3' ? { items: { type: 'string' } } : { prefixItems: [{ type: 'string' }] })
    return properties
  }
  t.match(await properties('3.1.0', { convertConstToEnum: false }), {
    tuple: { prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
    open: { type: 'array' },
    more: { type: 'array', prefixItems: [{ type: 'string' }] },
    only: { const: 'x', type: 'string' },
    price: { exclusiveMinimum: 0 },
    maybe: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    map: { additionalProperties: { type: 'number' } },
    date: { format: 'date-time', examples: ['2026-01-31T12:00:00Z'] },
    unsafe: { enum: ['a'] }
  })
  t.same(await properties('3.0.3', { convertConstToEnum: false }), {
    tuple: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'number' }] }, minItems: 2, maxItems: 2 },
    same: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
    empty: { type: 'array', items: {}, minItems: 0, maxItems: 0 },
    open: { type: 'array', items: {} },
    more: { type: 'array', items: { type: 'string' }, example: ['own'] },
    only: { enum: ['x'], type: 'string' },
    price: { type: 'number', minimum: 0, exclusiveMinimum: true, maximum: 10, exclusiveMaximum: true },
    maybe: { type: 'string', nullable: true },
    map: { type: 'object', additionalProperties: { type: 'number' } },
    date: { type: 'string', format: 'date-time', example: '2026-01-31T12:00:00Z' },
    unsafe: { type: 'string', enum: ['a'] }
  })
})
