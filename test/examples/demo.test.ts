import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { launch, skipWithoutBrowser } from '../helpers/browser.ts'
import { portToKeep } from '../helpers/port.ts'
import { artifacts, openPage } from './fixtures/browser.ts'
import { DemoServer } from './fixtures/demo-server.ts'

const FILES = 300

skipWithoutBrowser(t)
t.setTimeout(600_000)

// Files with a hole take no room on the disk, but their time to hash: long enough to be cut in the middle.
const folder = t.testdir()
for (let index = 0; index < FILES; index++) {
  const file = join(folder, `${index}.bin`)
  await writeFile(file, '')
  await truncate(file, 8 * 2 ** 20)
}

let demo = await DemoServer.start({ port: String(await portToKeep()), folder })
t.teardown(() => demo.stop())
const browser = await launch(t)

const open = (options?: Parameters<typeof browser.newPage>[0]) => openPage(browser, demo.url, options)
const state = (page: Page, panel: string, wanted: string) => page.locator(`#${panel} .state[data-state=${wanted}]`).waitFor()
const until = (page: Page, expression: string) => page.waitForFunction(expression)

t.test('metrics are drawn as they come, and again after a restart', async t => {
  const page = await open()
  await state(page, 'metrics', 'open')
  await until(page, 'document.querySelector(".chart").dataset.points >= 3')
  await page.locator('.chart canvas').waitFor()
  t.match(await page.locator('[data-key=cpu] dd').textContent(), /^\d+ %$/)
  t.match(await page.locator('[data-key=memory] dd').textContent(), /^[\d.]+ of [\d.]+ GB$/)

  const { port } = demo
  t.equal(await demo.stop('SIGTERM'), 0, 'SIGTERM ends the server well, with streams open')
  await state(page, 'metrics', 'waiting')
  await state(page, 'logs', 'waiting')
  t.equal(await page.getByRole('status').textContent(), 'The connection is lost. Reconnecting.')
  await page.screenshot({ path: join(artifacts, 'demo-reconnecting.png'), fullPage: true })
  demo = await DemoServer.start({ port, folder })
  await state(page, 'metrics', 'open')
  await state(page, 'logs', 'open')
  const before = Number(await page.locator('.chart').getAttribute('data-points'))
  await until(page, `document.querySelector(".chart").dataset.points > ${before + 2}`)
  t.same(page.errors, [])
  await page.close()
})

t.test('the log shows each request as it is made, by level', async t => {
  const page = await open()
  await state(page, 'logs', 'open')
  await page.getByRole('button', { name: 'A warning' }).click()
  await page.locator('.lines li.warn', { hasText: 'somebody is looking for trouble' }).first().waitFor()
  await page.getByRole('button', { name: 'A failure' }).click()
  const failure = page.locator('.lines li.failure', { hasText: 'this is the failure that you asked for' }).first()
  await failure.waitFor()
  await page.getByLabel('failure', { exact: true }).uncheck()
  await failure.waitFor({ state: 'hidden' })
  t.same(page.errors, [])
  await page.close()
})

