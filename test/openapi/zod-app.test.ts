// An app as users of zod write it: validator, serializer and document by fastify-type-provider-zod.
import swagger from '@fastify/swagger'
import { Validator } from '@seriousme/openapi-schema-validator'
import Fastify, { type FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, jsonSchemaTransform, serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import t, { type Test } from 'tap'
import { z } from 'zod'
import typedSse, { EventStream, eventsOf, sseTransform } from '../../lib/index.ts'
import { type Document } from './app.ts'

const Tree = z.object({ id: z.string(), get nodes () { return z.array(Tree) } })
const Chat = EventStream({ token: z.object({ text: z.string().min(1) }), tree: Tree, done: z.object({ tokens: z.int() }) })
const { token, tree, done } = eventsOf(Chat)
const User = z.object({ id: z.number() })

async function zodApp (t: Test, transform: (typeof jsonSchemaTransform) | undefined, openapi = '3.1.0'): Promise<FastifyInstance> {
  const app = Fastify().withTypeProvider<ZodTypeProvider>()
  t.teardown(() => app.close())
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(swagger, { openapi: { openapi, info: { title: 'Chat', version: '1' } }, ...(transform === undefined ? {} : { transform }) })
  await app.register(typedSse)
  app.post('/chat', { schema: { body: z.object({ prompt: z.string().min(1) }), response: { 200: Chat, 409: z.object({ reason: z.string() }) } } }, async function * (request) {
    for (const text of request.body.prompt.split(' ')) yield token({ text })
    yield tree({ id: 'a', nodes: [{ id: 'b', nodes: [] }] })
    yield done({ tokens: 2 })
  })
  app.get('/user', { schema: { querystring: z.object({ id: z.coerce.number() }), response: { 200: User } } }, request => ({ id: request.query.id, secret: 1 }))
  const both = { content: { ...EventStream(User).content, 'application/json': { schema: User } } }
  app.get('/both', { schema: { response: { 200: both } } }, (_request, reply) => reply.sse([{ id: 1 }]))
  await app.ready()
  return app as unknown as FastifyInstance
}

t.test('it starts, validates, serializes and streams', async t => {
  const app = await zodApp(t, sseTransform(jsonSchemaTransform))
  const post = (prompt: string) => app.inject({ method: 'POST', url: '/chat', payload: { prompt } })
  t.equal((await post('to be')).body, [
    'event: token\ndata: {"text":"to"}', 'event: token\ndata: {"text":"be"}', 'event: tree\ndata: {"id":"a","nodes":[{"id":"b","nodes":[]}]}', 'event: done\ndata: {"tokens":2}\n\n'
  ].join('\n\n'))
  t.match((await post('')).json(), { statusCode: 400, code: 'FST_ERR_VALIDATION' })
  t.match((await post(' ')).json(), { statusCode: 500, code: 'SSE_ERR_PAYLOAD' })
  t.equal((await app.inject('/user?id=5')).body, '{"id":5}')
  t.equal((await app.inject('/both')).body, 'data: {"id":1}\n\n')
})

for (const openapi of ['3.0.3', '3.1.0']) {
  t.test(`it is documented in ${openapi}, by the transform of zod`, async t => {
    const app = await zodApp(t, sseTransform(createJsonSchemaTransform({ skipList: ['/user'] })), openapi)
    const document = JSON.parse(JSON.stringify(app.swagger())) as Document
    t.match(await new Validator().validate(JSON.parse(JSON.stringify(document))), { valid: true })
    t.strictSame(Object.keys(document.paths), ['/chat', '/both'], 'what the transform hides is hidden')
    const { responses, requestBody } = document.paths['/chat']!.post! as unknown as { responses: Record<string, { content: Record<string, object> }>, requestBody: object }
    t.match(requestBody, { content: { 'application/json': { schema: { properties: { prompt: { type: 'string', minLength: 1 } } } } } })
    t.match(responses[409], { content: { 'application/json': { schema: { properties: { reason: { type: 'string' } } } } } })
    t.match(responses[200], {
      description: 'Server-sent events: `token`, `tree`, `done`.',
      content: { 'text/event-stream': { schema: { anyOf: [{ title: 'token', properties: { text: { minLength: 1 } } }, { $ref: String }, { title: 'done' }, {}] } } }
    })
    const { $ref } = (responses[200]!.content['text/event-stream'] as { schema: { anyOf: Array<{ $ref: string }> } }).schema.anyOf[1]!
    t.match(document.components.schemas[$ref.split('/').at(-1)!], { properties: { nodes: { items: { $ref } } } }, 'a recursive schema is a component')
    const { content } = document.paths['/both']!.get!.responses[200]!
    t.match(content, { 'text/event-stream': { schema: { anyOf: [{ title: 'message', properties: { id: { type: 'number' } } }, {}] } }, 'application/json': { schema: { properties: { id: { type: 'number' } } } } })
  })
}

t.test('without sseTransform the document fails, and says how to make it', async t => {
  const app = await zodApp(t, jsonSchemaTransform)
  t.throws(() => app.swagger(), { code: 'SSE_ERR_DOCUMENT', message: /write `transform: sseTransform\(transform\)`$/, cause: { code: 'FST_ERR_INVALID_SCHEMA' } })
})

t.test('a route without a stream, and what a transform leaves out, stay as they are', async t => {
  const same = sseTransform((document: object) => document)
  for (const document of [{}, { schema: {} }, { schema: { response: {} } }, { schema: { response: { 200: User } } }]) t.equal(same(document), document)
  const stream = { description: 'x', content: { 'text/event-stream': { 'x-fastify-typed-sse': '{}' } } }
  t.strictSame(sseTransform(() => ({ url: '/' }))({ schema: { response: { 200: stream } } }), { url: '/', schema: { response: { 200: stream } } })
})
