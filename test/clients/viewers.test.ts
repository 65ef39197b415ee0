import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import scalar from '@scalar/fastify-api-reference'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import { mkdirSync } from 'node:fs'
import type { Page } from 'playwright-core'
import t from 'tap'
import typedSse, { EventStream, event } from '../../lib/index.ts'
import { inBrowser, launch } from '../helpers/browser.ts'

type Test = { teardown (fn: () => unknown): void }

/** Where pictures are put, to be looked at; only when asked for. */
const { SCREENSHOTS: pictures } = process.env

async function serve (version: string) {
  const app = Fastify()
  await app.register(swagger, { openapi: { openapi: version, info: { title: 'Streams', version: '1.0.0' } } })
  await app.register(typedSse)
  await app.register(swaggerUi, { routePrefix: '/swagger-ui', uiConfig: { docExpansion: 'full' } })
  await app.register(scalar, { routePrefix: '/scalar', configuration: { defaultOpenAllTags: true } })
  const Token = Type.Object({ text: Type.String({ examples: ['Hello'] }) }, { description: 'A piece of the answer.' })
  const Usage = Type.Object({ tokens: Type.Integer({ examples: [42] }) }, { description: 'What the answer took.' })
  app.get('/answer', { schema: { summary: 'Ask', response: { 200: EventStream({ token: Token, usage: Usage }, { id: true }) } } }, async function * () {
    yield event({ text: 'Live' }, { event: 'token', id: 1 })
    yield event({ tokens: 1 }, { event: 'usage', id: 2 })
  })
  return { app, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

/** The visible text of a page, and a picture of it if asked for. */
async function textOf (page: Page, name: string): Promise<string> {
  if (pictures !== undefined) {
    mkdirSync(pictures, { recursive: true })
    await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true })
  }
  return page.locator('body').innerText()
}

const WIRE = 'event: token\ndata: {"text":"Hello"}\nid: 1\n\nevent: usage\ndata: {"tokens":42}\nid: 2\n'

t.test('what viewers show', inBrowser, async t => {
  const browser = await launch(t)

  async function open (t: Test, version: string, path: string): Promise<Page> {
    const { app, url } = await serve(version)
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } })
    t.teardown(async () => {
      await page.close()
      await app.close()
    })
    await page.goto(url + path)
    await page.getByText('Server-sent events').first().waitFor()
    return page
  }

  await t.test('Swagger UI, 3.1: an example and a schema for each event', async t => {
    const page = await open(t, '3.1.0', '/swagger-ui')
    const text = await textOf(page, 'swagger-ui-3.1')
    for (const part of ['event: token', 'event: usage', 'event: error', '"text": "Hello"', 'Last-Event-ID']) t.match(text, part)
    await page.getByRole('tab', { name: 'Schema' }).first().click()
    await page.getByRole('button', { name: 'Expand all' }).first().click()
    await page.getByText('What the answer took.').first().waitFor()
    const schema = await textOf(page, 'swagger-ui-3.1-schema')
    for (const part of ['#0 Token', 'A piece of the answer.', '#1 Usage', '#2 StreamFailure']) t.match(schema, part)
  })

  await t.test('Swagger UI, 3.2: the wire', async t => {
    const page = await open(t, '3.2.0', '/swagger-ui')
    t.match(await textOf(page, 'swagger-ui-3.2'), WIRE)
  })

  await t.test('Scalar, 3.1: the events', async t => {
    const page = await open(t, '3.1.0', '/scalar')
    await page.getByRole('button', { name: /Server-sent events/ }).first().click()
    await page.getByText('Any of').first().waitFor()
    t.match(await textOf(page, 'scalar-3.1'), /Any of\s+·\s+token\s+A piece of the answer\./)
  })

  await t.test('Scalar, 3.2: the events and the wire, and the stream tried live', async t => {
    const page = await open(t, '3.2.0', '/scalar')
    await page.getByRole('button', { name: /Server-sent events/ }).first().click()
    await page.getByText('Any of').first().waitFor()
    const text = await textOf(page, 'scalar-3.2')
    t.match(text, WIRE)
    t.match(text, /Stream item\s+Any of\s+·\s+token\s+A piece of the answer\.\s+data\b.*JSON:\s+text\s*: string/s)
    await page.getByRole('button', { name: /Test Request/ }).first().click()
    await page.getByRole('button', { name: /^Send/ }).first().click()
    await page.getByText('data: {"text":"Live"}').first().waitFor()
    t.match(await textOf(page, 'scalar-3.2-live'), 'data: {"tokens":1}')
  })
})
