import swagger, { type FastifyDynamicSwaggerOptions as SwaggerOptions } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { parse } from 'yaml'
import typedSse, { EventStream, sseTransformObject } from '../../lib/index.ts'
import type * as swaggerParts from '../../lib/openapi/swagger.ts'
import { type Document, type Operation, streamOf } from './app.ts'

type Test = { teardown (fn: () => unknown): void }
type App = Omit<FastifyInstance, 'swagger'> & { swagger (options?: { yaml: boolean }): Document & string }
type Registration = (app: App) => Promise<unknown>

const Token = Type.Object({ text: Type.String() })
const openapi = {
  openapi: '3.2.0' as const,
  info: { title: 'Streams', version: '1' },
  components: { securitySchemes: { key: { type: 'apiKey' as const, in: 'header', name: 'x-key' } } }
}
const register = (options: object = {}): Registration => async app => app.register(swagger, { openapi, ...options })
const sse: Registration = async app => app.register(typedSse)
const stream: Registration = async app => app.get('/stream', { schema: { response: { 200: EventStream(Token) } } }, () => [])

async function start (t: Test, ...steps: Registration[]): Promise<App> {
  const app = Fastify() as unknown as App
  t.teardown(() => app.close())
  for (const step of steps) await step(app)
  await app.ready()
  return app
}

const inChild = (...steps: Registration[]): Registration => async app => app.register(async child => {
  for (const step of steps) await step(child as object as App)
})

/** The parts of a document that tell whether its stream is finished. */
const FINISHED = { description: 'Server-sent events.', content: { 'text/event-stream': { itemSchema: { anyOf: [{ title: 'message' }, { title: 'error' }] } } } }

function answerOf (document: Document): Operation['responses'][string] {
  return document.paths['/stream']!.get!.responses['200']!
}

t.test('documents are finished by themselves', async t => {
  const orders: Record<string, Registration[]> = {
    'swagger first': [register(), sse, stream],
    'the plugin first': [sse, register(), stream],
    'the route in a child': [register(), sse, inChild(stream)],
    'the plugin and the route in a child': [register(), inChild(sse, stream)],
    'the plugin in two children': [register(), inChild(sse), inChild(sse, stream)],
    'the plugin twice': [register(), sse, inChild(sse, stream)],
    'options of its own for the route': [register(), async app => app.register(typedSse, { retry: 5 }), stream]
  }
  for (const [order, steps] of Object.entries(orders)) {
    const app = await start(t, ...steps)
    t.match(answerOf(app.swagger()), FINISHED, order)
    t.same(parse(app.swagger({ yaml: true })), JSON.parse(JSON.stringify(app.swagger())), `${order}: YAML says the same`)
    t.equal(app.swagger(), app.swagger(), `${order}: a document is made once`)
    t.equal(app.swagger({ yaml: true }), app.swagger({ yaml: true }))
  }
})

t.test('swagger may be in a child', async t => {
  let child: App | undefined
  await start(t, sse, inChild(register(), stream, async app => { child = app }))
  t.match(answerOf(child!.swagger()), FINISHED)
})

t.test('the viewers of @fastify/swagger-ui are served the same', async t => {
  const app = await start(t, register(), async app => app.register(swaggerUi), sse, stream)
  const expected = JSON.parse(JSON.stringify(app.swagger()))
  t.same((await app.inject('/documentation/json')).json(), expected)
  t.same(parse((await app.inject('/documentation/yaml')).body), expected)
})

t.test("the user's own transforms stay at work", async t => {
  const transform = ({ schema, url }: { schema: object, url: string }) => ({ schema: { ...schema, summary: 'transformed' }, url: `/v1${url}` })
  const transformObject = ({ openapiObject }: { openapiObject: object }) => ({ ...structuredClone(openapiObject), tags: [{ name: 'own' }] })
  const app = await start(t, register({ transform, transformObject }), sse, stream)
  const document = app.swagger()
  t.match(document, { tags: [{ name: 'own' }], paths: { '/v1/stream': { get: { summary: 'transformed', responses: { 200: FINISHED } } } } })
})

