import { createClient } from '@hey-api/openapi-ts'
import { build } from 'esbuild'
import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import openapiTypescript, { astToString } from 'openapi-typescript'
import t from 'tap'
import ts from 'typescript'
import { createApp } from '../openapi/app.ts'

/** What is said of the generated types; the names in capitals are filled in. */
const CLAIMS = `
import type { Checkpoint, Comment, Message } from 'ROOT/lib/wire/message.ts'
import type { Events } from 'ROOT/test/openapi/app.ts'
import type { paths } from './openapi-typescript.ts'
import type { chat, openai } from './hey-api/sdk.gen'
import type { ChatData, ChatResponses, OneResponses, OpenaiResponses, StreamFailure, Token } from './hey-api/types.gen'

type Is<A, B> = 0 extends 1 & A ? false : unknown extends A ? false : [A] extends [B] ? [B] extends [A] ? true : false : false
type Unnamed<E> = Exclude<E, Comment | Checkpoint | Message<never, undefined> | Message<unknown, undefined>>
type Named<E> = E extends { event: string, data: infer Data } ? Data : never
type Content<Path extends keyof paths, Method extends keyof paths[Path]> =
  paths[Path][Method] extends { responses: { 200: { content: { 'text/event-stream': infer Data } } } } ? Data : never
type Item<Route extends (options: never) => Promise<{ stream: unknown }>> =
  Awaited<ReturnType<Route>>['stream'] extends AsyncGenerator<infer Data> ? Data : never

export const heyApi: [
  Is<OneResponses[200], Unnamed<Events['one']>>,
  Is<OneResponses[200], Token>,
  Is<OpenaiResponses[200], Unnamed<Events['openai']> | '[DONE]'>,
  Is<ChatResponses[200], Named<Events['chat']> | StreamFailure>,
  Is<Item<typeof openai>, Unnamed<Events['openai']> | '[DONE]'>,
  Is<Exclude<Item<typeof chat>, void>, Named<Events['chat']> | StreamFailure>,
  Is<NonNullable<ChatData['headers']>['Last-Event-ID'], string | undefined>
] = [true, true, true, true, true, true, true]

export const types: [
  Is<Content<'/one', 'get'>, Unnamed<Events['one']>>,
  Is<Content<'/openai', 'get'>, Unnamed<Events['openai']> | '[DONE]'>,
  Is<Content<'/chat', 'post'>, Named<Events['chat']> | StreamFailure>
] = [true, true, true]

// @ts-expect-error the claims can be false
export const wrong: Is<OneResponses[200], { text: number }> = true
// @ts-expect-error nothing is true of what is not known
export const unknowing: Is<unknown, unknown> = true
`

async function generate (version: string, directory: string): Promise<string> {
  const app = await createApp(version)
  const document = JSON.parse(JSON.stringify(app.swagger()))
  await app.close()
  await createClient({
    input: document,
    output: { path: join(directory, 'hey-api') },
    plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'],
    logs: { level: 'silent' }
  })
  await writeFile(join(directory, 'openapi-typescript.ts'), astToString(await openapiTypescript(document)))
  await writeFile(join(directory, 'claims.ts'), CLAIMS.replaceAll('ROOT', relative(directory, process.cwd())))
  return join(directory, 'claims.ts')
}

type Generated = Record<string, (options: object) => Promise<{ stream: AsyncIterable<unknown> }>>

async function collect (generated: Generated, route: string, options: object): Promise<unknown[]> {
  const { stream } = await generated[route]!({ ...options, sseMaxRetryAttempts: 1 })
  const items: unknown[] = []
  for await (const item of stream) items.push(item)
  return items
}

t.test('the generated types are those of the contracts', async t => {
  const directory = t.testdir({ 30: {}, 31: {} })
  const files = [await generate('3.0.3', join(directory, '30')), await generate('3.1.0', join(directory, '31'))]
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    exactOptionalPropertyTypes: false,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: ['node'],
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts']
  })
  const problems = files.flatMap(file => program.getSemanticDiagnostics(program.getSourceFile(file)))
  t.same(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [])
})

t.test("the generated client gives the contracts' payloads", async t => {
  const directory = t.testdir()
  await generate('3.1.0', directory)
  const bundle = join(directory, 'client.mjs')
  await build({ entryPoints: [join(directory, 'hey-api/sdk.gen.ts')], outfile: bundle, bundle: true, format: 'esm', platform: 'node', logLevel: 'silent' })
  const generated = await import(bundle) as Generated
  const app = await createApp('3.1.0')
  t.teardown(() => app.close())
  const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
  t.same(await collect(generated, 'one', { baseUrl }), [{ text: 'a' }, { text: 'b' }])
  t.same(await collect(generated, 'openai', { baseUrl }), [{ text: 'a' }, '[DONE]'])
  t.same(await collect(generated, 'raw', { baseUrl }), ['one line', 'two\nlines'])
  t.same(await collect(generated, 'chat', { baseUrl, body: { prompt: '?' } }), [{ text: 'Hello' }, { tokens: 4, at: '2026-01-31T12:00:00Z' }])
  const items = await collect(generated, 'failing', { baseUrl })
  t.same(items, [{ text: 'a' }, { statusCode: 404, code: 'NO_MODEL', error: 'Not Found', message: 'No such model' }], 'a failure is an item too')
})
