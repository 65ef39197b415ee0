import addFormats from 'ajv-formats'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { createParser } from 'eventsource-parser'
import t from 'tap'
import { createApp, type Document, type Schema, streamOf, VERSIONS } from './app.ts'

const JSON_TEXT = ['contentSchema', 'x-jsonschema-contentSchema']

/** Compiles a schema of a document, in which the content of strings is looked into. */
function compile (document: Document, schema: Schema): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.removeKeyword('contentSchema')
  const { components } = document
  for (const keyword of JSON_TEXT) {
    ajv.addKeyword({
      keyword,
      type: 'string',
      compile (content: Schema) {
        const validate = ajv.compile({ ...content, components })
        return (text: string) => {
          try {
            return validate(JSON.parse(text))
          } catch {
            return false
          }
        }
      }
    })
  }
  return ajv.compile({ ...schema, components })
}

/** The events of a body as the standard parses them; a `retry` line belongs to the event that it stands with. */
function eventsOf (body: string): object[] {
  const events: object[] = []
  for (const frame of body.split('\n\n').filter(Boolean)) {
    let retry: number | undefined
    createParser({
      onRetry: value => { retry = value },
      onEvent: ({ event, id, data }) => {
        events.push({ data, ...(event === undefined ? {} : { event }), ...(id === undefined ? {} : { id }), ...(retry === undefined ? {} : { retry }) })
      }
    }).feed(`${frame}\n\n`)
  }
  return events
}

const ROUTES = [
  { path: '/one', events: 2 }, { path: '/chat', events: 2 }, { path: '/openai', events: 2 }, { path: '/raw', events: 2 },
  { path: '/mixed', events: 5 }, { path: '/recursive', events: 6, status: '2XX' }, { path: '/handwritten', events: 2 }
]

for (const version of VERSIONS) {
  t.test(`what is sent is what the document of version ${version} says`, async t => {
    const app = await createApp(version)
    t.teardown(() => app.close())
    const document = app.swagger() as unknown as Document
    for (const { path, events: count, status = '200' } of ROUTES) {
      const { 'x-oai-itemSchema': item, itemSchema = item } = streamOf(document, path, status)
      const validate = compile(document, itemSchema!)
      const { body } = await app.inject(path === '/chat' ? { method: 'POST', url: path, payload: { prompt: '?' } } : path)
      const events = eventsOf(body)
      t.equal(events.length, count, path)
      for (const event of events) {
        t.ok(validate(event), `${JSON.stringify(event)}: ${JSON.stringify(validate.errors)}`)
      }
      t.notOk(validate({ event: 'other', data: '{"no":1}' }), `${path} does not say everything`)
    }
  })

  t.test(`the examples of version ${version} are what the schemas say`, async t => {
    const app = await createApp(version)
    t.teardown(() => app.close())
    const document = app.swagger() as unknown as Document
    for (const { path, status = '200' } of ROUTES) {
      const { schema, itemSchema, examples } = streamOf(document, path, status)
      t.ok(Object.keys(examples!).length > 0, path)
      for (const { value } of Object.values(examples!)) {
        const validate = compile(document, itemSchema ?? schema!)
        for (const sample of itemSchema === undefined ? [value] : eventsOf(String(value))) {
          t.ok(validate(sample), `${JSON.stringify(sample)}: ${JSON.stringify(validate.errors)}`)
        }
      }
    }
  })
}

t.test('the error event is what the document says', async t => {
  const app = await createApp('3.2.0')
  t.teardown(() => app.close())
  const document = app.swagger() as unknown as Document
  await app.listen({ port: 0, host: '127.0.0.1' })
  const response = await fetch(`${app.listeningOrigin}/failing`)
  let body = ''
  await t.rejects(async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) body += chunk
  })
  const validate = compile(document, streamOf(document, '/failing', 'default').itemSchema!)
  const events = eventsOf(body)
  t.match(events, [{ data: '{"text":"a"}' }, { event: 'error', data: /NO_MODEL/ }])
  t.ok(events.every(event => validate(event)), JSON.stringify(validate.errors))
})
