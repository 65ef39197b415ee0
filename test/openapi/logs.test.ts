// The document of an app with topics and runs, held against what its routes send.
import { validate } from '@hyperjump/json-schema/openapi-3-2'
import '@hyperjump/json-schema/openapi-3-1'
import '@hyperjump/json-schema/openapi-3-0'
import swagger from '@fastify/swagger'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { parse } from '../../lib/client/index.ts'
import typedSse, { EventStream } from '../../lib/index.ts'
import { type Document, type Schema, SPECIFICATIONS, VERSIONS } from './app.ts'

async function appOf (t: Test, version: string) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(swagger, { openapi: { openapi: version, info: { title: 'Streams', version: '1' } } })
  await app.register(typedSse)
  const Price = EventStream({ price: Type.Object({ value: Type.Number() }) })
  const Answer = EventStream({ token: Type.Object({ text: Type.String() }) }, { sentinel: '[DONE]' })
  const Ticks = EventStream(Type.Integer())
  app.get('/ticks', { schema: { response: { 200: Ticks } } }, (_request, reply) => reply.sse([1]))
  app.get('/prices', { schema: { response: { 200: Price } } }, (_request, reply) => reply.sse(prices, { from: 'start' }))
  app.get<{ Params: { id: string } }>('/answers/:id', {
    schema: { params: Type.Object({ id: Type.String() }), response: { 200: Answer } }
  }, (request, reply) => reply.sse(answers.of(request.params.id)))
  const prices = app.sse.topic('prices', Price)
  const answers = app.sse.run('answers', Answer)
  return { app, prices, answers }
}

for (const version of VERSIONS) {
  t.test(`topics and runs that are declared after their routes, in version ${version}`, async t => {
    const { app, prices, answers } = await appOf(t, version)
    const url = await app.listen({ port: 0 })
    const document = JSON.parse(JSON.stringify(app.swagger())) as Document
    t.match(await validate(SPECIFICATIONS[version]!, document as never), { valid: true })
    const titlesOf = (path: string): unknown[] => {
      const { itemSchema, 'x-oai-itemSchema': older = itemSchema } = document.paths[path]!.get!.responses['200']!.content!['text/event-stream']!
      return (older as { anyOf: Schema[] }).anyOf.map(({ title }) => title)
    }
    t.same(titlesOf('/ticks'), ['message', 'error'])
    t.same(titlesOf('/prices'), ['price', '$ready', '$gap', 'error'])
    t.same(titlesOf('/answers/{id}'), ['token', '[DONE]', '$ready', '$gap', 'error'])
    t.same(['/ticks', '/prices', '/answers/{id}'].map(path => '404' in document.paths[path]!.get!.responses), [false, false, true])

    await prices.publish({ event: 'price', data: { value: 1 } })
    await answers.of('a').start(() => [{ event: 'token', data: { text: 'Hi' } }])
    const gap = await fetch(`${url}/prices`, { headers: { 'last-event-id': 'of-another-system' } })
    const names: unknown[] = []
    for await (const { event, id } of parse(gap, { onGap: () => { names.push('$gap') } })) {
      t.type(id, 'string')
      names.push(event)
      if (event === 'price') break
    }
    t.same(names, ['$gap', 'price'], 'what is sent is in the document')
    t.equal((await fetch(`${url}/answers/unknown`)).status, 404)
    t.match(await (await fetch(`${url}/answers/a`)).text(), /^event: token\ndata: \{"text":"Hi"\}\nid: .+\n\ndata: \[DONE\]\nid: .+\n\n$/)
  })
}
