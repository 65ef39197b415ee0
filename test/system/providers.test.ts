import t from 'tap'
import ts from 'typescript'

const root = new URL('../..', import.meta.url).pathname
const FILE = `${root}test/system/every-provider.ts`

const IMPORTS = `
  import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
  import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
  import type { TypeBoxTypeProvider as TypeBoxTypeProvider6 } from 'type-provider-typebox-6'
  import type { ZodTypeProvider } from 'fastify-type-provider-zod'
  import { Type } from '@sinclair/typebox'
  import { toStandardJsonSchema } from '@valibot/to-json-schema'
  import { type } from 'arktype'
  import Fastify from 'fastify'
  import { Type as Type1 } from 'typebox'
  import * as v from 'valibot'
  import { z } from 'zod'
  import { event, EventStream, eventsOf } from '../../lib/index.ts'
`

const PROVIDERS: Record<string, string> = {
  none: 'Fastify()',
  'TypeBox 5': 'Fastify().withTypeProvider<TypeBoxTypeProvider>()',
  'TypeBox 6': 'Fastify().withTypeProvider<TypeBoxTypeProvider6>()',
  zod: 'Fastify().withTypeProvider<ZodTypeProvider>()',
  'json-schema-to-ts': 'Fastify().withTypeProvider<JsonSchemaToTsProvider>()'
}

const SCHEMAS: Record<string, string> = {
  'TypeBox 0.34': 'Type.Object({ n: Type.Number() })',
  'TypeBox 1.x': 'Type1.Object({ n: Type1.Number() })',
  'JSON Schema': "{ type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }",
  zod: 'z.object({ n: z.number() })',
  ArkType: "type({ n: 'number' })",
  Valibot: 'toStandardJsonSchema(v.object({ n: v.number() }))'
}

/** A handler that sends one event. */
const FORMS: Record<string, (name: string, data: string) => string> = {
  'reply.sse': (name, data) => `(_, reply) => reply.sse([{ event: '${name}', data: ${data} }])`,
  'a generator': (name, data) => `async function * () { yield event(${data}, { event: '${name}' }) }`,
  'a returned iterable': (name, data) => `() => [event(${data}, { event: '${name}' })]`,
  'an async handler': (name, data) => `async () => [event(${data}, { event: '${name}' })]`,
  constructors: (name, data) => `async function * () { yield constructors.${name}(${data}) }`
}

const CASES: Array<[what: string, name: string, data: string, isRight: boolean]> = [
  ['is taken', 'tick', '{ n: 1 }', true], ['is refused for its payload', 'tick', "{ n: 'x' }", false], ['is refused for its name', 'tock', '{ n: 1 }', false]
]

/** One line for each case, and how it has to end. */
function program (): { lines: string[], cases: Map<number, { title: string, isRight: boolean }> } {
  const lines = IMPORTS.split('\n')
  const cases = new Map<number, { title: string, isRight: boolean }>()
  for (const [provider, app] of Object.entries(PROVIDERS)) {
    for (const [kind, schema] of Object.entries(SCHEMAS)) {
      lines.push('{', `const app = ${app}`, `const contract = EventStream({ tick: ${schema} })`, 'const constructors = eventsOf(contract)', 'const schema = { response: { 200: contract } }')
      for (const [form, handler] of Object.entries(FORMS)) {
        for (const [what, name, data, isRight] of CASES) {
          cases.set(lines.length, { title: `provider ${provider}, ${kind}, ${form}: ${what}`, isRight })
          lines.push(`app.get('/', { schema }, ${handler(name, data)})`)
        }
      }
      lines.push('}')
    }
  }
  return { lines, cases }
}

t.test('every form of every kind of schema is checked under every type provider', { timeout: 100_000 }, async t => {
  const { config } = ts.readConfigFile(`${root}tsconfig.check.json`, path => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, root)
  const { lines, cases } = program()
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = path => path === FILE || fileExists(path)
  host.getSourceFile = (path, ...rest) => path === FILE ? ts.createSourceFile(path, lines.join('\n'), rest[0]) : getSourceFile(path, ...rest)
  const compiled = ts.createProgram([FILE], options, host)
  const source = compiled.getSourceFile(FILE)!
  const faults = new Map<number, string>()
  for (const { start, messageText } of compiled.getSemanticDiagnostics(source)) {
    faults.set(source.getLineAndCharacterOfPosition(start!).line, ts.flattenDiagnosticMessageText(messageText, ' '))
  }
  t.equal(cases.size, 5 * 6 * 5 * 3)
  for (const [line, { title, isRight }] of cases) {
    if (faults.has(line) === isRight) t.fail(`${title}, but: ${faults.get(line)}`)
    faults.delete(line)
  }
  t.strictSame(Array.from(faults.values()), [], 'nothing else is wrong')
})
