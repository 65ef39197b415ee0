import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import t from 'tap'
import { inBrowser, launch } from '../helpers/browser.ts'

/** The entry `fastify-typed-sse/contract` as a bundler ships it, in an IIFE that leaves what it exports in `contract`. */
async function bundle (): Promise<string> {
  const { outputFiles: [file] } = await build({
    stdin: { contents: "export * from './lib/contract/index.ts'", resolveDir: new URL('../..', import.meta.url).pathname },
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'contract',
    target: 'es2022',
    platform: 'browser',
    write: false
  })
  return file!.text
}

t.test('the contract entry bundles for a browser, with nothing of Node, Fastify or Ajv, in 6 KB', async t => {
  const text = await bundle()
  t.notMatch(text, /node:|fast-json-stringify|ajv|require\(/i)
  const size = gzipSync(text).length
  t.comment(`contract: ${size} bytes`)
  t.ok(size <= 6144, `${size} bytes`)
})

t.test('it runs in Chromium', inBrowser, async t => {
  const browser = await launch(t)
  const page = await browser.newPage()
  await page.addScriptTag({ content: await bundle() })
  const result = await page.evaluate(`(() => {
    const { EventStream, RawText, event, eventsOf, comment, checkpoint } = contract
    const Chat = EventStream({ token: { type: 'string' }, line: RawText() }, { sentinel: '[DONE]' })
    let code
    try { EventStream(undefined) } catch (error) { code = error.code }
    return {
      types: Object.keys(Chat.content), names: Object.keys(eventsOf(Chat)), message: { ...eventsOf(Chat).token('a', { id: 1 }) },
      event: event(1).data, comment: comment('a').text, checkpoint: checkpoint({ id: 1 }).fields, code
    }
  })()`)
  t.match(result, {
    types: ['text/event-stream'],
    names: ['token', 'line'],
    message: { event: 'token', data: 'a', id: 1 },
    event: 1,
    comment: 'a',
    checkpoint: { id: 1 },
    code: 'SSE_ERR_CONTRACT'
  })
})
