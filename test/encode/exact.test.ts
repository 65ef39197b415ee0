import { FormatRegistry, Kind, type TSchema, Type, TypeRegistry } from '@sinclair/typebox'
import { type Ajv, type FuncKeywordDefinition } from 'ajv'
import t from 'tap'
import { Type as Type1 } from 'typebox'
import { EventStream, RawText } from '../../lib/index.ts'
import { SchemaCompiler } from '../../lib/encode/check.ts'
import { compilePayload } from '../../lib/encode/payload.ts'

// What is accepted is what is sent.

const REFUSED = Symbol('refused')
type Case = [payload: unknown, json: string | typeof REFUSED, pointer?: string | undefined, message?: RegExp]

class Instance {
  readonly n: unknown
  constructor (n: unknown) { this.n = n }
  get inherited () { return 1 }
}

class Named { a = 1; toString () { return 'secret' } }

const number = { type: 'number' }
const string = { type: 'string' }
const object = (properties: object, rest: object = {}) => ({ type: 'object', properties, ...rest })
const own = (name: string, value: unknown) => Object.defineProperty({}, name, { value, enumerable: true }) as object
const proto = (schema: unknown) => own('__proto__', schema)

/** Says one thing the first time, and another from then on. */
function changing (name: string, first: unknown, then: unknown, rest: object = {}): object {
  let times = 0
  return Object.defineProperty(rest, name, { get: () => times++ === 0 ? first : then, enumerable: true })
}