t.test('the contract stands beside its frames; a payload that it refuses is seen by client and server, and not sent', async t => {
  const page = await open()
  await state(page, 'logs', 'open')
  const shown = (name: string) => page.locator(`#readings [data-show=${name}]`)
  t.match(await shown('contract').textContent(), /^const Reading = Type\.Object\(\{[^]+celsius[^]+export const Readings = EventStream\(\{[^]+\}\)$/)
  await page.getByRole('button', { name: 'Yield what fits' }).click()
  await state(page, 'readings', 'done')
  t.match(await shown('frames').textContent(), /event: reading\ndata: \{"city":"Oslo","celsius":4\.5\}\n\n[^]+event: done\ndata: \{"readings":3\}\n\n$/)
  t.equal(await shown('client').textContent(), '4 messages, the last is “done”')
  await page.locator('#readings [data-show=server]', { hasText: 'stream closed: complete, 4 events' }).waitFor()

  await page.getByRole('button', { name: 'Yield what does not' }).click()
  await state(page, 'readings', 'broken')
  t.match(await shown('frames').textContent(), /Cairo[^]+event: error\ndata: \{"statusCode":500,"code":"SSE_ERR_PAYLOAD"/)
  t.notMatch(await shown('frames').textContent(), /Nuuk|sensor/)
  t.match(await shown('client').textContent(), 'parse() throws StreamError: 500 SSE_ERR_PAYLOAD. fetch: TypeError: network error')
  await page.locator('#readings [data-show=server]', { hasText: "stream failed: The payload of event 'reading' is invalid at '/celsius'" }).waitFor()
  t.same(page.errors, [])
  await page.close()
})

t.test('a job goes on where it was when the server is killed and comes back', async t => {
  const page = await open()
  await page.getByRole('button', { name: 'Hash the folder' }).click()
  await until(page, 'document.querySelector("#job progress").value >= 20')
  const { port } = demo
  await demo.stop('SIGKILL')
  await state(page, 'job', 'waiting')
  const seen = await page.evaluate<number>('document.querySelector("#job progress").value')
  t.ok(seen >= 20 && seen < FILES, `cut at ${seen}`)
  demo = await DemoServer.start({ port, folder })
  await state(page, 'job', 'done')
  t.equal(await page.locator('[data-show=count]').textContent(), `${FILES} of ${FILES} files`)
  t.match(await page.locator('[data-show=facts]').textContent(), `went on at ${seen + 1}`)
  t.match(await page.locator('[data-show=facts]').textContent(), `${(FILES * 8 * 2 ** 20 / 1e6).toFixed(1)} MB`, 'no file twice, none left out')
  t.same(page.errors, [])
  await page.close()
})

t.test('eight tabs follow the log over one connection, and go on when the tab that held it is closed', async t => {
  const context = await browser.newContext()
  // A browser has six connections to a server.
  let connections = 0
  context.on('request', request => { if (new URL(request.url()).pathname === '/logs') connections++ })
  const tabs: Page[] = []
  for (let count = 0; count < 8; count++) tabs.push(await openPage(context, demo.url))
  await Promise.all(tabs.map(page => state(page, 'logs', 'open')))
  await tabs[5]!.getByRole('button', { name: 'A warning' }).click()
  await Promise.all(tabs.map(page => page.locator('.lines li.warn', { hasText: 'somebody is looking for trouble' }).first().waitFor()))
  t.equal(connections, 1)

  const [leader, ...others] = tabs
  await leader!.close()
  await others[5]!.getByRole('button', { name: 'A failure' }).click()
  await Promise.all(others.map(page => page.locator('.lines li.failure', { hasText: 'this is the failure that you asked for' }).first().waitFor()))
  t.equal(connections, 2, 'another tab leads')
  await context.close()
})

t.test('the button cuts every connection, and the page recovers', async t => {
  const page = await open()
  await state(page, 'logs', 'open')
  await page.getByRole('button', { name: 'Cut every connection' }).click()
  await page.locator('.lines li.warn', { hasText: 'connections cut' }).first().waitFor()
  await state(page, 'metrics', 'open')
  t.same(page.errors, [])
  await page.close()
})

t.test('with the keyboard alone: a job is started, a chat is asked and ends on [DONE]', async t => {
  const page = await open()
  await state(page, 'metrics', 'open')
  await page.keyboard.press('Tab')
  t.equal(await page.locator(':focus').textContent(), 'Skip to the streams')
  await page.keyboard.press('Enter')
  const reach = async (name: string) => {
    for (let step = 0; step < 40; step++) {
      await page.keyboard.press('Tab')
      const focused = await page.evaluate<string>('document.activeElement.id || document.activeElement.textContent')
      if (focused === name) return page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')
    }
    return 'not reached'
  }
  t.equal(await reach('Hash the folder'), 'solid', 'and the focus is seen')
  await page.keyboard.press('Enter')
  await until(page, 'document.querySelector("#job progress").value > 0')
  t.equal(await page.locator(':focus').textContent(), 'Stop', 'the focus is not lost on a button that is disabled')

  t.equal(await reach('prompt'), 'solid')
  await page.keyboard.type('King of kings')
  await page.keyboard.press('Enter')
  await until(page, 'document.querySelector("#chat .text")?.textContent.split(/\\s+/).length > 10')
  await page.screenshot({ path: join(artifacts, 'demo-desktop.png'), fullPage: true })
  t.ok(await page.locator('#chat .text.growing').count(), 'words come while the answer is not whole')
  await state(page, 'chat', 'done')
  t.match(await page.locator('#chat .text').textContent(), /^Ozymandias[^]+far away\.”\n$/)
  t.match(await page.getByRole('status').textContent(), /The answer is complete, 1\d\d words/)
  t.same(page.errors, [])
  await page.close()
})

t.test('an answer goes on after a cut, after a reload, and in a second tab; the button stops it in both', async t => {
  const context = await browser.newContext()
  const page = await openPage(context, demo.url)
  const long = 'document.querySelector("#chat .text")?.textContent.length'
  await page.getByRole('button', { name: 'Four score and seven' }).click()
  await until(page, `${long} > 20`)
  await page.getByRole('button', { name: 'Cut every connection' }).click()
  await until(page, `${long} > 60`)
  await page.reload()
  await until(page, `${long} > 100`)
  t.match(await page.locator('#chat .text').textContent(), /^(The )?Gettysburg/, 'from its start')
  const second = await openPage(context, demo.url)
  await until(second, `${long} > 100`)
  await second.locator('#chat').getByRole('button', { name: 'Stop' }).click()
  await state(page, 'chat', 'done')
  await state(second, 'chat', 'done')
  t.equal(await page.locator('#chat .text').textContent(), await second.locator('#chat .text').textContent())
  // EventSource could not have sent the header that gave the request its name.
  await page.locator('.lines li', { has: page.getByText(/^chat-/), hasText: 'GET /chat' }).first().waitFor()
  t.same([...page.errors, ...second.errors], [])
  await context.close()
})

t.test('an answer whose server was killed is shown as lost, and can be asked for again', async t => {
  const page = await open()
  await page.getByRole('button', { name: 'Beware the Jabberwock' }).click()
  await until(page, 'document.querySelector("#chat .text")?.textContent.length > 20')
  const { port } = demo
  await demo.stop('SIGKILL')
  demo = await DemoServer.start({ port, folder })
  await page.locator('#chat .state', { hasText: 'lost' }).waitFor()
  await page.getByRole('button', { name: 'Ask again' }).click()
  await page.locator('#chat .text').nth(1).waitFor()
  await state(page, 'chat', 'open')
  t.same(page.errors, [])
  await page.close()
})

t.test('every page sees the votes and notices of the others at once, and a new one all that have been', async t => {
  const here = await browser.newContext()
  const [mine, yours] = [await openPage(here, demo.url), await open()]
  await Promise.all([mine, yours].map(page => state(page, 'room', 'open')))
  const counts = '[...document.querySelectorAll(".votes b")].map(({ textContent }) => textContent).join()'
  const voted = (page: Page, wanted: string) => until(page, `${counts} === "${wanted}"`)
  await mine.getByLabel('Notifications').check()
  await yours.getByLabel('Live numbers').check()
  await Promise.all([mine, yours].map(page => voted(page, '0,0,1,1')))
  await mine.getByLabel('Live numbers').check()
  await Promise.all([mine, yours].map(page => voted(page, '0,0,0,2')))
  await yours.getByLabel('A notice to every page').fill('Lunch is ready')
  await yours.keyboard.press('Enter')
  // One shares the connection of a tab that is open, the other has its own.
  for (const page of [mine, await openPage(here, demo.url), await open()]) {
    await page.locator('.notices li', { hasText: 'Lunch is ready' }).waitFor()
    await voted(page, '0,0,0,2')
    t.same(page.errors, [])
  }

  const { port } = demo
  await demo.stop('SIGKILL')
  demo = await DemoServer.start({ port, folder })
  await yours.locator('.notices li', { hasText: 'The server has forgotten' }).waitFor()
  t.equal(await yours.evaluate(counts), '0,0,0,0', 'what was in memory')
  await here.close()
})

for (const [name, width, colorScheme] of [['phone', 375, 'light'], ['phone-dark', 375, 'dark'], ['desktop-dark', 1280, 'dark']] as const) {
  t.test(`${name}: nothing is wider than the screen`, async t => {
    const page = await open({ viewport: { width, height: 812 }, colorScheme })
    await page.getByRole('button', { name: 'Hash the folder' }).click()
    await page.getByRole('button', { name: 'Beware the Jabberwock' }).click()
    for (const summary of await page.locator('summary').all()) await summary.click()
    await until(page, '[...document.querySelectorAll("details code")].every(code => code.textContent.includes("EventStream"))')
    await until(page, 'document.querySelector("#chat .text")?.textContent.length > 80 && document.querySelector(".chart").dataset.points >= 4')
    t.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
    for (const summary of await page.locator('summary').all()) await summary.click()
    await page.screenshot({ path: join(artifacts, `demo-${name}.png`), fullPage: true })
    t.same(page.errors, [])
    await page.close()
  })
}
