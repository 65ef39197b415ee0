import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import t from 'tap'
import { CHILD_ENV } from '../helpers/serve.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = join(root, '.readme')
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map(name => `docs/${name}`)]
const texts = new Map(documents.map(file => [file, readFileSync(join(root, file), 'utf8')]))
const blocks = documents.flatMap(file => Array.from(texts.get(file)!.matchAll(/^```ts\n(.*?)^```$/gms), (match, i) => ({
  // Blocks that import each other begin with their names.
  name: /^\/\/ (\S+\.ts)\n/.exec(match[1]!)?.[1] ?? `${file.replace(/^docs\/|\.md$/g, '').replace('.md', '').toLowerCase()}-${i + 1}.ts`,
  code: match[1]!
})))

const jsonBlocks = Array.from(texts.get('docs/openapi.md')!.matchAll(/^```json\n(.*?)^```$/gms), match => JSON.parse(match[1]!))

/** What the servers in the documents answer: each block that starts one is asked, and must have a line here. */
const ANSWERS: Array<{ has: string, request: object, body: RegExp }> = [
  { has: "'/ticks'", request: { url: '/ticks' }, body: /^(data: \{"n":[123],"at":"[^"]+Z"\}\n\n){3}$/ },
  { has: 'querystring: Type.Object({ prompt', request: { url: '/chat?prompt=a%20b' }, body: /^: thinking\n\nevent: token\ndata: \{"text":"a"\}\nid: 1\n\n.*event: done\ndata: \{"tokens":2\}\n\n$/s },
  { has: "'/lines'", request: { url: '/lines', headers: { 'last-event-id': '1' } }, body: /^retry: 2000\n\ndata: "three"\nid: 2\n\n$/ },
  { has: "'/lines'", request: { url: '/lines', headers: { 'last-event-id': '2' } }, body: /^$/ },
  { has: "'/users/:id/messages'", request: { method: 'POST', url: '/users/1/messages', payload: { text: 'a' } }, body: /^$/ },
  { has: 'answers.of(request.params.id)', request: { method: 'POST', url: '/answers/1', payload: { prompt: 'a b' } }, body: /^event: token\ndata: \{"text":"a"\}\nid: \S+\n\nevent: token\ndata: \{"text":"b"\}\nid: \S+\n\ndata: \[DONE\]\nid: \S+\n\n$/ },
  { has: 'answers.of(request.params.id)', request: { method: 'DELETE', url: '/answers/1' }, body: /^\{"stopped":false\}$/ },
  { has: "topic('prices'", request: { url: '/nothing' }, body: /Not Found/ },
  { has: "'/mentions'", request: { method: 'POST', url: '/mentions', payload: { to: 'bob', text: 'hi' }, headers: { cookie: 'user=ada' } }, body: /^\{"stored":true\}$/ },
  { has: "'/quotes'", request: { method: 'POST', url: '/quotes', payload: { symbol: 'ACME', value: 1.5 } }, body: /^\{"id":"\S+"\}$/ },
  { has: "'/quotes'", request: { method: 'POST', url: '/quotes', payload: { symbol: 'ACME' } }, body: /SSE_ERR_PAYLOAD/ },
  { has: "'/board/:player'", request: { method: 'POST', url: '/board/ada' }, body: /^\{"points":4\}$/ },
  { has: 'idempotencyKey:', request: { url: '/nothing' }, body: /Not Found/ },
  { has: "'/news'", request: { method: 'HEAD', url: '/news' }, body: /^$/ },
  { has: "'/alerts'", request: { url: '/alerts', headers: { authorization: 'Bearer ada:1' } }, body: /"statusCode":401,.*The token has expired/ },
  { has: "'/alerts'", request: { method: 'HEAD', url: '/alerts', headers: { authorization: 'Bearer ada:9999999999' } }, body: /^$/ },
  { has: "'/scores'", request: { method: 'OPTIONS', url: '/scores', headers: { origin: 'https://example.com', 'access-control-request-method': 'GET', 'access-control-request-headers': 'last-event-id' } }, body: /^$/ },
  { has: "'/jobs/:id'", request: { method: 'POST', url: '/jobs/1' }, body: /^\{"state":"started"\}$/ },
  { has: "'/jobs/:id'", request: { url: '/jobs/1' }, body: /"done":3,"of":3\}[^]*\/results\/1/ },
  { has: "'/rows'", request: { method: 'POST', url: '/rows', payload: { title: 'three' } }, body: /^\{"id":3\}$/ },
  { has: "'/rows'", request: { method: 'HEAD', url: '/rows' }, body: /^$/ },
  { has: "'/relay'", request: { url: '/relay' }, body: /^event: token\ndata: \{"text":"Hello"\}\nid: 1\n\ndata: \[DONE\]\n\n$/ },
  { has: "'/updates'", request: { method: 'POST', url: '/updates' }, body: /^retry: 3000\n\nevent: update\ndata: \{"name":"first"\}\nid: 1\n\n$/ },
  { has: "'/updates'", request: { url: '/updates' }, body: /^retry: 3000\n\nevent: update\ndata: \{"name":"second"\}\n\nevent: update\ndata: \{"name":"third"\}\n\n$/ },
  { has: "'/emitter'", request: { url: '/callbacks' }, body: /^data: \{"sensor":"roof","celsius":21.5\}\n\n$/ },
  { has: "'/emitter'", request: { method: 'HEAD', url: '/emitter' }, body: /^$/ },
  { has: "'/summary'", request: { method: 'POST', url: '/summary', payload: { words: ['to', 'be'], stream: true } }, body: /^event: piece\ndata: \{"text":"to"\}\n\nevent: piece\ndata: \{"text":"be"\}\n\n$/ },
  { has: "'/summary'", request: { method: 'POST', url: '/summary', payload: { words: ['to', 'be'] } }, body: /^\{"text":"to be"\}$/ },
  { has: "'/summary'", request: { method: 'POST', url: '/summary', payload: { words: ['to'] }, headers: { accept: 'text/event-stream' } }, body: /^event: piece\n/ },
  { has: "'/posts/:user'", request: { method: 'PUT', url: '/posts/ada/garden' }, body: /^\["lobby","garden"\]$/ },
  { has: "'/lobby/:user'", request: { method: 'HEAD', url: '/lobby/ada' }, body: /^$/ },
  { has: "'/lobby/:user'", request: { method: 'DELETE', url: '/sessions/ada' }, body: /^\{"left":1\}$/ },
  { has: "'/lobby/:user'", request: { url: '/lobby/ada' }, body: /Log in first/ },
  { has: "'/weather'", request: { method: 'HEAD', url: '/weather' }, body: /^$/ },
  { has: "'/metrics'", request: { url: '/numbers' }, body: /^data: 1\n\ndata: 2\n\ndata: 3\n\n$/ },
  { has: "'/metrics'", request: { url: '/metrics' }, body: /^\{"open":0,"ended":\{"\/numbers complete":1\}\}$/ },
  { has: "'/answers', {", request: { method: 'POST', url: '/answers', payload: { prompt: 'a' } }, body: /^event: token\ndata: \{"text":"Hello"\}\nid: 1\n\nevent: usage\ndata: \{"tokens":4\}\nid: 2\n\n$/ },
  { has: "'/answers', {", request: { url: '/openapi.json' }, body: /"openapi":"3\.2\.0"/ },
  { has: "'/prices', { schema: { response: { 200: EventStream({ type", request: { url: '/prices' }, body: /^data: \{"price":1.5\}\n\n$/ },
  { has: "'/prices', { schema: { response: { 200: EventStream({ type", request: { url: '/openapi-3.1.json' }, body: /"openapi":"3\.1\.1"/ },
  { has: "'/words'", request: { method: 'POST', url: '/words', payload: { text: 'to be' } }, body: /^data: \{"word":"to"\}\n\ndata: \{"word":"be"\}\n\n$/ },
  { has: "'/words'", request: { url: '/openapi.json' }, body: /"word":\{"type":"string","minLength":1\}/ },
  { has: "app.all('/chat'", request: { method: 'POST', url: '/chat', payload: { prompt: 'a' } }, body: /^event: token\ndata: \{"text":"a"\}\nid: 1\n\nevent: done\ndata: \{"tokens":1\}\n\n$/ }
]

const servers = blocks.filter(({ code }) => code.includes('const app ='))
const guide = blocks.find(({ code }) => code.includes("'/answers', {"))!
const asked = [
  ...servers.map(({ name, code }) => ({ name, code, requests: ANSWERS.filter(({ has }) => code.includes(has)).map(({ request }) => request) })),
  { name: 'guide-3.2.ts', code: guide.code, requests: [{ url: '/openapi.json' }] },
  { name: 'guide-3.1.ts', code: guide.code.replace("'3.2.0'", "'3.1.1'"), requests: [{ url: '/openapi.json' }] }
]
/** The bodies that each server answered with, or why it did not. */
let answers: Record<string, string[] | string>

t.before(async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const { name, code } of blocks) {
    writeFileSync(join(folder, name), code)
    script(name, code)
  }
  answers = await askAll()
})

