import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { build } from 'esbuild'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { inBrowser, launch } from '../helpers/browser.ts'
import { portToKeep } from '../helpers/port.ts'
import { listen, stop } from '../client/fixtures/server.ts'

interface Seen {
  ids: string[]
  states: string[]
  error?: string
}

/** Serves the page and a stream of numbered events for ever, resumed by Last-Event-ID. */
class Site {
  readonly #files: Map<string, Uint8Array>
  #server: Server | undefined
  readonly port: number
  readonly open = new Set<ServerResponse>()
  readonly requests: { method: string, from: number, token: string | undefined }[] = []

  constructor (files: Map<string, Uint8Array>, port: number) {
    this.port = port
    this.#files = files
  }

  async start (): Promise<void> {
    this.#server = await listen((request, response) => { this.#answer(request, response) }, this.port)
  }

  async stop (): Promise<void> {
    await stop(this.#server!)
  }

  #answer (request: IncomingMessage, response: ServerResponse): void {
    const file = this.#files.get(request.url!)
    if (file !== undefined) response.writeHead(200, { 'content-type': 'text/javascript' }).end(file)
    else if (request.url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><script type="module" src="/page.js"></script>')
    else if (request.url === '/events') this.#stream(request, response)
    else response.writeHead(404).end()
  }

  #stream (request: IncomingMessage, response: ServerResponse): void {
    const from = Number(request.headers['last-event-id'] ?? 0)
    this.requests.push({ method: request.method!, from, token: request.headers.authorization })
    this.open.add(response)
    let n = from
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 10\n\n')
    const timer = setInterval(() => { response.write(`data: ${++n}\nid: ${n}\n\n`) }, 5)
    response.on('close', () => {
      clearInterval(timer)
      this.open.delete(response)
    })
  }
}

async function bundled (): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: [new URL('../client/fixtures/page.ts', import.meta.url).pathname], bundle: true, format: 'esm', outdir: '/', write: false
  })
  return new Map(outputFiles.map(({ path, contents }) => [path, contents]))
}

/** Waits for something to come true in the page. */
const until = (page: Page, claim: string): Promise<unknown> => page.waitForFunction(`page.${claim}`)

const seen = (page: Page): Promise<Seen> => page.evaluate('page') as Promise<Seen>

async function tab (context: BrowserContext, site: Site, options: object): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${site.port}/`)
  await page.waitForFunction('globalThis.page')
  await page.evaluate(`page.start('/events', ${JSON.stringify(options)})`)
  return page
}

/** One after the other, none lost and none doubled. */
function isRow (ids: string[]): boolean {
  return ids.every((id, i) => i === 0 || Number(id) === Number(ids[i - 1]) + 1)
}

async function setUp (t: Test, browser: Browser, files: Map<string, Uint8Array>): Promise<{ site: Site, context: BrowserContext }> {
  const site = new Site(files, await portToKeep())
  await site.start()
  const context = await browser.newContext()
  t.teardown(async () => {
    await context.close()
    await site.stop()
  })
  return { site, context }
}

t.test('in Chromium', inBrowser, async t => {
  const files = await bundled()
  const browser = await launch(t)

  t.test('POST with a header goes on over a restart of the server', async t => {
    const { site, context } = await setUp(t, browser, files)
    const page = await tab(context, site, { method: 'POST', body: { a: 1 }, headers: { authorization: 'Bearer x' } })
    await until(page, 'ids.length > 20')
    await site.stop()
    await until(page, 'states.includes("waiting")')
    const before = (await seen(page)).ids.length
    await site.start()
    await until(page, `ids.length > ${before + 20}`)
    const { ids, error } = await seen(page)
    t.equal(error, undefined)
    t.equal(ids[0], '1')
    t.ok(isRow(ids))
    t.match(site.requests, [{ method: 'POST', token: 'Bearer x', from: 0 }, { method: 'POST', token: 'Bearer x' }])
  })

  t.test('waits while the browser is offline', async t => {
    const { site, context } = await setUp(t, browser, files)
    const page = await tab(context, site, {})
    await until(page, 'ids.length > 5')
    await context.setOffline(true)
    for (const response of site.open) response.destroy()
    await until(page, 'states.at(-1) === "waiting"')
    const { states, ids } = await seen(page)
    await until(page, 'fired > 0')
    t.same((await seen(page)).states, states, 'the wait is over, and there is no attempt')
    await context.setOffline(false)
    await until(page, `ids.length > ${ids.length + 5}`)
    t.ok(isRow((await seen(page)).ids))
    t.equal(site.requests.length, 2)
  })

  t.test('eight tabs share one connection, and the next goes on when the leader is closed', async t => {
    const { site, context } = await setUp(t, browser, files)
    const tabs: Page[] = []
    for (let i = 0; i < 8; i++) tabs.push(await tab(context, site, { isShared: true }))
    for (let leaders = 1; leaders <= 3; leaders++) {
      for (const page of tabs) {
        const { length } = (await seen(page)).ids
        await until(page, `ids.length > ${length + 20}`)
        t.equal((await seen(page)).states.at(-1), 'open')
      }
      t.equal(site.requests.length, leaders)
      t.equal(site.open.size, 1)
      const [response] = site.open
      const closed = once(response!, 'close')
      await tabs.shift()!.close()
      await closed
    }
    const all = await Promise.all(tabs.map(seen))
    for (const { ids, error } of all) {
      t.equal(error, undefined)
      t.ok(isRow(ids), `${ids.length} messages in a row`)
    }
  })
})
