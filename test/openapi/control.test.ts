import { validate } from '@hyperjump/json-schema/openapi-3-2'
import '@hyperjump/json-schema/openapi-3-1'
import '@hyperjump/json-schema/openapi-3-0'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { ComponentNames } from '../../lib/openapi/components.ts'
import { sseTransformObject } from '../../lib/openapi/document.ts'
import { type ContractLogs, documentRoute, type RouteDocument } from '../../lib/openapi/route.ts'
import { EventStream } from '../../lib/index.ts'
import { type Document, type Schema, SPECIFICATIONS, VERSIONS } from './app.ts'
import { documentOf as documentOfApp } from './document.ts'

const Token = { type: 'object', required: ['text'], properties: { text: { type: 'string', examples: ['Hello'] } } }
const Chat = EventStream({ token: Token }, { sentinel: '[DONE]' })

/** The operation of a route with facts of its own, without the plugin. */
async function documentOf (version: string, facts: Partial<RouteDocument>, response: object = { 200: Chat }): Promise<Document> {
  const app = Fastify() as FastifyInstance
  await app.register(swagger, { openapi: { openapi: version, info: { title: 'Streams', version: '1' } }, transformObject: sseTransformObject })
  const route: RouteDocument = { errorEvent: 'error', isRefusable: false, logsOf: () => ({ hasTopic: false, hasRun: false }), names: new ComponentNames(), shared: {}, ...facts }
  app.get('/', { schema: documentRoute({ response }, route) }, () => {})
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger()))
  await app.close()
  return document
}

const operationOf = (document: Document) => document.paths['/']!.get!
const logs = (hasTopic: boolean, hasRun: boolean) => () => ({ hasTopic, hasRun })
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })

for (const version of VERSIONS) {
  t.test(`the events that the library sends by itself, in version ${version}`, async t => {
    const document = await documentOf(version, { logsOf: logs(true, false) })
    const { responses, parameters } = operationOf(document)
    const { itemSchema, 'x-oai-itemSchema': older = itemSchema, schema, examples } = responses['200']!.content!['text/event-stream']!
    const branches = (older as { anyOf: Array<{ title: string, properties: { data: Schema, id?: Schema } }> }).anyOf
    t.same(branches.map(({ title }) => title), ['token', '[DONE]', '$ready', '$gap', 'error'])
    t.ok(branches.every(({ properties }) => properties.id !== undefined), 'each may carry an id')
    const key = version === '3.0.3' ? 'x-jsonschema-contentSchema' : 'contentSchema'
    t.same(branches.slice(2).map(({ properties }) => properties.data[key]), [ref('StreamReady'), ref('StreamGap'), ref('StreamFailure')])
    if (version === '3.2.0') t.equal(examples!.stream!.value, 'event: token\ndata: {"text":"Hello"}\nid: 1\n\ndata: [DONE]\nid: 2\n\n')
    else {
      t.match(schema, { anyOf: [{ title: 'token' }, { enum: ['[DONE]'] }, ref('StreamReady'), ref('StreamGap'), ref('StreamFailure')] })
      t.match(examples, { $ready: { value: {} }, $gap: { value: { after: /-41$/ } }, error: { value: { statusCode: 500 } } })
    }
    t.match(parameters, [{ in: 'header', name: 'Last-Event-ID' }])
    t.match(await validate(SPECIFICATIONS[version]!, document as never), { valid: true })
    const { after } = document.components.schemas.StreamGap!.properties as { after: Schema }
    t.match(after, version === '3.0.3' ? { type: 'string', nullable: true } : { type: ['string', 'null'] })
  })
}

t.test('without a topic or run there are no control events but the error', async t => {
  const { components, paths } = await documentOf('3.1.0', {})
  t.same(Object.keys(components.schemas), ['StreamFailure'])
  t.notOk('parameters' in paths['/']!.get!)
  t.notOk('404' in paths['/']!.get!.responses)
})

t.test('only contracts of a run have a 404, only routes that refuse a 406', async t => {
  const statuses = async (facts: Partial<RouteDocument>, response?: object) => Object.keys(operationOf(await documentOf('3.1.0', facts, response)).responses)
  t.same(await statuses({}), ['200', '503'])
  t.same(await statuses({ logsOf: logs(true, false) }), ['200', '503'])
  t.same(await statuses({ logsOf: logs(false, true) }), ['200', '404', '503'])
  t.same(await statuses({ isRefusable: true }), ['200', '406', '503'])
  t.same(await statuses({ isRefusable: true, logsOf: logs(false, true) }, { 200: Chat, '4xx': { type: 'object' }, default: { type: 'object' } }), ['200', '4XX', 'default'], 'what the route declares is kept')
})

t.test('logs are looked up by the contract, when the document is made', async t => {
  const Other = EventStream({ type: 'number' })
  const asked: string[][] = []
  let found: ContractLogs = { hasTopic: false, hasRun: false }
  const logsOf: RouteDocument['logsOf'] = ({ events }) => {
    asked.push(Array.from(events.keys()))
    return events.has('token') ? found : { hasTopic: false, hasRun: false }
  }
  const route: RouteDocument = { errorEvent: false, isRefusable: false, logsOf, names: new ComponentNames(), shared: {} }
  const app = Fastify() as FastifyInstance
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: { openapi: '3.2.0' }, transformObject: sseTransformObject })
  app.get('/', { schema: documentRoute({ response: { 200: Chat, 201: Other } }, route) }, () => {})
  found = { hasTopic: true, hasRun: false }
  await app.ready()
  const { responses } = operationOf(app.swagger() as unknown as Document)
  const titles = (status: string) => JSON.stringify(responses[status]!.content!['text/event-stream']!.itemSchema).match(/"title":"[^"]*"/g)
  t.same(titles('200'), ['"title":"token"', '"title":"[DONE]"', '"title":"$ready"', '"title":"$gap"'])
  t.same(titles('201'), ['"title":"message"'])
  t.ok(asked.some(names => names.includes('')) && asked.some(names => names.includes('token')))
})

t.test('a route with strictAccept has a 406, unless it has an answer of another media type', async t => {
  const { content } = Chat
  const both = { description: 'Both', content: { ...content, 'application/json': { schema: Token } } }
  const { paths } = await documentOfApp('3.1.0', { '/': Chat, '/both': both }, { sse: { strictAccept: true } })
  t.same(Object.keys(paths['/']!.get!.responses), ['200', '406', '503'])
  t.same(Object.keys(paths['/both']!.get!.responses), ['200', '503'])
})
