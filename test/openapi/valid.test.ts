import { validate } from '@hyperjump/json-schema/openapi-3-2'
import '@hyperjump/json-schema/openapi-3-1'
import '@hyperjump/json-schema/openapi-3-0'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { createApp, type Document, SPECIFICATIONS, VERSIONS } from './app.ts'

/** Every `$ref` in a document that leads nowhere. */
function danglingReferences (document: object): string[] {
  const found: string[] = []
  JSON.stringify(document, (key, value) => {
    if (key !== '$ref') return value
    const target = String(value).split('/').slice(1).reduce((place: any, token) => place?.[decodeURIComponent(token)], document)
    if (!String(value).startsWith('#/') || target === undefined) found.push(value)
    return value
  })
  return found
}

for (const version of VERSIONS) {
  t.test(`the document of version ${version}`, async t => {
    const app = await createApp(version)
    t.teardown(() => app.close())
    const document = app.swagger() as unknown as Document
    const source = JSON.stringify(document)
    t.match(await new Validator().validate(JSON.parse(source)), { valid: true }, 'is valid for one validator')
    t.match(await validate(SPECIFICATIONS[version]!, JSON.parse(source)), { valid: true }, 'is valid by the official schemas')
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config: await createConfig({ extends: ['recommended'] }) })
    t.same(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]), [], 'has no problem for Redocly')
    t.same(danglingReferences(document), [], 'has no reference that leads nowhere')
    t.notMatch(source, 'x-fastify-typed-sse', 'has nothing of the making left')
    for (const [path, { get, post }] of Object.entries(document.paths)) {
      for (const { content } of Object.values((get ?? post!).responses)) {
        const stream = content?.['text/event-stream']
        if (stream === undefined) continue
        const expected = version === '3.2.0' ? ['examples', 'itemSchema'] : ['examples', 'schema', 'x-oai-itemSchema']
        t.same(Object.keys(stream).sort(), expected, `${path} has the form of the version`)
      }
    }
  })
}

for (const version of ['3.1.0', '3.2.0']) {
  t.test(`a document of version ${version} that is not finished is valid too`, async t => {
    const app = await createApp(version, { decorator: 'plain' })
    t.teardown(() => app.close())
    const document = structuredClone((app as unknown as { plain (): Document }).plain())
    // @fastify/swagger leaves tuples as JSON Schema had them before 2020-12.
    delete document.paths['/mixed']
    const source = JSON.stringify(document)
    t.match(await new Validator().validate(JSON.parse(source)), { valid: true }, 'is valid for one validator')
    t.match(await validate(SPECIFICATIONS[version]!, JSON.parse(source)), { valid: true }, 'is valid by the official schemas')
    t.same(danglingReferences(document), [])
  })
}

t.test('the checks find what is wrong', async t => {
  const app = await createApp('3.1.0')
  t.teardown(() => app.close())
  const document = structuredClone(app.swagger()) as unknown as Document
  const stream = document.paths['/one']!.get!.responses['200']!.content!['text/event-stream']!
  stream.itemSchema = { $ref: '#/components/schemas/Missing' }
  const source = JSON.parse(JSON.stringify(document))
  t.match(await new Validator().validate(source), { valid: false })
  t.match(await validate(SPECIFICATIONS['3.1.0']!, source), { valid: false })
  t.same(danglingReferences(document), ['#/components/schemas/Missing'])
})
