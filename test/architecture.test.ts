import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path/posix'
import t from 'tap'

// Each file or folder of lib/ may import only what stands beside it here, and outside packages only as listed. `types`
// says what may be imported as types alone.
interface Allowed { lib: string[], types?: string[], packages: string[] }

const MAY_IMPORT: Record<string, Allowed> = {
  'index.ts': { lib: ['augment.ts', 'plugin.ts', 'contract/', 'options.ts', 'errors.ts'], types: ['plugin/', 'response/', 'wire/'], packages: [] },
  'augment.ts': { lib: [], types: ['contract/', 'options.ts', 'plugin/'], packages: ['fastify'] },
  'plugin.ts': { lib: ['plugin/', 'contract/', 'response/', 'options.ts', 'errors.ts'], packages: ['fastify', 'fastify-plugin'] },
  'plugin/': {
    lib: ['contract/', 'response/', 'options.ts', 'wire/', 'errors.ts'],
    packages: ['fastify', 'node:diagnostics_channel', 'node:http', 'node:module', 'node:net', 'node:stream']
  },
  'contract/': {
    lib: ['wire/', 'errors.ts'],
    packages: ['@sinclair/typebox', '@sinclair/typebox/compiler', 'typebox', 'typebox/compile', 'typebox/format', 'ajv', 'ajv/dist/2019.js', 'ajv/dist/2020.js',
      'ajv-formats', 'fast-json-stringify', 'fastify']
  },
  'response/': { lib: ['options.ts', 'wire/', 'errors.ts'], packages: ['negotiator', 'node:http', 'node:http2', 'node:net', 'node:stream'] },
  'options.ts': { lib: ['errors.ts'], packages: ['node:util'] },
  'wire/': { lib: ['errors.ts'], packages: [] },
  'errors.ts': { lib: [], packages: ['@fastify/error'] },
  // It runs in a browser: no node:, no value of Fastify, nothing of the server but types.
  'client/': { lib: [], types: ['contract/'], packages: ['eventsource-parser', 'eventsource-parser/stream'] },
  'testing/': { lib: ['client/'], types: ['contract/'], packages: ['fastify', 'light-my-request', 'node:events', 'node:http', 'node:stream'] }
}

const root = new URL('../lib', import.meta.url).pathname
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
const unit = (file: string) => file.includes('/') ? file.slice(0, file.indexOf('/') + 1) : file

/** The statements that import, also those over several lines, and imports by call. */
function importsOf (file: string): Array<{ specifier: string, isType: boolean }> {
  const source = readFileSync(join(root, file), 'utf8')
  const statements = Array.from(source.matchAll(/^(?:import|export(?= \*| (?:type )?\{))\b([^'"=]*?)(?:\bfrom )?'([^']+)'/gm), ([, names, specifier]) => ({
    specifier: specifier!,
    isType: /^ type\b/.test(names!) || (/\{/.test(names!) && names!.replace(/[\s\S]*\{|\}[\s\S]*/g, '').split(',').every(name => /^\s*(type\b|$)/.test(name)))
  }))
  const calls = Array.from(source.matchAll(/\bimport\('([^']+)'\)/g), ([, specifier]) => ({ specifier: specifier!, isType: false }))
  return [...statements, ...calls]
}

for (const file of files) {
  t.test(`lib/${file} imports only downward`, async t => {
    const allowed = MAY_IMPORT[unit(file)]
    if (allowed === undefined) {
      t.fail('has no line in MAY_IMPORT')
      return
    }
    for (const { specifier, isType } of importsOf(file)) {
      if (!specifier.startsWith('.')) {
        t.ok(allowed.packages.includes(specifier), `package ${specifier}`)
        continue
      }
      const target = unit(relative(root, join(root, dirname(file), specifier)))
      const mayImport = [...allowed.lib, ...(isType ? allowed.types ?? [] : [])]
      t.ok(target === unit(file) || mayImport.includes(target), `lib/${target}${isType ? ', as types' : ''}`)
    }
  })
}

t.test('contract and response meet only in plugin', async t => {
  for (const [name, { lib, types = [] }] of Object.entries(MAY_IMPORT)) {
    const meets = [...lib, ...types].includes('contract/') && [...lib, ...types].includes('response/')
    t.ok(!meets || ['plugin.ts', 'plugin/', 'index.ts'].includes(name), name)
  }
})

t.test('MAY_IMPORT has no circle', async t => {
  const visit = (name: string, above: string[]) => {
    if (above.includes(name)) {
      t.fail([...above, name].join(' -> '))
      return
    }
    for (const below of MAY_IMPORT[name]?.lib ?? []) visit(below, [...above, name])
  }
  for (const name of Object.keys(MAY_IMPORT)) visit(name, [])
})

t.test('the imports of a file are found as they are written', async t => {
  const found = importsOf('plugin/reply.ts')
  t.ok(found.some(({ specifier }) => specifier === 'fastify'))
  t.ok(found.some(({ specifier, isType }) => specifier === './streams.ts' && isType))
  t.ok(found.some(({ specifier, isType }) => specifier === '../options.ts' && !isType))
  t.ok(importsOf('contract/check.ts').some(({ specifier }) => specifier === 'typebox/compile'))
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
