import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path/posix'
import t from 'tap'

/** What the files of a folder may import: other folders (or files) of lib/, the same as types only, and packages. */
interface Allowed { lib: string[], types?: string[], packages: string[] }

// Arrows point down. A folder may always import its own files; `types` are erased at build.
const MAY_IMPORT: Record<string, Allowed> = {
  'index.ts': { lib: ['augment.ts', 'plugin/', 'openapi/', 'store/', 'log/', 'contract/', 'errors.ts'], types: ['response/', 'topic/', 'wire/'], packages: [] },
  'augment.ts': { lib: [], types: ['contract/', 'response/', 'topic/'], packages: ['fastify'] },
  'plugin/': {
    lib: ['openapi/', 'topic/', 'store/', 'encode/', 'response/', 'log/', 'contract/', 'wire/', 'options.ts', 'stray-promise.ts', 'errors.ts'],
    packages: ['fastify', 'fastify-plugin', 'node:diagnostics_channel', 'node:http', 'node:http2', 'node:net', 'node:stream', 'node:tls', 'node:util']
  },
  'openapi/': { lib: ['contract/', 'schema/', 'wire/', 'errors.ts'], packages: ['fastify', 'node:module'] },
  // Of encode/ and response/ it knows the interfaces alone: how an encoder makes records, and what a session asks of a feed.
  'topic/': { lib: ['log/', 'contract/', 'schema/', 'wire/', 'options.ts', 'stray-promise.ts', 'errors.ts'], types: ['encode/', 'response/'], packages: ['node:crypto', 'node:timers/promises', 'node:util'] },
  'encode/': {
    lib: ['contract/', 'schema/', 'wire/', 'stray-promise.ts', 'errors.ts'],
    packages: ['@sinclair/typebox', '@sinclair/typebox/compiler', 'typebox/compile', 'typebox/format', 'ajv/dist/2020.js',
      'ajv-formats', 'ajv-formats/dist/formats.js', 'fast-json-stringify', 'node:util']
  },
  'store/': { lib: ['log/', 'options.ts', 'errors.ts'], packages: ['node:crypto', 'node:os', 'node:timers/promises'] },
  'log/': { lib: ['wire/', 'options.ts', 'errors.ts'], packages: ['node:crypto'] },
  'response/': { lib: ['wire/', 'options.ts', 'stray-promise.ts', 'errors.ts'], packages: ['fastify', 'negotiator', 'node:async_hooks', 'node:http', 'node:http2', 'node:net', 'node:stream', 'node:util'] },
  'contract/': { lib: ['schema/', 'wire/', 'errors.ts'], packages: ['@sinclair/typebox', 'typebox', 'json-schema-to-ts', 'zod/v4/core'] },
  'schema/': { lib: ['errors.ts'], packages: [] },
  'wire/': { lib: ['errors.ts'], packages: [] },
  'options.ts': { lib: ['stray-promise.ts', 'errors.ts'], packages: ['node:util'] },
  'stray-promise.ts': { lib: [], packages: [] },
  'errors.ts': { lib: [], packages: [] },
  // It runs in a browser: no node:, no value of Fastify, nothing of the server but types.
  'client/': { lib: ['wire/'], types: ['contract/'], packages: ['eventsource-parser'] },
  'testing/': { lib: ['client/', 'log/'], packages: ['fastify', 'node:assert/strict', 'node:crypto', 'node:events', 'node:http', 'node:stream', 'node:timers/promises'] }
}

interface Import { specifier: string, isType: boolean }

const root = new URL('../lib', import.meta.url).pathname
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const unit = (file: string) => file.includes('/') ? file.slice(0, file.indexOf('/') + 1) : file
const imports = new Map(files.map(file => [file, importsOf(file)]))

