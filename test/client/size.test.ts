import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import t from 'tap'

/** All that a bundler ships for these exports of the client, minified; a chunk that is loaded on demand counts. */
async function bundle (contents: string): Promise<{ size: number, text: string }> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL('../..', import.meta.url).pathname },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    outdir: 'out',
    write: false
  })
  const text = outputFiles.map(file => file.text).join('')
  return { size: outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0), text }
}

// What makes the sharing code known in a bundle.
const SHARING = /BroadcastChannel|\.locks/

t.test('connect ships 6 KB gzipped at most, its parser included, and nothing of sharing', async t => {
  const { size, text } = await bundle("export { connect } from './lib/client/index.ts'")
  t.comment(`connect: ${size} bytes`)
  t.ok(size <= 6144, `${size} bytes`)
  t.notMatch(text, SHARING)
  t.notMatch(text, /^import /m, 'and stands alone')
})

t.test('everything that the client exports ships 6.5 KB at most', async t => {
  const { size, text } = await bundle("export * from './lib/client/index.ts'")
  t.comment(`all: ${size} bytes`)
  t.ok(size <= 6656, `${size} bytes`)
  t.notMatch(text, SHARING)
})

t.test('shareTabs adds 2 KB at most', async t => {
  const connect = await bundle("export { connect } from './lib/client/index.ts'")
  const both = await bundle("export { connect } from './lib/client/index.ts'\nexport { shareTabs } from './lib/client/share/index.ts'")
  t.match(both.text, SHARING)
  t.comment(`shareTabs: ${both.size - connect.size} bytes`)
  t.ok(both.size - connect.size <= 2048, `${both.size - connect.size} bytes`)
})
