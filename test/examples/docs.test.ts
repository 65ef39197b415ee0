import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { launch, skipWithoutBrowser } from '../helpers/browser.ts'
import { artifacts, openPage } from './fixtures/browser.ts'
import { DemoServer } from './fixtures/demo-server.ts'

skipWithoutBrowser(t)
t.setTimeout(600_000)

const folder = t.testdir()
for (const name of ['a', 'b']) await writeFile(join(folder, name), name)

const demo = await DemoServer.start({ folder })
t.teardown(() => demo.stop())
const browser = await launch(t)

/** The reference at one of its operations, which are drawn when they are come to. */
async function openAt (name: string) {
  const page = await openPage(browser, `${demo.url}/docs`, { viewport: { width: 1400, height: 1100 } })
  await page.getByRole('link', { name }).first().click()
  const section = page.locator('section').filter({ has: page.getByRole('heading', { name }) }).last()
  await section.getByText('The stream on the wire').waitFor()
  return { page, section }
}

async function send (page: Page, route: string) {
  await page.getByRole('button', { name: `Test Request (${route})` }).click()
  await page.getByRole('button', { name: /^Send/ }).first().click()
}

t.test('a stream in the reference: the names of its events, their schemas, and an example', async t => {
  const { page, section } = await openAt('Hash a folder, file by file')
  const text = await section.innerText()
  for (const line of ['event: started', 'event: hashed', '"path":"fastify/package.json"', 'id: 2', 'event: finished']) t.match(text, line)
  for (const line of [/folder\s*: string/, /files\s*: integer\. How many files the folder has/]) t.match(text, line, 'what the first event carries')
  await page.screenshot({ path: join(artifacts, 'docs-example.png') })

  await section.getByRole('button', { name: /Any of/ }).click()
  for (const name of ['started', 'hashed', 'skipped', 'finished', 'error']) await page.getByRole('option', { name }).waitFor()
  await page.screenshot({ path: join(artifacts, 'docs-events.png') })
  await page.getByRole('option', { name: 'hashed' }).click()
  await section.getByRole('button', { name: /Any of.*hashed/s }).waitFor()
  await section.getByText(': integer. The file is number so many').first().waitFor()

  await section.getByText('Show Schema').click()
  await section.getByText('"contentSchema"').first().waitFor()
  const schema = await section.innerText()
  for (const part of ['"const": "hashed"', '"sha256"', 'How many of them an earlier connection has seen']) t.match(schema, part)
  await section.getByText('"sha256"').last().scrollIntoViewIfNeeded()
  await page.screenshot({ path: join(artifacts, 'docs-schema.png') })
  t.same(page.errors, [])
  await page.close()
})

t.test('a stream is tried live', async t => {
  const { page } = await openAt('Hash a folder, file by file')
  await send(page, 'get /job')
  for (const part of ['"path":"a","bytes":1,', '"path":"b","bytes":1,', 'id: finished']) await page.getByText(part).first().waitFor()
  await page.screenshot({ path: join(artifacts, 'docs-live.png') })
  t.match(await page.locator('body').innerText(), `"folder":"${folder}"`, 'of this very server')
  t.same(page.errors, [])
  await page.close()
})

t.test('nothing is loaded from elsewhere, and nothing is offered that would be', async t => {
  const elsewhere: string[] = []
  const context = await browser.newContext()
  context.on('request', request => {
    if (!request.url().startsWith(demo.url) && !/^(data|blob):/.test(request.url())) elsewhere.push(request.url())
  })
  const page = await openPage(context, `${demo.url}/docs`)
  await page.getByText('The stream on the wire').first().waitFor()
  t.same(await page.getByText(/Ask AI|MCP|Open API Client|Deploy|Share/).allInnerTexts(), [])
  t.same(elsewhere, [])
  await context.close()
})