t.test('every ts block of the documents compiles', async t => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), path => ts.sys.readFile(path))
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const program = ts.createProgram(blocks.map(({ name }) => join(folder, name)), { ...options, noUnusedParameters: false, lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'] })
  const problems = ts.getPreEmitDiagnostics(program).map(problem =>
    `${problem.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`)
  t.strictSame(problems, [])
})

for (const { name, code } of servers) {
  t.test(`the server of ${name} answers as it says`, async t => {
    const expected = ANSWERS.filter(({ has }) => code.includes(has))
    t.not(expected.length, 0, 'is asked something')
    t.equal(bodiesOf(name).length, expected.length, 'each request is answered')
    expected.forEach(({ body }, i) => t.match(bodiesOf(name)[i], body))
  })
}

for (const [name, output] of [['parse.ts', /^token \{ text: 'to' \}\ntoken \{ text: 'be' \}\ndone \{ tokens: 2 \}\n$/], ['testing.ts', /^$/], ['store-suite.ts', /^. fail 0$/m]] as const) {
  t.test(`${name} runs`, async t => {
    t.match(await run(scriptOf(name)), output)
  })
}

t.test('the JSON of the OpenAPI guide is what is produced', async t => {
  const answerOf = (document: string) => JSON.parse(document).paths['/answers'].post.responses[200]
  t.strictSame(answerOf(bodiesOf('guide-3.2.ts')[0]!), jsonBlocks[0])
  const { 'x-oai-itemSchema': item, ...rest } = answerOf(bodiesOf('guide-3.1.ts')[0]!).content['text/event-stream']
  t.strictSame(item, jsonBlocks[0].content['text/event-stream'].itemSchema)
  t.strictSame(rest, jsonBlocks[1])
})

