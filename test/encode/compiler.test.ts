import Fastify from 'fastify'
import t from 'tap'
import { CompilerCache } from '../../lib/encode/compiler.ts'
import { declarationOf } from '../../lib/contract/declaration.ts'
import typedSse, { EventStream } from '../../lib/index.ts'

const shared = { word: { $id: 'word', type: 'string', format: 'date' } }

t.test('scopes with the same schemas have one compiler, others their own', t => {
  const compilers = new CompilerCache()
  const compiler = compilers.of(shared, undefined)
  t.equal(compilers.of({ ...shared }, undefined), compiler)
  t.not(compilers.of({}, undefined), compiler)
  t.not(compilers.of({ word: { ...shared.word } }, undefined), compiler)
  t.not(compilers.of({ other: shared.word }, undefined), compiler)
  t.not(compilers.of(shared, {}), compiler)
  t.end()
})

t.test('a declaration is compiled once, and refused as often as it is asked for', async t => {
  const compiler = new CompilerCache().of(shared, undefined)
  const declaration = (schema: object) => declarationOf(EventStream(schema))!
  const good = declaration({ $ref: 'word#' })
  t.equal(await compiler.compile(good), await compiler.compile(good))
  const bad = declaration({ $ref: 'none#' })
  for (let i = 0; i < 2; i++) await t.rejects(compiler.compile(bad), { code: 'SSE_ERR_SCHEMA' })
})

t.test('an app of many routes and scopes is ready in time', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(typedSse)
  app.addSchema(shared.word)
  for (let i = 0; i < 1000; i++) {
    await app.register(async scope => {
      scope.get(`/${i}`, { schema: { response: { 200: EventStream({ $ref: 'word#' }) } } }, async function * () { yield '2026-01-02' })
    })
  }
  // Fastify gives the hook in which contracts are compiled ten seconds; an Ajv for each route took twice that.
  await app.ready()
  t.equal((await app.inject('/999')).body, 'data: "2026-01-02"\n\n')
})
