import { rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { launch, skipWithoutBrowser } from '../helpers/browser.ts'
import { portToKeep } from '../helpers/port.ts'
import { skipSqlite } from '../helpers/sqlite.ts'
import { openPage } from './fixtures/browser.ts'
import { DemoServer } from './fixtures/demo-server.ts'

t.setTimeout(600_000)

t.test('a store that cannot be had is named at start, with what to install', async t => {
  await t.rejects(DemoServer.start({ env: { STORE: 'cloud' } }), { message: /STORE=cloud is unknown: set memory, sqlite or redis/ })
  if (skipSqlite === false && process.versions.node.startsWith('20.')) {
    await t.rejects(DemoServer.start({ env: { STORE: 'sqlite', NODE_PATH: '' } }), { message: /neither node:sqlite.*npm install --no-save better-sqlite3/ })
  }
})

t.test('with STORE=sqlite', { skip: skipSqlite }, async t => {
  skipWithoutBrowser(t)
  const dir = await mkdtemp(join(tmpdir(), 'typed-sse-demo-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const port = String(await portToKeep())
  const start = () => DemoServer.start({ port, env: { STORE: 'sqlite', STORE_FILE: join(dir, 'demo.db') } })
  let demo = await start()
  t.teardown(() => demo.stop())
  const browser = await launch(t)

  t.test('notices and votes outlive the server', async t => {
    const page = await openPage(browser, demo.url)
    const tell = async (text: string) => {
      await page.getByLabel('A notice to every page').fill(text)
      await page.keyboard.press('Enter')
      await page.locator('.notices li', { hasText: text }).waitFor()
    }
    await tell('before')
    await page.getByLabel('Progress of a job').check()
    await page.locator('.votes b', { hasText: '1' }).waitFor()
    await demo.stop('SIGKILL')
    await page.locator('#room .state[data-state=waiting]').waitFor()
    demo = await start()
    await page.locator('#room .state[data-state=open]').waitFor()
    await tell('after')
    for (const seen of [page, await openPage(browser, demo.url)]) {
      await seen.locator('.notices li', { hasText: 'after' }).waitFor()
      t.same(await seen.locator('.notices span').allTextContents(), ['after', 'before'])
      t.equal(new Set(await seen.locator('.notices code').allTextContents()).size, 2, 'each with an id of its own')
      t.same(await seen.locator('.votes b').allTextContents(), ['0', '1', '0', '0'])
      t.same(seen.errors, [])
    }
  })

  const long = 'document.querySelector("#chat .text:last-of-type")?.textContent.length'
  const waitFor = (pages: Page[], selector: string) => Promise.all(pages.map(page => page.locator(selector).waitFor()))

  t.test('a server that is stopped gently finishes the answer first', async t => {
    const page = await openPage(browser, demo.url)
    await page.getByRole('button', { name: 'King of kings' }).click()
    await page.waitForFunction(`${long} > 100`)
    t.equal(await demo.stop('SIGTERM'), 0)
    const seen = await page.locator('#chat .text').textContent()
    demo = await start()
    await waitFor([page], '#chat .state[data-state=done]')
    const whole = await page.locator('#chat .text').textContent()
    t.match(whole, /^Ozymandias[^]+far away\.”\n$/)
    t.ok(whole!.startsWith(seen!) && seen!.length < whole!.length, `${seen!.length} of ${whole!.length} characters were seen before`)
    t.same(page.errors, [])
    await page.close()
  })

  t.test('an answer whose server was killed is lost, for every page that reads it, and can be asked for again', async t => {
    const context = await browser.newContext()
    const pages = [await openPage(context, demo.url), await openPage(context, demo.url)]
    await pages[0]!.getByRole('button', { name: 'King of kings' }).click()
    await Promise.all(pages.map(page => page.waitForFunction(`${long} > 40`)))
    await demo.stop('SIGKILL')
    await waitFor(pages, '#chat .state[data-state=waiting]')
    demo = await start()
    await waitFor(pages, '#chat .state[data-state=broken]:text("lost")')
    await pages[1]!.getByRole('button', { name: 'Ask again' }).click()
    await waitFor(pages, '#chat .state[data-state=done]')
    for (const page of pages) {
      t.match(await page.locator('#chat .text').last().textContent(), /^Ozymandias[^]+far away\.”\n$/)
      t.same(page.errors, [])
    }
    await context.close()
  })
})
