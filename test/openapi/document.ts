import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance } from 'fastify'
import typedSse, { type SseOptions } from '../../lib/index.ts'
import { type Document, type MediaType, type Schema } from './app.ts'

export interface Making {
  sse?: SseOptions
  shared?: Schema[]
  openapi?: object
  convertConstToEnum?: boolean
}

/** The document of an app with the routes of the map, by path. */
export async function documentOf (version: string, routes: Record<string, object>, { sse, shared = [], openapi, ...options }: Making = {}): Promise<Document> {
  const app = Fastify() as FastifyInstance
  const settings = { openapi: { openapi: version, ...openapi }, refResolver: { buildLocalReference: (json: Schema) => String(json.$id) }, ...options }
  await app.register(swagger, settings)
  await app.register(typedSse, sse ?? {})
  for (const schema of shared) app.addSchema(schema)
  for (const [path, response] of Object.entries(routes)) {
    app.get(path, { schema: { response: { 200: response } } }, () => [])
  }
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger()))
  await app.close()
  return document
}

/** The stream of an app with one route. */
export async function mediaTypeOf (version: string, response: object, making?: Making): Promise<MediaType> {
  const { paths } = await documentOf(version, { '/': response }, making)
  return paths['/']!.get!.responses['200']!.content!['text/event-stream']!
}

/** Without the error event. */
export const QUIET = { sse: { errorEvent: false } } as const
