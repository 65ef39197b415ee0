import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { CHILD_ENV } from './helpers/serve.ts'

const execute = promisify(execFile)
const run = (file: string, args: string[], options: { cwd: string }) => execute(file, args, { ...options, env: CHILD_ENV })
const root = new URL('..', import.meta.url).pathname
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

/**
 * A project that has what `npm pack` gives installed. The package is built and packed apart from the tree, where other
 * tests may be reading `dist`; its dependencies are those of this project.
 */
async function install (): Promise<{ project: string, files: string[] }> {
  const project = await mkdtemp(join(tmpdir(), 'fastify-typed-sse-'))
  t.teardown(() => rm(project, { recursive: true, force: true }))
  const copy = join(project, 'copy')
  await mkdir(copy)
  for (const name of ['lib', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'LICENSE', 'README.md', 'CHANGELOG.md']) {
    // What is not there is found missing below.
    await cp(join(root, name), join(copy, name), { recursive: true }).catch(() => {})
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], { cwd: copy })
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], { cwd: copy })
  const [packed] = JSON.parse(stdout)
  const modules = join(project, 'node_modules')
  const target = join(modules, manifest.name)
  await mkdir(target, { recursive: true })
  await run('tar', ['-xzf', join(project, packed.filename), '-C', target, '--strip-components=1'], { cwd: project })
  // A package is resolved from where it really is, so each dependency is linked by name.
  await mkdir(join(modules, '@types'))
  for (const name of ['fastify', '@types/node', ...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]) {
    await mkdir(join(modules, name, '..'), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(modules, name)).catch(() => { /* listed twice */ })
  }
  return { project, files: packed.files.map((file: { path: string }) => file.path) }
}

const installed = install()
installed.catch(() => {})

t.test('the package holds what it should, and no more', async t => {
  const { files } = await installed
  for (const name of ['package.json', 'LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'dist/augment.d.ts', 'lib/index.ts']) {
    t.ok(files.includes(name), name)
  }
  for (const file of files) t.match(file, /^(dist|lib)\/|^(package\.json|LICENSE|README\.md|CHANGELOG\.md)$/)
  for (const file of files) t.notMatch(file, /(^|\/)(test|bench|examples|node_modules)\/|\.test\.|tsbuildinfo/)
  t.ok(files.filter(file => file.endsWith('.ts') && file.startsWith('lib/')).every(file =>
    files.includes(file.replace(/^lib/, 'dist').replace(/\.ts$/, '.js'))), 'every source is built')
})

const SERVE = `
  const app = Fastify()
  await app.register(typedSse)
  app.get('/', { schema: { response: { 200: EventStream({ type: 'number' }) } } }, (request, reply) => { reply.sse([1]) })
  const { body } = await app.inject('/')
  console.log(JSON.stringify({ body, isSame: all.default === all.typedSse && all.typedSse === typedSse, names: Object.keys(all).sort() }))
`
const EXPECTED = { body: 'data: 1\n\n', isSame: true }
const NAMES = ['EventStream', 'RawText', 'checkpoint', 'comment', 'default', 'errors', 'event', 'eventsOf', 'typedSse']

t.test('it works from ESM', async t => {
  const { project } = await installed
  await writeFile(join(project, 'esm.mjs'), `
    import Fastify from 'fastify'
    import typedSse, * as all from 'fastify-typed-sse'
    import { EventStream } from 'fastify-typed-sse'
    ${SERVE}`)
  const { stdout, stderr } = await run(process.execPath, ['esm.mjs'], { cwd: project })
  const { names, ...rest } = JSON.parse(stdout)
  t.strictSame(rest, EXPECTED)
  for (const name of NAMES) t.ok(names.includes(name), name)
  t.equal(stderr, '')
})

t.test('it works from require, with no warning', async t => {
  const { project } = await installed
  await writeFile(join(project, 'cjs.cjs'), `
    const Fastify = require('fastify')
    const all = require('fastify-typed-sse')
    const { default: typedSse, EventStream } = all
    async function main () { ${SERVE}
      await Fastify().register(require('fastify-typed-sse')).ready()
    }
    main()`)
  const { stdout, stderr } = await run(process.execPath, ['cjs.cjs'], { cwd: project })
  const { names, ...rest } = JSON.parse(stdout)
  t.strictSame(rest, EXPECTED)
  for (const name of NAMES) t.ok(names.includes(name), name)
  t.equal(stderr, '')
})

t.test('it works from TypeScript: what is right compiles, what is wrong does not', async t => {
  const { project } = await installed
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({
    compilerOptions: { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, skipLibCheck: true, types: ['node'] },
    files: ['app.ts', 'common.cts']
  }))
  await writeFile(join(project, 'app.ts'), `
    import Fastify from 'fastify'
    import typedSse, { typedSse as named, EventStream, event, type SseOptions } from 'fastify-typed-sse'
    import { Type } from '@sinclair/typebox'
    const app = Fastify()
    const options: SseOptions = { heartbeat: 1000 }
    await app.register(typedSse, options)
    const same: typeof typedSse = named
    const contract = EventStream({ tick: Type.Object({ n: Type.Number() }) })
    app.get('/', (request, reply) => { reply.sse([event({ n: 1 }, { event: 'tick' })]) })
    console.log(app.sse.open, same, contract)
    // @ts-expect-error: no such option
    await app.register(typedSse, { hartbeat: 1 })
    // @ts-expect-error: a number is no source
    app.get('/wrong', (request, reply) => { reply.sse(7) })
  `)
  await writeFile(join(project, 'common.cts'), `
    import fastify = require('fastify')
    import sse = require('fastify-typed-sse')
    const app = fastify()
    app.register(sse.default, { retry: 1 })
    console.log(sse.EventStream({ type: 'number' }))
  `)
  const { stdout } = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'], { cwd: project })
    .catch(error => error)
  t.equal(stdout, '')
})