t.test('a transform of one route, and one that copies what it is given, stay at work', async t => {
  const copying = ({ schema, url }: { schema: object, url: string }) => ({ schema: JSON.parse(JSON.stringify(schema)), url })
  const app = await start(t, register({ transform: copying }), sse, stream, async app => app.get('/own', {
    config: { swaggerTransform: ({ schema, url }) => ({ schema: { ...schema, summary: 'own' }, url }) },
    schema: { response: { 200: EventStream(Token) } }
  }, () => []))
  const document = app.swagger()
  t.match(answerOf(document), FINISHED)
  t.match(document.paths['/own'], { get: { summary: 'own', responses: { 200: FINISHED } } })
})

t.test('other decorators are finished by the exported function', async t => {
  const second: SwaggerOptions = { decorator: 'swagger31' as 'swagger', openapi: { ...openapi, openapi: '3.1.0' }, transformObject: sseTransformObject }
  const app = await start(t, register(), register(second), register({ decorator: 'plain', openapi: { ...openapi, openapi: '3.1.1' } }), sse, stream)
  t.match(answerOf(app.swagger()), FINISHED)
  const { swagger31, plain } = app as unknown as Record<string, () => Document>
  t.match(streamOf(swagger31!(), '/stream'), { schema: { anyOf: [{ type: 'object' }, { $ref: '#/components/schemas/StreamFailure' }] }, 'x-oai-itemSchema': { anyOf: [] } })
  t.match(streamOf(plain!(), '/stream'), { schema: { type: 'object' }, 'x-oai-itemSchema': { title: 'message' } }, 'without it they have the plain form')
  t.notOk('itemSchema' in streamOf(plain!(), '/stream'))
})

t.test('the function changes nothing twice, and nothing that is not its own', async t => {
  const app = await start(t, register({ transformObject: sseTransformObject }), sse, stream)
  const document = app.swagger()
  t.match(answerOf(document), FINISHED)
  t.equal(sseTransformObject({ openapiObject: document }), document)
  const swaggerObject = { swagger: '2.0' }
  t.equal(sseTransformObject({ swaggerObject }), swaggerObject)
  for (const openapiObject of [{ openapi: '4.0.0' }, { openapi: '3.1.0' }, { openapi: '3.1.0', paths: { '/a': { get: { responses: null }, $ref: '' }, '/b': null } }]) {
    t.equal(sseTransformObject({ openapiObject }), openapiObject)
  }
})

t.test('a static document is served as it is', async t => {
  const document = { openapi: '3.1.0', paths: { '/a': { get: { responses: { 200: { description: 'own' } } } } } }
  const app = await start(t, async app => app.register(swagger, { mode: 'static', specification: { document } } as never), sse, stream)
  t.equal(app.swagger(), document)
  t.same(parse(app.swagger({ yaml: true })), document)
})

t.test('a document of Swagger 2.0 can be made', async t => {
  const app = await start(t, async app => app.register(swagger, {}), sse, stream)
  t.match(app.swagger(), { swagger: '2.0', paths: { '/stream': { get: { responses: { 200: { description: 'Server-sent events.' } } } } } })
})

t.test('something else called swagger is left alone', async t => {
  const app = await start(t, async app => (app as object as FastifyInstance).decorate('swagger', 'mine' as never), sse, stream)
  t.equal(app.swagger as unknown, 'mine')
})

