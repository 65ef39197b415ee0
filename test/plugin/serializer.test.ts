import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import { serializerCompiler } from 'fastify-type-provider-zod'
import t from 'tap'
import { z } from 'zod'
import typedSse, { EventStream } from '../../lib/index.ts'

const Word = EventStream({ type: 'string' })

interface Case {
  options?: object
  before?: (app: FastifyInstance) => unknown
  after?: (app: FastifyInstance) => unknown
  json: unknown
  own?: RouteShorthandOptions
  /** The JSON answer. */
  body?: string
}

const upper = () => (payload: unknown) => JSON.stringify(payload).toUpperCase()
const UPPER = '{"A":1,"SECRET":2}'
const copies: object[] = []
const Inner = { $id: 'inner', type: 'object', properties: { a: { type: 'number' } } }

const CASES: Record<string, Case> = {
  "Fastify's own": { json: { type: 'object', properties: { a: { type: 'number' } } } },
  'that of zod, set before the plugin': { before: app => app.setSerializerCompiler(serializerCompiler), json: z.object({ a: z.number() }) },
  'that of zod, set after the routes': { after: app => app.setSerializerCompiler(serializerCompiler), json: z.object({ a: z.number() }) },
  "that of the server's options": { options: { schemaController: { compilersFactory: { buildSerializer: () => serializerCompiler } } }, json: z.object({ a: z.number() }) },
  "that of the route's options": { own: { serializerCompiler: upper }, json: {}, body: UPPER },
  "that of the route's options, set by a hook": {
    before: app => app.addHook('onRoute', options => { options.serializerCompiler = upper }), json: {}, body: UPPER
  },
  'one with the schemas of the scope': { before: app => app.addSchema(Inner), json: { $ref: 'inner#' } },
  'one with the schemas of the scope, copied by a hook': { before: app => { app.addSchema(Inner).addHook('onRoute', options => { copies.push({ ...options }) }) }, json: { $ref: 'inner#' } }
}

for (const [name, { options = {}, before, after, json, own, body = '{"a":1}' }] of Object.entries(CASES)) {
  for (const isNested of [false, true]) {
    t.test(`a stream beside JSON with the serializer compiler ${name}${isNested ? ', in a scope below another with routes' : ''}`, async t => {
      const app = Fastify(options)
      t.teardown(() => app.close())
      const define = async (scope: FastifyInstance): Promise<void> => {
        await before?.(scope)
        scope.get('/', { ...own, schema: { response: { 200: Word, 202: json, 404: { content: { 'application/json': { schema: json } } } } } }, (request, reply) => {
          const { status } = request.query as { status?: string }
          if (status === undefined) return reply.sse(['w'])
          return reply.code(Number(status) as 202).type('application/json').send({ a: 1, secret: 2 })
        })
        scope.get('/only', { ...own, schema: { response: { 200: Word } } }, () => ['w'])
        await after?.(scope)
      }
      await app.register(typedSse)
      if (isNested) {
        app.get('/outer', { schema: { response: { 200: { type: 'string' } } }, serializerCompiler: upper }, () => 'outer')
        app.get('/default', { schema: { response: { 202: Word } } }, () => 'default' as never)
        await app.register(define, { prefix: '/inner' })
      } else await define(app)
      const path = isNested ? '/inner/' : '/'
      t.equal((await app.inject(path)).body, 'data: "w"\n\n')
      t.equal((await app.inject(`${path}only`)).body, 'data: "w"\n\n')
      for (const status of [202, 404]) t.equal((await app.inject(`${path}?status=${status}`)).body, body, `${status}`)
    })
  }
}
