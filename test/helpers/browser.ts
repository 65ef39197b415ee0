import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const { CI, CHROMIUM = '/usr/bin/chromium' } = process.env
const HINT = `there is no browser at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM to the path of one`

/** Options of a test that needs a browser. Where there is none it is skipped; in CI (`CI=true`) it fails by `launch`. */
export const inBrowser: { skip: string | false } = { skip: !existsSync(CHROMIUM) && CI !== 'true' && HINT }

/** Skips all tests of a file that needs a browser, where there is none. To be called before its first test. */
export function skipWithoutBrowser (t: { plan (n: number, comment: string): void }): void {
  if (inBrowser.skip === false) return
  t.plan(0, inBrowser.skip)
  process.exit()
}

/** Starts a browser, which is closed when the test is over. */
export async function launch (t: { teardown (fn: () => unknown): void }): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(HINT)
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'
    ]
  })
  t.teardown(() => browser.close())
  return browser
}