t.test('what the user wrote is never written to, and what he says of a route passes through', async t => {
  const deepFreeze = <T>(value: T): T => {
    if (typeof value !== 'object' || value === null) return value
    for (const inner of Object.values(value)) deepFreeze(inner)
    return Object.freeze(value)
  }
  const schema = deepFreeze({
    operationId: 'own',
    summary: 'Sum',
    tags: ['a'],
    security: [{ key: [] }],
    description: 'Desc',
    deprecated: true,
    'x-own': { a: 1 },
    externalDocs: { url: 'https://fastify.dev' },
    querystring: { type: 'object', properties: { q: { type: 'string' } } },
    headers: { type: 'object', additionalProperties: false, properties: { 'x-a': { type: 'string' } } },
    response: {
      200: { ...EventStream({ a: { type: 'string' } }, { id: true }), headers: { 'x-b': { type: 'string', description: 'B' } }, description: 'Own words' },
      204: { type: 'null', description: 'Over' },
      406: { description: 'Own', type: 'object', properties: {} },
      '5xx': { description: 'Own', type: 'object', properties: {} }
    }
  })
  const app = await start(t, register(), sse,
    async app => app.get('/own', { schema }, () => []),
    async app => app.get('/again', { schema: { ...schema, operationId: 'again' } }, () => []),
    async app => app.get('/hidden', { schema: { ...schema, hide: true } }, () => []))
  const { paths } = app.swagger()
  const { response, querystring, headers, ...said } = schema
  const { responses, parameters, ...rest } = paths['/own']!.get!
  t.same(rest, said)
  t.same(Object.keys(responses), ['200', '204', '406', '5XX'], 'nothing is added to what is said')
  t.match(responses, { 200: { description: 'Own words', headers: { 'x-b': { description: 'B' } } }, 204: { description: 'Over' }, 406: { description: 'Own' } })
  t.same(parameters!.map(({ in: place, name }) => `${place} ${name}`), ['query q', 'header x-a', 'header Last-Event-ID'])
  t.same(paths['/again']!.get!.responses, responses)
  t.notOk('/hidden' in paths)
})

t.test('the Last-Event-ID header that a route describes is not described again', async t => {
  const headers = { type: 'object', properties: { 'last-event-id': { type: 'integer' } } }
  const app = await start(t, register(), sse, async app => app.get('/stream', { schema: { headers, response: { 200: EventStream(Token, { id: true }) } } }, () => []))
  t.same(app.swagger().paths['/stream']!.get!.parameters!.map(({ name }) => name), ['last-event-id'])
})

t.test('a source gets the Last-Event-ID, though the route accepts only the headers that it describes', async t => {
  const headers = { type: 'object', additionalProperties: false, properties: { 'x-a': { type: 'string' } } }
  const app = await start(t, register(), sse, async app => app.get('/stream', { schema: { headers, response: { 200: EventStream(Type.String(), { id: true }) } } },
    (_request, reply) => { reply.sse(({ lastEventId }) => [lastEventId!]) }))
  t.equal((await app.inject({ url: '/stream', headers: { 'Last-Event-ID': '7' } })).body, 'data: "7"\n\n')
})

t.test('a route may be made of the schema of another', async t => {
  const app = await start(t, register(), sse, async app => app.addHook('onRoute', ({ url, method, schema }) => {
    if (url === '/stream' && method === 'GET') app.get('/v1/stream', { schema: schema! }, () => [{ text: 'a' }])
  }), stream)
  const { paths } = app.swagger()
  t.same(paths['/v1/stream'], paths['/stream'])
  t.match(answerOf(app.swagger()), FINISHED)
  t.equal((await app.inject('/v1/stream')).body, 'data: {"text":"a"}\n\n')
})

t.test('HEAD routes and other methods are documented too', async t => {
  const app = await start(t, register({ exposeHeadRoutes: true }), sse, async app => {
    app.addHttpMethod('SUBSCRIBE')
    app.route({ method: ['GET', 'SUBSCRIBE' as 'POST'], url: '/stream', schema: { response: { 200: EventStream(Token) } }, handler: () => [] })
    app.get('/head', { schema: { response: { 200: EventStream(Token) } } }, () => [])
  })
  const { paths } = app.swagger() as unknown as { paths: Record<string, Record<string, object>> }
  t.match(paths['/head'], { head: { responses: { 200: FINISHED } } })
  t.match(paths['/stream'], { get: { responses: { 200: FINISHED } }, additionalOperations: { SUBSCRIBE: { responses: { 200: FINISHED } } } })
})

t.test('where the YAML library is out of reach, YAML is JSON', async t => {
  const { finishDocuments } = await t.mockImport<typeof swaggerParts>('../../lib/openapi/swagger.ts', {
    'node:module': { createRequire () { throw new Error('not installed') } }
  })
  const { plain } = await start(t, register({ decorator: 'plain' }), sse, stream) as unknown as { plain (): Document }
  const scope = { swagger: plain } as unknown as App
  finishDocuments([scope as never])
  t.match(answerOf(parse(scope.swagger({ yaml: true }))), FINISHED)
})