/** The import and export statements of a file, also those over several lines, and imports by call. */
function importsOf (file: string): Import[] {
  const source = readFileSync(join(root, file), 'utf8')
  const statements = Array.from(source.matchAll(/^(?:import|export(?= \*| (?:type )?\{))\b([^'"=]*?)(?:\bfrom )?'([^']+)'/gm), ([, names, specifier]) => ({
    specifier: specifier!,
    isType: /^ type\b/.test(names!) || (/\{/.test(names!) && names!.replace(/[\s\S]*\{|\}[\s\S]*/g, '').split(',').every(name => /^\s*(type\b|$)/.test(name)))
  }))
  const calls = Array.from(source.matchAll(/\bimport\('([^']+)'\)/g), ([, specifier]) => ({ specifier: specifier!, isType: false }))
  return [...statements, ...calls]
}

/** The file of lib/ that an import of another leads to; undefined for a package. */
function targetOf (file: string, { specifier }: Import): string | undefined {
  return specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : undefined
}

for (const file of files) {
  t.test(`lib/${file} imports only downward`, async t => {
    const allowed = MAY_IMPORT[unit(file)]
    if (allowed === undefined) {
      t.fail('has no line in MAY_IMPORT')
      return
    }
    for (const found of imports.get(file)!) {
      const target = targetOf(file, found)
      if (target === undefined) {
        t.ok(allowed.packages.includes(found.specifier), `package ${found.specifier}`)
        continue
      }
      const mayImport = [...allowed.lib, ...(found.isType ? allowed.types ?? [] : [])]
      t.ok(unit(target) === unit(file) || mayImport.includes(unit(target)), `lib/${target}${found.isType ? ', as types' : ''}`)
    }
  })
}

t.test('everything that MAY_IMPORT allows is imported', async t => {
  for (const [name, { lib, types = [], packages }] of Object.entries(MAY_IMPORT)) {
    const found = files.filter(file => unit(file) === name).flatMap(file => imports.get(file)!.map(one => ({ target: targetOf(file, one), ...one })))
    const has = (allowed: string) => found.some(({ target, specifier }) => target === undefined ? specifier === allowed : unit(target) === allowed)
    for (const allowed of [...lib, ...types, ...packages]) t.ok(has(allowed), `${name} -> ${allowed}`)
  }
})

t.test('encode and response meet only in plugin; log and response only there and in topic', async t => {
  for (const [name, { lib, types = [] }] of Object.entries(MAY_IMPORT)) {
    const all = [name, ...lib, ...types]
    t.ok(!([name, ...lib].includes('encode/') && all.includes('response/')) || name === 'plugin/', name)
    t.ok(!(all.includes('log/') && all.includes('response/')) || ['plugin/', 'topic/', 'index.ts'].includes(name), name)
  }
})

t.test('no folder and no file imports itself through others', async t => {
  const findCircle = (graph: (name: string) => string[], names: string[]): string[] | undefined => {
    const done = new Set<string>()
    const visit = (name: string, above: string[]): string[] | undefined => {
      if (above.includes(name)) return [...above.slice(above.indexOf(name)), name]
      if (done.has(name)) return undefined
      for (const below of graph(name)) {
        const circle = visit(below, [...above, name])
        if (circle !== undefined) return circle
      }
      done.add(name)
      return undefined
    }
    for (const name of names) {
      const circle = visit(name, [])
      if (circle !== undefined) return circle
    }
    return undefined
  }
  t.equal(findCircle(name => MAY_IMPORT[name]?.lib ?? [], Object.keys(MAY_IMPORT))?.join(' -> '), undefined, 'folders')
  const imported = (file: string) => imports.get(file)!.map(one => targetOf(file, one)).filter(target => target !== undefined)
  t.equal(findCircle(imported, files)?.join(' -> '), undefined, 'files')
})

t.test('the imports of a file are found as they are written', async t => {
  t.ok(imports.get('plugin/reply.ts')!.some(({ specifier }) => specifier === 'fastify'))
  t.ok(imports.get('plugin/scope.ts')!.some(({ specifier, isType }) => specifier === './streams.ts' && isType))
  t.ok(imports.get('encode/typebox-check.ts')!.some(({ specifier }) => specifier === 'typebox/compile'))
})

// Coverage counts only files that were loaded, so load them all.
t.test('every file of lib/ loads on its own', async t => {
  for (const file of files) t.ok(await import(`../lib/${file}`), file)
})

t.test('the entry has no statement of its own', async t => {
  const source = readFileSync(join(root, 'index.ts'), 'utf8')
  const lines = source.split('\n').filter(line => line.trim() !== '' && !/^\s*(\/\/|\/?\*)/.test(line))
  for (const line of lines) t.match(line, /^(import|export|\s+(type )?\w+,?|\})/, line)
})
