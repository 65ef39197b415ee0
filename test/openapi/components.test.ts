import swagger from '@fastify/swagger'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import * as typebox1 from 'typebox'
import { bundle, ComponentNames } from '../../lib/openapi/components.ts'
import typedSse, { EventStream } from '../../lib/index.ts'
import { type Document, type Schema, streamOf } from './app.ts'

interface Making {
  shared?: Schema[]
  refResolver?: object | null
}

const byId = { buildLocalReference: (json: Schema) => String(json.$id) }

/** The 3.1 document of streams of one event each, by path; every stream of it is also run. */
async function documentOf (t: Test, payloads: Record<string, any>, { shared = [], refResolver = byId }: Making = {}): Promise<Document> {
  const app = Fastify() as FastifyInstance
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: { openapi: '3.1.0' }, ...(refResolver === null ? {} : { refResolver }) } as never)
  await app.register(typedSse, { errorEvent: false })
  for (const schema of shared) app.addSchema(schema)
  for (const [path, payload] of Object.entries(payloads)) app.get(path, { schema: { response: { 200: EventStream(payload) } } }, () => [])
  await app.ready()
  return JSON.parse(JSON.stringify(app.swagger()))
}

type Test = { teardown (fn: () => unknown): void }

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const list = (items: object) => ({ type: 'array', items })
const schemaOf = (document: Document, path: string) => streamOf(document, path).schema

t.test('recursive schemas of both TypeBoxes', async t => {
  const Tree = Type.Recursive(This => Type.Object({ parts: Type.Array(This) }), { $id: 'Tree' })
  const { Node } = Type.Module({ Node: Type.Object({ next: Type.Optional(Type.Ref('Node')) }) }).Import('Node').$defs
  const Cycle = typebox1.Type.Cyclic({ A: typebox1.Type.Object({ b: typebox1.Type.Ref('B') }), B: typebox1.Type.Object({ a: typebox1.Type.Optional(typebox1.Type.Ref('A')) }) }, 'A')
  const document = await documentOf(t, { '/tree': Tree, '/within': Type.Object({ tree: Tree, again: Tree }), '/node': Node, '/cycle': Cycle })
  t.same(schemaOf(document, '/tree'), ref('Tree'))
  t.match(schemaOf(document, '/within'), { properties: { tree: ref('Tree'), again: ref('Tree') } })
  t.same(schemaOf(document, '/node'), ref('Node'))
  t.same(schemaOf(document, '/cycle'), ref('A'))
  t.match(document.components.schemas, {
    Tree: { properties: { parts: list(ref('Tree')) } },
    Node: { properties: { next: ref('Node') } },
    A: { properties: { b: ref('B') } },
    B: { properties: { a: ref('A') } }
  })
  t.notMatch(Object.keys(document.components.schemas).join(), /-2/, 'each is there once')
})

t.test('schemas with an $id of their own are components, once each, though several events have them', async t => {
  const User = Type.Object({ name: Type.String() }, { $id: 'User' })
  const Joined = Type.Object({ user: User }, { $id: 'Joined' })
  const document = await documentOf(t, {
    '/named': { joined: Joined, left: User, all: Type.Array(User), both: Type.Object({ user: User, joined: Joined }) },
    '/copies': Type.Object({ a: User, b: Type.Object({ name: Type.String() }, { $id: 'User' }) }),
    '/one': User
  })
  t.match(schemaOf(document, '/copies'), { properties: { a: ref('User'), b: ref('User') } })
  t.same(schemaOf(document, '/one'), ref('User'))
  t.match(schemaOf(document, '/named'), { anyOf: [ref('Joined'), ref('User'), { title: 'all', ...list(ref('User')) }, { title: 'both', properties: { user: ref('User'), joined: ref('Joined') } }] })
  t.match(document.components.schemas, { User: { properties: { name: {} } }, Joined: { properties: { user: ref('User') } } })
  t.same(Object.keys(document.components.schemas).sort(), ['Joined', 'User'])
})

t.test('a definition that nothing needs is no component', async t => {
  const Zoo = Type.Module({ Keeper: Type.Object({ pet: Type.Ref('Pet'), boss: Type.Ref('Keeper') }), Pet: Type.Object({ kind: Type.String() }) })
  const { components } = await documentOf(t, { '/pet': Zoo.Import('Pet') })
  t.same(Object.keys(components.schemas).sort(), ['Pet'])
})

t.test('different schemas by the same name are kept apart', async t => {
  const Tree = (kind: object) => list({ $id: 'Tree', type: 'object', properties: { kind, parts: list({ $ref: 'Tree' }) } })
  const document = await documentOf(t, { '/a': Tree({ type: 'string' }), '/b': Tree({ type: 'number' }), '/c': Tree({ type: 'string' }) })
  t.same(['/a', '/b', '/c'].map(path => schemaOf(document, path)), [ref('Tree'), ref('Tree-2'), ref('Tree')].map(list))
  t.match(document.components.schemas['Tree-2'], { properties: { kind: { type: 'number' }, parts: list(ref('Tree-2')) } })
})

