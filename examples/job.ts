/**
 * A long job with progress: every file of a folder is hashed, in order. The id of an event is the file's position, so a client
 * that lost its connection goes on where it was; one that has seen the end is told so by 204, and stops asking.
 *
 *     app.register(typedSse)
 *     app.register(job, { folder: '/usr/share/doc' })
 *
 *     curl -N http://localhost:3000/job
 *     curl -N -H 'Last-Event-ID: 100' http://localhost:3000/job
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EventStream, event } from 'fastify-typed-sse'

const Files = Type.Integer({ minimum: 0, description: 'How many files the folder has', examples: [1] })
const Position = Type.Integer({ minimum: 1, description: 'The file is number so many, counted from 1; also the id of the event' })
const Path = Type.String({ description: 'Relative to the folder', examples: ['fastify/package.json'] })

export const Job = EventStream({
  started: Type.Object({
    folder: Type.String({ examples: ['/home/ada/node_modules'] }),
    files: Files,
    done: Type.Integer({ minimum: 0, description: 'How many of them an earlier connection has seen', examples: [0] })
  }),
  hashed: Type.Object({
    position: Position,
    path: Path,
    bytes: Type.Integer({ minimum: 0, examples: [0] }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$', examples: [createHash('sha256').digest('hex')] })
  }),
  skipped: Type.Object({ position: Position, path: Path, reason: Type.String({ examples: ['Error: EACCES: permission denied'] }) }),
  finished: Type.Object({ files: Files })
}, { id: true, description: 'The files of a folder with their hashes, and an end' })

export interface JobOptions {
  /** The folder that is hashed, with all folders inside it. */
  folder: string
}

/** GET /job: the source is an async function, which may also answer that there is nothing left to say. */
export const job: FastifyPluginAsyncTypebox<JobOptions> = async (app, { folder }) => {
  app.get('/job', {
    schema: {
      summary: 'Hash a folder, file by file',
      // A browser sends the header Last-Event-ID only when it reconnects by itself; a new EventSource can only put it into the URL.
      querystring: Type.Object({ lastEventId: Type.Optional(Type.String({ description: 'In the place of the header Last-Event-ID' })) }),
      response: { 200: Job }
    }
  }, (request, reply) => {
    reply.sse(async ({ lastEventId = request.query.lastEventId, signal }) => {
      // Answered before anything slow is done: after `commitAfter` the headers are out, and a 204 comes too late.
      if (lastEventId === 'finished') return null
      const paths = await filesOf(folder)
      const done = Math.trunc(Number(lastEventId)) || 0
      return hashes(folder, paths, Math.min(Math.max(done, 0), paths.length), signal)
    })
  })
}

async function * hashes (folder: string, paths: string[], done: number, signal: AbortSignal) {
  yield event({ folder, files: paths.length, done }, { event: 'started' })
  for (const [index, path] of paths.entries()) {
    const position = index + 1
    if (position <= done) continue
    const at = { position, path: relative(folder, path) }
    try {
      yield event({ ...at, ...await hash(path, signal) }, { event: 'hashed', id: position })
    } catch (error) {
      if (signal.aborted) throw error
      yield event({ ...at, reason: String(error) }, { event: 'skipped', id: position })
    }
  }
  yield event({ files: paths.length }, { event: 'finished', id: 'finished' })
}

async function filesOf (folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  // A position means the same file on each visit only while the order is the same.
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name)).sort()
}

async function hash (path: string, signal: AbortSignal) {
  const sha256 = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { signal })) {
    sha256.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: sha256.digest('hex') }
}
