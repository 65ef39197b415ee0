/** The examples on one server, with a page at `/` that shows them at work. */
import { createReadStream } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import fastifySwagger from '@fastify/swagger'
import scalar from '@scalar/fastify-api-reference'
import Fastify from 'fastify'
import typedSse, { type SsePluginOptions } from 'fastify-typed-sse'
import { chat } from '../chat.ts'
import { job } from '../job.ts'
import { logs, LogTee } from '../logs.ts'
import { metrics } from '../metrics.ts'
import { readings } from '../readings.ts'
import { room } from '../room.ts'
import { troubles } from './troubles.ts'

export interface DemoOptions {
  /** Where the log goes beside the page. @default process.stdout */
  logTo?: { write (text: string): unknown }
  /** The folder whose files the job hashes. @default the node_modules of this project */
  folder?: string
  /** Of topics and runs. @default the memory of this process */
  store?: SsePluginOptions['store']
  /** The name of this one of several instances. */
  instance?: string | undefined
}

const examples = fileURLToPath(new URL('..', import.meta.url))

// The page has no build step: what it imports is served as it was published, and index.html maps the names to it.
const libraries = {
  'uplot.js': import.meta.resolve('uplot/dist/uPlot.esm.js'),
  'uplot.css': import.meta.resolve('uplot/dist/uPlot.min.css'),
  'eventsource-parser.js': import.meta.resolve('eventsource-parser')
}

const library = fileURLToPath(new URL('..', import.meta.resolve('fastify-typed-sse/client')))
const hidden = { schema: { hide: true } }
const nodeModules = fileURLToPath(new URL('../../node_modules', import.meta.url))

// Only what documents the streams: nothing that leaves this machine.
const reference = {
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: 'never',
  expandAllResponses: true,
  expandAllSchemaProperties: true
} as const

export async function buildApp ({ logTo = process.stdout, folder = nodeModules, store, instance }: DemoOptions = {}) {
  const log = new LogTee(logTo)
  // Browsers open connections ahead of need; without a request on them, they would keep the server from closing for a minute.
  const app = Fastify({ logger: { stream: log, ...instance && { base: { instance } } }, requestIdHeader: 'x-request-id' })
  if (instance) app.addHook('onRequest', async (_request, reply) => { reply.header('x-served-by', instance) })

  // Browsers wait three seconds before they reconnect if nothing is said; here one looks on.
  await app.register(troubles)
  await app.register(typedSse, { retry: 1000, store })
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.2.0',
      info: { title: 'fastify-typed-sse: the demo', version: '1.0.0', description: 'Event streams, documented by their routes.' }
    }
  })
  await app.register(metrics)
  await app.register(logs, { log })
  await app.register(job, { folder })
  await app.register(readings)
  await app.register(room)
  await app.register(chat, {
    texts: ['jabberwocky', 'ozymandias', 'gettysburg-address'].map(name => new URL(`../texts/${name}.txt`, import.meta.url))
  })

  app.get('/openapi.json', hidden, () => app.swagger())
  await app.register(scalar, { routePrefix: '/docs', configuration: reference })

  await app.register(fastifyStatic, { root: `${examples}demo/page`, cacheControl: false })
  await app.register(fastifyStatic, { root: library, prefix: '/lib/', cacheControl: false, decorateReply: false })
  for (const [name, url] of Object.entries(libraries)) {
    const file = fileURLToPath(url)
    app.get(`/lib/${name}`, hidden, (_, reply) => reply.sendFile(basename(file), dirname(file)))
  }
  for (const name of ['metrics', 'logs', 'job', 'chat', 'room', 'readings']) {
    // Not as a file: by its ending it would be a video.
    app.get(`/source/${name}.ts`, hidden, (_, reply) => reply.type('text/plain; charset=utf-8').send(createReadStream(`${examples}${name}.ts`)))
  }
  return app
}
