import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import t from 'tap'

/** What a bundler makes of an import from the client, by chunk: the first is what is loaded at once. */
async function bundle (names: string): Promise<{ size: number, text: string }[]> {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names} } from './lib/client/index.ts'`, resolveDir: new URL('../..', import.meta.url).pathname },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    outdir: 'out',
    write: false
  })
  return outputFiles.map(({ contents, text }) => ({ size: gzipSync(contents, { level: 9 }).length, text }))
}

t.test('connect is under 4 KB gzipped, with its parser; what knows of events and shares is loaded by those who do', async t => {
  const [main, ...lazy] = await bundle('connect')
  t.comment(`connect: ${main!.size} bytes, on demand: ${lazy.map(({ size }) => size).join(', ')}`)
  t.ok(main!.size <= 4096, `${main!.size} bytes`)
  t.equal(lazy.length, 2)
  for (const { size } of lazy) t.ok(size <= 1700, `${size} bytes`)
  t.notMatch(main!.text, /^import /m, 'and stands alone')
})

t.test('the whole client is little more', async t => {
  const [main] = await bundle('connect, parse, StreamError, ResponseError, ConnectionError, MessageError')
  t.comment(`all: ${main!.size} bytes`)
  t.ok(main!.size <= 4608, `${main!.size} bytes`)
})