t.test('definitions of a schema itself', async t => {
  const Place = { type: 'object', properties: { x: { type: 'number' } } }
  const document = await documentOf(t, {
    '/definitions': { type: 'object', properties: { a: { $ref: '#/definitions/place' } }, definitions: { place: Place } },
    '/defs': { type: 'object', properties: { a: { $ref: '#/$defs/spot' } }, $defs: { spot: Place } },
    '/property': { type: 'object', properties: { a: Place, b: { $ref: '#/properties/a' } } },
    '/other': { type: 'object', properties: { a: { $ref: '#/definitions/place' } }, definitions: { place: { type: 'boolean' } } }
  })
  t.match(schemaOf(document, '/definitions'), { properties: { a: ref('place') } })
  t.match(schemaOf(document, '/defs'), { properties: { a: ref('spot') } })
  t.match(schemaOf(document, '/property'), { properties: { a: ref('a'), b: ref('a') } })
  t.match(schemaOf(document, '/other'), { properties: { a: ref('place-2') } })
  t.match(document.components.schemas, { place: Place, spot: Place, a: Place, 'place-2': { type: 'boolean' } })
})

t.test("the app's own schemas", async t => {
  const Tick = { $id: 'Tick', type: 'object', properties: { price: { type: 'number' } } }
  const Tree = { $id: 'Tree', type: 'object', properties: { parts: list({ $ref: 'Tree' }) } }
  const document = await documentOf(t, { '/ref': Type.Ref('Tick'), '/list': Type.Array(Type.Ref('Tick#')), '/tree': { $ref: 'Tree' }, '/inline': structuredClone(Tick) }, { shared: [Tick, Tree] })
  t.same(schemaOf(document, '/ref'), ref('Tick'))
  t.same(schemaOf(document, '/inline'), ref('Tick'), 'an equal schema is not said twice')
  t.same(schemaOf(document, '/list'), list(ref('Tick')))
  t.same(schemaOf(document, '/tree'), ref('Tree'))
  t.match(document.components.schemas, { Tick: { type: 'object' }, Tree: { properties: { parts: list(ref('Tree')) } } })
})

t.test('the names of @fastify/swagger itself', async t => {
  const Tree = Type.Recursive(This => Type.Object({ parts: Type.Array(This) }))
  const document = await documentOf(t, { '/tree': Tree, '/trees': Type.Array(Tree) }, { refResolver: null })
  t.same(schemaOf(document, '/trees'), list(ref('def-0')))
  t.match(document.components.schemas['def-0'], { properties: { parts: list(ref('def-0')) } })
})

t.test('a bundle', async t => {
  const shared = { Tick: { $id: 'Tick', type: 'number' } }
  const make = (schema: Schema) => bundle(schema, 'event', new ComponentNames(), shared)
  const plain = { type: 'object', properties: { a: { $ref: 'Tick' }, b: { $ref: 'Unknown#/x' }, c: { $ref: '#/properties/none' }, d: { $ref: '#/properties/a/none/x' } } }
  t.equal(make(plain).schema, plain, 'is the schema itself when nothing leads into it')
  t.same(make({ type: 'array', items: { $id: 'Tick', type: 'number' } }), { schema: list({ $ref: 'Tick' }), resources: {} }, 'an equal schema of the app is referred to')
  t.same(make({ type: 'array', items: { $id: 'Tick', type: 'string' } }), { schema: list({ $ref: 'Tick-2' }), resources: { 'Tick-2': { $id: 'Tick-2', type: 'string' } } }, "a name of the app's is taken")
  t.same(make({ type: 'object', properties: { me: { $ref: '#' } } }), {
    schema: { $ref: 'event' },
    resources: { event: { $id: 'event', type: 'object', properties: { me: { $ref: 'event' } } } }
  }, 'a root without a name is called as the event')
  t.match(make({ title: 'A tree', properties: { me: { $ref: '#' } } }).schema, { $ref: 'A-tree' }, 'a title is a name')
  t.same(make({ type: 'object', properties: { a: { $ref: '#here' }, b: { $ref: '#there' } }, definitions: { a: { $anchor: 'here', type: 'null' }, b: { $id: '#there', type: 'string' } } }).resources, {
    here: { $id: 'here', type: 'null' }, there: { $id: 'there', type: 'string' }
  }, 'anchors lead somewhere')
  const inner = { $id: 'inner', type: 'object', properties: { b: { $ref: '#/definitions/place' } }, definitions: { place: { type: 'boolean' } } }
  t.same(make({ type: 'object', properties: { a: inner } }), {
    schema: { type: 'object', properties: { a: { $ref: 'inner' } } },
    resources: { inner: { $id: 'inner', type: 'object', properties: { b: { $ref: 'place' } } }, place: { $id: 'place', type: 'boolean' } }
  }, 'a pointer begins at the schema with the nearest $id')
  t.match(make({ type: 'object', properties: { a: { $ref: '#/$defs/a~1b%20c' } }, $defs: { 'a/b c': { type: 'null' } } }), {
    schema: { properties: { a: { $ref: 'a-b-20c' } } }, resources: { 'a-b-20c': { type: 'null' } }
  }, 'pointers are read as they are written')
  const values = { default: { $ref: '#' }, const: { properties: { $ref: '#' } } }
  t.same(make({ ...values, properties: { me: { $ref: '#' }, list: { items: [{ $ref: '#' }, true] } } }).resources.event, {
    $id: 'event', ...values, properties: { me: { $ref: 'event' }, list: { items: [{ $ref: 'event' }, true] } }
  }, 'values are no schemas')
})