const CASES: Record<string, { schemas: object[], payloads: Case[] }> = {
  'unions that overlap': {
    schemas: [
      Type.Union([Type.Object({ id: Type.Number() }), Type.Object({ id: Type.Number(), name: Type.String() })]),
      Type1.Union([Type1.Object({ id: Type1.Number() }), Type1.Object({ id: Type1.Number(), name: Type1.String() })]),
      { anyOf: [object({ id: number }, { required: ['id'] }), object({ id: number, name: string }, { required: ['id', 'name'] })] }
    ],
    payloads: [[{ id: 1, name: 'x', password: 'p' }, '{"id":1,"name":"x"}'], [{ id: 1, name: 2 }, '{"id":1}'], [{ name: 'x' }, REFUSED]]
  },
  'unions of objects with optional properties only': {
    schemas: [
      Type.Union([Type.Object({ a: Type.Optional(Type.Number()) }), Type.Object({ b: Type.Optional(Type.Number()) })]),
      Type1.Union([Type1.Object({ a: Type1.Optional(Type1.Number()) }), Type1.Object({ b: Type1.Optional(Type1.Number()) })])
    ],
    payloads: [[{ b: 2, c: 3 }, '{"b":2}'], [{ a: 1, b: 2 }, '{"a":1,"b":2}'], [{ a: 1, b: 'x' }, '{"a":1}']]
  },
  conditionals: {
    schemas: [object({ kind: string }, {
      allOf: [
        { if: { properties: { kind: { const: 'a' } } }, then: { properties: { x: number }, required: ['x'] } },
        { if: { properties: { kind: { const: 'b' } } }, then: { properties: { y: number }, required: ['y'] } }
      ]
    })],
    payloads: [[{ kind: 'b', y: 2, x: 1 }, '{"kind":"b","y":2}'], [{ kind: 'a', x: 1, y: 2 }, '{"kind":"a","x":1}'], [{ kind: 'b' }, REFUSED]]
  },
  'a condition that what is not declared decides': {
    schemas: [{ type: 'object', if: { minProperties: 2 }, then: { properties: { a: number } } }],
    payloads: [[{ a: 1, b: 2 }, REFUSED, '', /without the properties and items that its schema does not declare$/], [{ a: 1 }, '{}']]
  },
  dependentSchemas: {
    schemas: [
      object({ a: number }, { dependentSchemas: { a: { properties: { b: number }, required: ['b'] } } }),
      object({ a: number }, { $schema: 'http://json-schema.org/draft-07/schema#', dependencies: { a: { properties: { b: number }, required: ['b'] } } })
    ],
    payloads: [[{ a: 1, b: 2, c: 3 }, '{"a":1,"b":2}'], [{ b: 2 }, '{}'], [{ a: 1 }, REFUSED]]
  },
  dependentRequired: {
    schemas: [object({ a: number, b: number }, { dependentRequired: { a: ['b'] } }), object({ a: number, b: number }, { dependencies: { a: ['b'] } })],
    payloads: [[{ a: 1, b: 2, c: 3 }, '{"a":1,"b":2}'], [{ a: 1 }, REFUSED]]
  },
  'unevaluatedProperties as a schema': {
    schemas: [{ allOf: [object({ a: number })], unevaluatedProperties: object({ b: number }) }],
    payloads: [[{ a: 1, c: { b: 2, secret: 3 } }, '{"a":1,"c":{"b":2}}'], [{ a: 1, c: 2 }, REFUSED, '/c']]
  },
  'tuples of draft 2020-12': {
    schemas: [{ prefixItems: [number], items: object({ y: number }) }],
    payloads: [[[1, { y: 1 }], '[1,{"y":1}]'], [[1, { y: 1, secret: 2 }], '[1,{"y":1}]'], [['a', 1], REFUSED, '/0']]
  },
  'tuples of booleans and text': {
    schemas: [{ type: 'array', prefixItems: [{ type: ['boolean', 'string'] }, string] }, Type.Tuple([Type.Union([Type.Boolean(), Type.String()]), Type.String()])],
    payloads: [[[true, 'a'], '[true,"a"]']]
  },
  'tuples that say nothing of more items': {
    schemas: [{ type: 'array', prefixItems: [object({ name: string })] }, { type: 'array', items: [object({ name: string })] }],
    payloads: [[[{ name: 'n', password: 'p' }], '[{"name":"n"}]'], [[{ name: 'n' }, 'password'], '[{"name":"n"}]'], [[{ name: 1 }], REFUSED, '/0/name']]
  },
  'tuples that are closed': {
    schemas: [{ type: 'array', prefixItems: [object({ name: string })], items: false }, { type: 'array', items: [object({ name: string })], additionalItems: false }],
    payloads: [[[{ name: 'n', password: 'p' }], '[{"name":"n"}]'], [[{ name: 'n' }, 1], REFUSED]]
  },
  additionalItems: {
    schemas: [{ type: 'array', items: [number], additionalItems: object({ y: number }) }],
    payloads: [[[1, { y: 2, secret: 3 }], '[1,{"y":2}]'], [[1, 2], REFUSED, '/1']]
  },
  contains: {
    schemas: [{ type: 'array', contains: object({ k: { const: 1 } }, { required: ['k'] }) }],
    payloads: [[[{ k: 1, secret: 2 }, { k: 2 }, 'secret'], '[{"k":1}]'], [[{ k: 2 }], REFUSED]]
  },
  'contains beside unevaluatedItems': {
    schemas: [{ type: 'array', contains: number, unevaluatedItems: false }],
    payloads: [[[1, 2], '[1,2]'], [[1, 'a'], REFUSED, '']]
  },
  'contains beside unevaluatedItems in draft 2019-09': {
    schemas: [{ $schema: 'https://json-schema.org/draft/2019-09/schema', type: 'array', contains: number, unevaluatedItems: false }],
    payloads: [[[1], REFUSED, '']]
  },
  'keys with line ends': {
    schemas: [Type.Record(Type.String(), Type.Number()), Type1.Record(Type1.String(), Type1.Number()), { type: 'object', additionalProperties: number }],
    payloads: [[{ 'a\nb': 1, '\u2028': 2, '\r': 3 }, '{"a\\nb":1,"\u2028":2,"\\r":3}'], [{ 'a\n': 'x' }, REFUSED]]
  },
  'keys by Unicode': {
    schemas: [{ type: 'object', patternProperties: { '^\\p{L}$': number, '^.$': { minimum: 0 } } }],
    payloads: [[{ ä: 1, '𝒳': 2, p: 3, '!!': 4 }, '{"ä":1,"𝒳":2,"p":3}'], [{ ä: 'x' }, REFUSED, '/ä'], [{ '😀': -1 }, REFUSED]]
  },
  'toJSON under a minimum': {
    schemas: [Type.Object({ n: Type.Number({ minimum: 0 }) }), Type1.Object({ n: Type1.Number({ minimum: 0 }) }), object({ n: { type: 'number', minimum: 0 } }, { required: ['n'] })],
    payloads: [
      [{ n: 1, toJSON: () => ({ n: -5 }) }, REFUSED, '/n'], [{ n: -1, toJSON: () => ({ n: 5, m: 1 }) }, '{"n":5}'],
      [new Instance(1), '{"n":1}'], [Object.create({ n: 1 }), REFUSED], [Object.assign(Object.create({ toJSON: () => ({ n: 2 }) }), { n: 1 }), '{"n":2}']
    ]
  },
  'toJSON within': {
    schemas: [object({ at: { type: 'string', format: 'date-time' }, url: string, i: { type: 'integer' }, list: { type: 'array', items: number } })],
    payloads: [
      [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'], [{ at: { toJSON: () => 'soon' } }, REFUSED, '/at'],
      [{ url: new URL('https://a.example/') }, '{"url":"https://a.example/"}'], [{ i: { toJSON: () => 1.7 } }, REFUSED, '/i'],
      [{ url: { toJSON: () => 1 } }, REFUSED, '/url'], [{ list: [{ toJSON: () => 1 }] }, '{"list":[1]}'], [{ list: Object.assign([1], { toJSON: () => [2] }) }, '{"list":[2]}'],
      [{ list: Object.assign([1], { toJSON: () => ['x'] }) }, REFUSED, '/list/0'], [{ i: { toJSON () {} } }, '{}'], [{ i: Object(1) }, '{"i":1}'], [{ url: Object('a') }, '{"url":"a"}'],
      [{ i: { toJSON: (key: string) => key.length } }, '{"i":1}'], [{ at: new Date(NaN) }, REFUSED, '/at']
    ]
  },
  'what is no JSON, at depth, in an object that is open': {
    schemas: [Type.Object({}, { additionalProperties: true }), Type1.Object({}, { additionalProperties: true }), { type: 'object', additionalProperties: {} }, Type.Record(Type.String(), Type.Any()), {}],
    payloads: [
      [{ at: new Date(0), url: new URL('https://a.example/') }, '{"at":"1970-01-01T00:00:00.000Z","url":"https://a.example/"}'],
      [{ a: { b: new Map([[1, 2]]) } }, REFUSED, '/a/b', /\(?got a Map: send Object\.fromEntries\(map\)\)?$/], [{ a: [new Set()] }, REFUSED, '/a/0', /got a Set/],
      [{ a: Buffer.from('secret') }, REFUSED, '/a', /got bytes/], [{ a: { b: new Uint8Array(1) } }, REFUSED, '/a/b', /got bytes/], [{ a: new ArrayBuffer(1) }, REFUSED, '/a', /got bytes/],
      [{ a: 1n }, REFUSED, '/a', /got a BigInt/], [{ a: () => 1 }, REFUSED, '/a', /got a function/], [{ a: Symbol('s') }, REFUSED, '/a', /got a symbol/],
      [{ a: [undefined] }, REFUSED, '/a/0', /got undefined/], [{ a: NaN }, REFUSED, '/a', /got NaN/], [{ a: [Infinity] }, REFUSED, '/a/0', /got Infinity/],
      [{ a: Promise.resolve(1) }, REFUSED, '/a', /await it/], [{ a: new WeakMap() }, REFUSED, '/a', /weak collection/], [{ 'a/b~': { c: 1n } }, REFUSED, '/a~1b~0/c'], [{ a: undefined, b: [[], {}] }, '{"b":[[],{}]}'], [{ a: { toJSON: () => 1n } }, REFUSED, '/a'],
      [{ a: true, b: Object(true), c: -0, d: 1e21, e: Object(-0) }, '{"a":true,"b":true,"c":0,"d":1e+21,"e":0}'], [{ a: Object.assign(() => 1, { toJSON: () => 2 }) }, '{"a":2}']
    ]
  },
  'what is no JSON, where it is not declared': {
    schemas: [Type.Object({ a: Type.Number() }), { anyOf: [object({ a: number })] }],
    payloads: [[{ a: 1, f () {}, m: new Map(), n: 1n, u: [undefined] }, '{"a":1}']]
  },
  'what is no JSON, where there is to be something else': {
    schemas: [Type.Object({ a: Type.Number() }), Type1.Object({ a: Type1.Number() }), object({ a: number }, { required: ['a'] })],
    payloads: [
      [{ a: NaN }, REFUSED, '/a', /got NaN: JSON has none, send null/], [{ a: 1n }, REFUSED, '/a', /got a BigInt: JSON has none, send String\(value\)/],
      [{ a: undefined }, REFUSED, undefined, /got undefined/], [{ a: new Date(0) }, REFUSED, '/a', /got a Date/], [{ a: Buffer.from('a') }, REFUSED, '/a', /got bytes/],
      [{}, REFUSED, undefined, /(property|properties)( 'a'| a)?$/], [undefined, REFUSED, '', /invalid: .*got undefined/], [new Map(), REFUSED, undefined, /got a Map/], [{ get a () { return undefined } }, REFUSED]
    ]
  },
  'properties that objects inherit, in unions and intersections': {
    schemas: [
      { anyOf: [object({ constructor: number, toString: object({ a: number }) })] }, { allOf: [object({ constructor: number }), object({ toString: object({ a: number }) })] },
      object({ constructor: number, toString: object({ a: number }) })
    ],
    payloads: [[{ constructor: 1, toString: { a: 1, secret: 2 }, valueOf: 3 }, '{"constructor":1,"toString":{"a":1}}'], [{}, '{}'], [{ constructor: 'x' }, REFUSED, '/constructor']]
  },
  'properties that objects inherit and that are required': {
    schemas: [object({ constructor: number }, { required: ['constructor'] }), Type.Object({ constructor: Type.Number() }), Type1.Object({ constructor: Type1.Number() })],
    payloads: [[{}, REFUSED], [{ constructor: 1 }, '{"constructor":1}']]
  },
  'optional properties that objects inherit': {
    schemas: [Type1.Object({ constructor: Type1.Optional(Type1.String()) }), Type.Object({ constructor: Type.Optional(Type.String()) })],
    payloads: [[{}, '{}'], [{ constructor: 'a' }, '{"constructor":"a"}'], [{ constructor: 1 }, REFUSED, '/constructor']]
  },
  'the property __proto__': {
    schemas: [JSON.parse('{"type":"object","properties":{"__proto__":{"type":"object","properties":{"a":{"type":"number"}}}}}'), { anyOf: [{ type: 'object', properties: proto(object({ a: number })) }] }],
    payloads: [[{}, '{}'], [proto({ a: 1, secret: 2 }), '{"__proto__":{"a":1}}'], [proto({ a: 'x' }), REFUSED]]
  },
  'an object with methods, or text': {
    schemas: [{ type: ['string', 'object'] }, { type: ['string', 'object'], properties: { a: number } }],
    payloads: [['a', '"a"']]
  },
  'an object with a toString()': { schemas: [{ type: ['string', 'object'], properties: { a: number } }], payloads: [[new Named(), '{"a":1}']] },
  'an object of which only names are declared': {
    schemas: [{ type: 'object', required: ['a'] }],
    payloads: [[{ a: { x: [1] }, b: 2 }, '{"a":{"x":[1]}}'], [{ b: 2 }, REFUSED]]
  },
  'an object of which only a size is declared': { schemas: [{ type: 'object', minProperties: 1 }], payloads: [[{ a: 1 }, REFUSED, ''], [{}, REFUSED, '']] },
  'an object without a type, or text': {
    schemas: [{ anyOf: [{ properties: { a: number } }, string] }],
    payloads: [['x', '"x"'], [{ a: 1, b: 2 }, '{"a":1}'], [{ a: 'x' }, REFUSED]]
  },
  'a property that may be anything': {
    schemas: [{ type: 'object', properties: { a: true } }, Type.Object({ a: Type.Optional(Type.Any()) })],
    payloads: [
      [{ a: () => 1 }, REFUSED, '/a'], [{ a: Symbol('a') }, REFUSED, '/a'], [{ a: { toJSON () {} } }, '{}'], [{ a: { x: 1 }, b: 2 }, '{"a":{"x":1}}'], [{ a: undefined }, '{}']
    ]
  },
  'tuples of anything': {
    schemas: [Type.Tuple([Type.Any()]), Type1.Tuple([Type1.Any()])],
    payloads: [[[{ a: 1 }], '[{"a":1}]'], [[null], '[null]'], [[new Instance(1)], '[{"n":1}]'], [[undefined], REFUSED, '/0']]
  },
  'tuples with unions': {
    schemas: [Type.Tuple([Type.String(), Type.Union([Type.Number(), Type.Null()])]), Type1.Tuple([Type1.String(), Type1.Union([Type1.Number(), Type1.Null()])])],
    payloads: [[['a', null], '["a",null]'], [['a', 1], '["a",1]'], [['a', 'b'], REFUSED]]
  },
  'a secret beside a union that is closed': {
    schemas: [
      Type.Union([Type.Intersect([Type.Object({ password: Type.String() })], { unevaluatedProperties: false }), Type.Object({ name: Type.String() })]),
      Type1.Union([Type1.Intersect([Type1.Object({ password: Type1.String() })], { unevaluatedProperties: false }), Type1.Object({ name: Type1.String() })])
    ],
    payloads: [[{ name: 'n', password: 'p' }, '{"name":"n"}'], [{ password: 'p' }, '{"password":"p"}']]
  },
  'nullable beside a reference': {
    schemas: [{ definitions: { a: object({ n: number }) }, $ref: '#/definitions/a', nullable: true }, object({ n: number }, { nullable: true })],
    payloads: [[null, 'null'], [{ n: 1, m: 2 }, '{"n":1}'], [1, REFUSED]]
  },
  'nullable beside anyOf, alone, or false': {
    schemas: [{ anyOf: [string, number], nullable: true }, { anyOf: [string, number, { type: 'null' }], nullable: false }, { nullable: true }, { nullable: false, title: 'anything' }],
    payloads: [[null, 'null'], ['a', '"a"'], [1, '1']]
  },
  'nullable beside a type': {
    schemas: [object({ n: { type: 'number', nullable: true }, s: { type: ['string', 'null'], nullable: true }, b: { type: 'boolean', nullable: false } })],
    payloads: [[{ n: null, s: null, b: true }, '{"n":null,"s":null,"b":true}'], [{ b: null }, REFUSED, '/b'], [{ n: 'x' }, REFUSED, '/n']]
  },
  'references with something beside them': {
    schemas: [object({ n: { $ref: '#/definitions/n', minProperties: 1 }, m: { $ref: '#/definitions/n', description: 'm' } }, { definitions: { n: object({ a: number }) } })],
    payloads: [[{ n: { a: 1, b: 2 }, m: { a: 1, b: 2 } }, '{"n":{"a":1},"m":{"a":1}}'], [{ n: { b: 1 } }, REFUSED], [{ n: {} }, REFUSED, '/n']]
  },
  'enums of null and others': { schemas: [object({ a: { enum: [null, 1, 'x', true] }, b: { const: null }, c: { enum: [1, 2] } })], payloads: [[{ a: null, b: null, c: 1 }, '{"a":null,"b":null,"c":1}'], [{ a: 'x' }, '{"a":"x"}'], [{ a: 2 }, REFUSED, '/a']] },
  'const and enum': {
    schemas: [{ const: { a: { b: 1 } } }, { enum: [{ a: { b: 1 } }, 1] }],
    payloads: [[{ a: { b: 1 } }, '{"a":{"b":1}}'], [{ a: { b: 2 } }, REFUSED]]
  },
  'anything beside something': {
    schemas: [{ allOf: [{}, object({ a: number })] }, Type.Intersect([Type.Unknown(), Type.Object({ a: Type.Number() })])],
    payloads: [[{ a: 1, secret: 2 }, '{"a":1}']]
  },
  'anything or something': {
    schemas: [{ anyOf: [true, object({ a: number })] }, Type.Union([Type.Unknown(), Type.Object({ a: Type.Number() })])],
    payloads: [[{ a: 1, b: { c: 2 } }, '{"a":1,"b":{"c":2}}']]
  },
  'an array that says nothing of its items': { schemas: [{ type: 'array' }, { type: 'array', minItems: 1 }], payloads: [[[1, { a: 2 }], '[1,{"a":2}]']] },
  'a schema that excludes': { schemas: [{ type: 'object', properties: { a: number }, not: { required: ['b'] } }], payloads: [[{ a: 1, c: 2 }, '{"a":1}'], [{ a: 1, b: 2 }, REFUSED]] },
  'names of properties': { schemas: [object({ ab: number }, { propertyNames: { maxLength: 2 } })], payloads: [[{ ab: 1, c: 2 }, '{"ab":1}'], [{ abc: 1 }, REFUSED]] },
  'exactly one of several': {
    schemas: [{ oneOf: [object({ a: number }, { required: ['a'] }), object({ b: number }, { required: ['b'] })] }],
    payloads: [[{ a: 1, c: 2 }, '{"a":1}'], [{ a: 1, b: 2 }, REFUSED], [{ a: 1, b: 'x' }, '{"a":1}']]
  },
  'unique items': { schemas: [{ type: 'array', uniqueItems: true, items: object({ a: {} }) }], payloads: [[[{ a: 1 }, { a: 2 }], '[{"a":1},{"a":2}]'], [[{ a: 1, b: 1 }, { a: 1, b: 2 }], REFUSED], [[{ a: [{}] }, { a: [{}] }], REFUSED]] },
  'comparisons of objects with properties named as methods': {
    schemas: [{ type: 'array', uniqueItems: true, items: {} }, { type: 'array', items: { anyOf: [{ const: { valueOf: 1 } }, { enum: [{ toString: 1 }, { constructor: {} }] }] }, uniqueItems: true }],
    payloads: [[[{ valueOf: 1 }, { toString: 1 }, { constructor: {} }], '[{"valueOf":1},{"toString":1},{"constructor":{}}]'], [[{ constructor: {} }, { constructor: {} }], REFUSED, undefined, /must /]]
  },
  'a comparison at which Ajv fails': { schemas: [{ enum: [{ valueOf: 1 }] }], payloads: [[{ valueOf: 1 }, '{"valueOf":1}'], [{ valueOf: 2 }, REFUSED, '', /must match its schema/]] },
  'lengths in code points': {
    schemas: [Type.String({ minLength: 2 }), Type1.String({ minLength: 2 }), { type: 'string', minLength: 2 }],
    payloads: [['😀', REFUSED], ['😀😀', '"😀😀"']]
  },
  'objects that are not what they seem': {
    schemas: [Type.Object({ n: Type.Number() }), object({ n: number }, { required: ['n'] }), { anyOf: [object({ n: number }, { required: ['n'] })] }],
    payloads: [[new Proxy({ n: 1, m: 2 }, {}), '{"n":1}'], [Object.assign(Object.create(null), { n: 1 }), '{"n":1}']]
  },
  'properties that are not enumerable, read by name': {
    schemas: [Type.Object({ n: Type.Number() }), object({ n: number }, { required: ['n'] })],
    payloads: [[Object.defineProperty({}, 'n', { value: 1 }), '{"n":1}']]
  },
  'properties that are not enumerable, where all are copied': {
    schemas: [{ anyOf: [object({ n: number }, { required: ['n'] })] }, object({ n: number }, { required: ['n'], additionalProperties: false })],
    payloads: [[Object.defineProperty({}, 'n', { value: 1 }), REFUSED]]
  },
  'a toJSON that is declared': {
    schemas: [object({ n: number, toJSON: number })],
    payloads: [[{ n: 1 }, '{"n":1}'], [{ n: 1, toJSON: 2 }, '{"n":1,"toJSON":2}'], [{ n: 1, toJSON: () => ({ n: 2 }) }, '{"n":2}']]
  },
  'nested objects that are not what they seem': {
    schemas: [object({ a: object({ n: number }), list: { type: 'array', items: object({ n: number }) } })],
    payloads: [
      [{ a: { n: 1, toJSON: () => ({ n: 2, secret: 1 }) } }, '{"a":{"n":2}}'], [{ a: [1] }, REFUSED, '/a'], [{ a: new Map() }, REFUSED, '/a', /got a Map/], [{ a: null }, REFUSED, '/a'], [{ a: undefined, list: [new Instance(1)] }, '{"list":[{"n":1}]}'],
      [{ list: { length: 1 } }, REFUSED, '/list'], [{ list: new Array(2) }, REFUSED, '/list/0'], [{ a: Object('x') }, REFUSED, '/a'], [{ a: new Date(0) }, REFUSED, '/a', /got a Date/]
    ]
  },
  'references of all kinds': {
    schemas: [
      { $defs: { x: { $anchor: 'x', type: 'number' } }, type: 'object', properties: { n: { $ref: '#x' } } },
      { definitions: { x: { $id: '#x', type: 'number' } }, type: 'object', properties: { n: { $ref: '#x' } } },
      { $id: 'https://a.example/root', definitions: { x: { $id: 'x', type: 'number' } }, type: 'object', properties: { n: { $ref: 'https://a.example/x' } } },
      { $id: 'https://a.example/root', type: 'object', definitions: { 'x y': number }, properties: { n: { $ref: 'root#/definitions/x%20y' } } },
      { type: 'object', properties: { n: { $ref: '#/x-own/0' } }, 'x-own': [number] },
      { type: 'object', properties: { n: { allOf: [{ $ref: '#/definitions/%' }] } }, definitions: { '%': number } },
      { type: 'object', properties: { n: { $ref: '#/definitions/n' } }, definitions: { n: { $ref: '#/definitions/m', description: 'n' }, m: number } }
    ],
    payloads: [[{ n: 1, m: 2 }, '{"n":1}'], [{ n: 'x' }, REFUSED, '/n']]
  },
  'references to booleans': {
    schemas: [object({ n: { $ref: '#/definitions/yes' }, m: { $ref: '#/definitions/no' } }, { definitions: { yes: true, no: false } })],
    payloads: [[{ n: { a: 1 }, x: 1 }, '{"n":{"a":1}}'], [{ m: 1 }, REFUSED]]
  }
}

for (const [what, { schemas, payloads }] of Object.entries(CASES)) {
  t.test(what, async t => {
    for (const [i, schema] of schemas.entries()) {
      const write = await compilePayload('it', schema as Record<string, unknown>, new SchemaCompiler({}))
      for (const [j, [payload, json, pointer, message = /./]] of payloads.entries()) {
        if (json !== REFUSED) t.equal(write(payload), json, `schema ${i}, payload ${j}`)
        else t.throws(() => write(payload), { code: /SSE_ERR_(PAYLOAD|SERIALIZE)/, event: 'it', message, ...(pointer === undefined ? {} : { pointer }) }, `schema ${i}, payload ${j}`)
      }
    }
  })
}

t.test('values that change while they are read are sent as they were checked', async t => {
  for (const schema of [Type.Object({ n: Type.Number() }), object({ n: number }, { required: ['n'] }), { anyOf: [object({ n: number }, { required: ['n'] })] }]) {
    const write = await compilePayload('it', schema as Record<string, unknown>, new SchemaCompiler({}))
    t.equal(write(changing('n', 1, 'secret')), '{"n":1}')
    t.throws(() => write(changing('n', 'secret', 'secret')), { code: 'SSE_ERR_PAYLOAD', pointer: '/n' })
    t.match(write(changing('toJSON', undefined, () => ({ n: 2, secret: 3 }), { n: 1 })), /^\{"n":[12]\}$/)
  }
  const write = await compilePayload('it', object({ n: number }, { additionalProperties: false }) as Record<string, unknown>, new SchemaCompiler({}))
  t.equal(write(changing('toJSON', undefined, () => ({ n: 2 }), { n: 1 })), '{"n":2}')
})

t.test('raw text inside another schema is refused where it is declared', async t => {
  for (const schema of [Type.Union([RawText() as unknown as TSchema, Type.Number()]), object({ a: RawText() }), { type: 'array', items: object({ a: RawText() }) }]) {
    t.throws(() => EventStream(schema), { code: 'SSE_ERR_SCHEMA', message: /RawText stands in place of a payload schema, not inside one/ })
  }
})

t.test('what only TypeBox knows of is checked, beside the keywords that it reads in its own way', async t => {
  FormatRegistry.Set('even', text => text.length % 2 === 0)
  TypeRegistry.Set('Even', (_schema, value) => Number(value) % 2 === 0)
  t.teardown(() => {
    FormatRegistry.Delete('even')
    TypeRegistry.Delete('Even')
  })
  const schemas: Array<[schema: object, good: unknown, bad: unknown[]]> = [
    [Type.String({ format: 'even', minLength: 2 }), 'abcd', ['abc', '😀']],
    [Type.Array(Type.Unsafe<number>({ [Kind]: 'Even', type: 'number' }), { uniqueItems: true }), [2, 4], [[2, 3], [2, 2]]],
    [Type1.Refine(Type1.String({ minLength: 2 }), text => text !== 'no', () => 'no'), 'yes', ['no', 'y']]
  ]
  for (const [schema, good, bad] of schemas) {
    const write = await compilePayload('it', schema as Record<string, unknown>, new SchemaCompiler({}))
    t.equal(write(good), JSON.stringify(good))
    for (const payload of bad) t.throws(() => write(payload), { code: 'SSE_ERR_PAYLOAD', event: 'it' })
  }
})

t.test('a payload that is nested too deep is refused', async t => {
  let deep: object = {}
  for (let i = 0; i < 100_000; i++) deep = { a: deep }
  for (const schema of [{}, { type: 'object', properties: { a: { $ref: '#' } } }]) {
    const write = await compilePayload('it', schema, new SchemaCompiler({}))
    t.throws(() => write(deep), { code: 'SSE_ERR_SERIALIZE', message: /nested too deep/, event: 'it' })
  }
})

t.test('patterns are read as the app tells Ajv to', async t => {
  const compiler = new SchemaCompiler({}, { customOptions: { unicodeRegExp: false } })
  const write = await compilePayload('it', { type: 'object', patternProperties: { '^\\p$': number } }, compiler)
  t.equal(write({ p: 1, q: 2 }), '{"p":1}')
})

t.test('a getter that throws when the reason is looked for hides no reason', async t => {
  const write = await compilePayload('it', object({ n: number }), new SchemaCompiler({}))
  let times = 0
  t.throws(() => write({ get n () { if (++times > 2) throw new Error('late'); return 'x' } }), { code: 'SSE_ERR_PAYLOAD', pointer: '/n', message: /must be number$/ })
  t.equal(times, 3)
})

t.test('branches that a custom keyword tells apart', async t => {
  const even: FuncKeywordDefinition = { keyword: 'even', type: 'number', validate: (wanted: boolean, value: number) => (value % 2 === 0) === wanted }
  const compiler = new SchemaCompiler({}, { plugins: [(ajv: Ajv) => ajv.addKeyword(even)] })
  const write = await compilePayload('it', {
    type: 'object',
    properties: { n: number },
    anyOf: [{ properties: { n: { even: true }, a: number } }, { properties: { n: { even: false }, b: number } }]
  }, compiler)
  t.equal(write({ n: 1, a: 1, b: 2 }), '{"n":1,"b":2}')
  t.equal(write({ n: 2, a: 1, b: 2 }), '{"n":2,"a":1}')
})

t.test('a schema that refers to nothing, or holds what no payload may, is refused', async t => {
  const shared = { unsafe: { $id: 'unsafe', type: 'string', format: 'unsafe' }, deep: { $id: 'deep', definitions: { a: { type: 'string', format: 'unsafe' } } }, date: { $id: 'date', type: 'Date' }, raw: RawText({ $id: 'raw', type: 'string' }) }
  const compiler = new SchemaCompiler(shared, { customOptions: { formats: { unsafe: true } } })
  const refused: Array<[schema: object, message: RegExp]> = [
    [{ $ref: '#/definitions/none' }, /the \$ref '#\/definitions\/none' leads nowhere/],
    [object({ a: { $ref: 'none#' } }), /'none#' leads nowhere/],
    [{ $ref: 'deep#/definitions/a/x' }, /leads nowhere/],
    [{ $ref: 'deep#/definitions/a/type' }, /leads nowhere/],
    [{ $ref: 'http://[' }, /leads nowhere/],
    [{ $ref: '#/definitions/%zz' }, /leads nowhere/],
    [{ $id: 'a', definitions: { b: { $id: 'b', type: 'string' }, c: { $id: 'b', type: 'number' } } }, /two different schemas have the \$id 'b'/],
    [{ $ref: 'raw#' }, /RawText stands in place of a payload schema/],
    [object({ a: RawText() }), /RawText stands in place of a payload schema/],
    [{ $ref: 'unsafe#' }, /'unsafe'/],
    [object({ a: { $ref: 'deep#/definitions/a' } }), /'unsafe'/],
    [{ $ref: 'date#' }, /JSON has no type 'Date'/],
    [{ $dynamicRef: '#a' }, /use \$ref/],
    [{ type: 'object', properties: 'none' }, /schema is invalid/],
    [object({ a: { $recursiveRef: '#' } }), /use \$ref/],
    [{ type: 'string', format: 'nope' }, /unknown format 'nope'/]
  ]
  for (const [schema, message] of refused) await t.rejects(compilePayload('it', schema as Record<string, unknown>, compiler), { code: 'SSE_ERR_SCHEMA', message }, JSON.stringify(schema))
})