/** A project of its own with the packed package, and the packages that it has installed beside it. */
async function projectWith (t: Test, peers: string[]): Promise<string> {
  const { project: packed } = await installed
  const project = await mkdtemp(join(tmpdir(), 'fastify-typed-sse-'))
  t.teardown(() => rm(project, { recursive: true, force: true }))
  await cp(join(packed, 'node_modules', manifest.name), join(project, 'node_modules', manifest.name), { recursive: true })
  for (const name of ['fastify', '@types/node', ...Object.keys(manifest.dependencies), ...peers]) {
    await mkdir(join(project, 'node_modules', name, '..'), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name))
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  return project
}

const MODULES: Record<string, ts.CompilerOptions> = {
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  nodenext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }
}

/** What compiles, and what must not, with the schemas of each package. */
const DECLARES: Record<string, string> = {
  '@sinclair/typebox': "import { Type } from '@sinclair/typebox'\nconst contract = EventStream({ tick: Type.Object({ n: Type.Number() }) })",
  typebox: "import { Type } from 'typebox'\nconst contract = EventStream({ tick: Type.Object({ n: Type.Number() }) })",
  zod: "import { z } from 'zod'\nconst contract = EventStream({ tick: z.object({ n: z.number() }) })",
  none: "const contract = EventStream({ tick: { type: 'object', properties: { n: { type: 'number' } } } })"
}

for (const [peer, declares] of Object.entries(DECLARES)) {
  t.test(`the declarations compile with ${peer === 'none' ? 'no package of schemas' : `${peer} alone`}, skipLibCheck off`, async t => {
    const project = await projectWith(t, peer === 'none' ? [] : [peer])
    const entries = Object.keys(manifest.exports).filter(name => name !== './package.json').map(name => manifest.name + name.slice(1))
    await writeFile(join(project, 'app.ts'), `
      import Fastify from 'fastify'
      import typedSse, { EventStream, eventsOf } from 'fastify-typed-sse'
      ${entries.map((name, i) => `import * as entry${i} from '${name}'`).join('\n')}
      ${declares}
      export const entries = [${entries.map((_, i) => `entry${i}`).join(', ')}]
      const app = Fastify()
      await app.register(typedSse)
      const schema = { response: { 200: contract } }
      const { tick } = eventsOf(contract)
      app.get('/', { schema }, async function * () { yield tick({ n: 1 }) })
      app.get('/', { schema }, (request, reply) => reply.sse([{ event: 'tick', data: { n: 1 } }]))
      // @ts-expect-error: a name that is not declared
      app.get('/wrong', { schema }, (request, reply) => reply.sse([{ event: 'tock', data: { n: 1 } }]))
      // @ts-expect-error: a name that is not declared
      app.get('/wrong', { schema }, () => [{ event: 'tock' as const, data: { n: 1 } }])
      ${peer === 'none' ? '' : '// @ts-expect-error: another payload'}
      app.get('/payload', { schema }, (request, reply) => reply.sse([{ event: 'tick', data: { n: 'x' } }]))
    `)
    // Which package is there and how modules are found have nothing to do with each other, but for the one of two formats.
    const modules = peer === '@sinclair/typebox' ? MODULES : { nodenext: MODULES.nodenext! }
    for (const [name, options] of Object.entries(modules)) t.strictSame(faultsOf(join(project, 'app.ts'), options), [], name)
  })
}

/** What the compiler says of a file and of our declarations; those of other packages are not ours to mend. */
function faultsOf (file: string, options: ts.CompilerOptions): string[] {
  const program = ts.createProgram([file], { ...options, target: ts.ScriptTarget.ES2023, strict: true, noEmit: true, types: ['node'], typeRoots: [join(root, 'node_modules/@types')] })
  const ours = program.getSourceFiles().filter(({ fileName }) => fileName === file || fileName.includes(`/node_modules/${manifest.name}/`))
  return ours.flatMap(source => program.getSemanticDiagnostics(source)).map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}