t.test('every relative link of the documents leads to a file and a heading', async t => {
  for (const [file, text] of texts) {
    for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const path = target === '' ? join(root, file) : join(root, dirname(file), target!)
      t.ok(existsSync(path), `${file}: ${target}`)
      if (anchor !== undefined) t.ok(headingsOf(readFileSync(path, 'utf8')).includes(anchor), `${file}: ${target}#${anchor}`)
    }
  }
})

function headingsOf (text: string): string[] {
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading]) => heading!.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'))
}

/** All servers are asked in one process, one after the other: a process for each takes half a minute. */
async function askAll (): Promise<typeof answers> {
  for (const { name, code, requests } of asked) {
    script(`run-${name}`, `${code.replace('logger: true', 'logger: false').replace('port: 3000', 'port: 0')}
export const bodies: string[] = []
for (const request of ${JSON.stringify(requests)}) bodies.push((await app.inject(request as object) as { body: string }).body)
await app.close()
`)
  }
  await run(script('ask-all.ts', `import { writeFileSync } from 'node:fs'
const answers: Record<string, unknown> = {}
for (const name of ${JSON.stringify(asked.map(({ name }) => name))}) {
  answers[name] = await import('./run-' + name.replace('.ts', '.js')).then(({ bodies }) => bodies, error => String(error.stack))
}
writeFileSync(new URL('answers.json', import.meta.url), JSON.stringify(answers))
`))
  return JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'))
}

function bodiesOf (name: string): string[] {
  const bodies = answers[name]!
  if (typeof bodies === 'string') throw new Error(bodies)
  return bodies
}

/** Compiles a block into a script. */
function script (name: string, code: string): string {
  const file = scriptOf(name)
  const { ESNext } = ts.ModuleKind
  writeFileSync(file, ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2023, module: ESNext, rewriteRelativeImportExtensions: true } }).outputText)
  return file
}

function scriptOf (name: string): string {
  return join(folder, name.replace(/\.ts$/, '.js'))
}

async function run (file: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root, env: CHILD_ENV })
  return stdout
}
