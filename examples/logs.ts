/**
 * The server's own log lines as they happen: named events by level, with ids, so that a browser that lost its connection misses none.
 *
 *     const log = new LogTee(process.stdout)
 *     const app = Fastify({ logger: { stream: log } })
 *     app.register(typedSse)
 *     app.register(logs, { log })
 *
 *     curl -N http://localhost:3000/logs
 */
import { EventEmitter, once } from 'node:events'
import { Type, type FastifyPluginAsyncTypebox, type Static } from '@fastify/type-provider-typebox'
import { EventStream, event } from 'fastify-typed-sse'

export const Line = Type.Object({
  time: Type.Integer({ description: 'ms since 1970', examples: [1767225600000] }),
  level: Type.Integer({ description: 'Level of pino: 30 is info, 40 warn, 50 error', examples: [30] }),
  message: Type.String({ examples: ['request completed'] }),
  request: Type.Optional(Type.String({ description: 'Id of the request that the line belongs to', examples: ['req-1'] })),
  detail: Type.Optional(Type.String({ description: 'Method and path, or status and time, or the error', examples: ['200 in 2 ms'] }))
})

// Browsers fire an event called `error` of their own when a connection is lost, so lines of level error travel as `failure`.
export const Logs = EventStream({ debug: Line, info: Line, warn: Line, failure: Line }, {
  id: true,
  description: 'The last lines, or those after Last-Event-ID; then every new one, without an end'
})

export interface LogsOptions {
  /** Where the lines come from: the stream that was given to Fastify's logger. */
  log: LogTee
}

/** GET /logs: the source is a function, which is told what the client has seen. */
export const logs: FastifyPluginAsyncTypebox<LogsOptions> = async (app, { log }) => {
  app.get('/logs', {
    schema: {
      summary: 'The log of this server',
      // A browser sends the header Last-Event-ID only when it reconnects by itself; a new EventSource can only put it into the URL.
      querystring: Type.Object({ lastEventId: Type.Optional(Type.String({ description: 'In the place of the header Last-Event-ID' })) }),
      response: { 200: Logs }
    }
  }, (request, reply) => {
    reply.sse(async function * ({ lastEventId = request.query.lastEventId, signal }) {
      for await (const { id, line } of log.follow(lastEventId, signal)) {
        yield event(line, { event: nameOf(line.level), id })
      }
    })
  })
}

function nameOf (level: number) {
  if (level >= 50) return 'failure'
  if (level >= 40) return 'warn'
  return level >= 30 ? 'info' : 'debug'
}

interface Entry { id: number, line: Static<typeof Line> }

/** A stream for pino that passes every line on, and keeps the last ones for those who follow. */
export class LogTee {
  readonly #out: { write (text: string): unknown }
  readonly #kept: Entry[] = []
  readonly #wake = new EventEmitter().setMaxListeners(0)
  // Ids begin at the clock: a server that was restarted counts on above what clients have seen.
  #lastId = Date.now()

  constructor (out: { write (text: string): unknown }) {
    this.#out = out
  }

  write (text: string): void {
    this.#out.write(text)
    this.#kept.push({ id: ++this.#lastId, line: toLine(JSON.parse(text)) })
    // The kept lines are every follower's queue: one who reads slowly loses old lines, and the memory stays bounded.
    if (this.#kept.length > 1000) this.#kept.shift()
    this.#wake.emit('line')
  }

  /** The lines after `lastEventId`, or the last twenty, and then each new one until `signal` fires. */
  async * follow (lastEventId: string | undefined, signal: AbortSignal): AsyncGenerator<Entry> {
    let seen = lastEventId === undefined ? this.#lastId - 20 : Number(lastEventId)
    while (!signal.aborted) {
      for (const entry of this.#kept.filter(({ id }) => id > seen)) {
        seen = entry.id
        yield entry
      }
      if (seen === this.#lastId) await once(this.#wake, 'line', { signal })
    }
  }
}

// Only what is named here leaves the server: log lines hold addresses and headers that are nobody else's.
function toLine ({ time, level, msg = '', reqId, req, res, responseTime, err, sse }: Record<string, any>): Static<typeof Line> {
  return {
    time,
    level,
    message: msg,
    ...(reqId !== undefined && { request: reqId }),
    ...(req !== undefined && { detail: `${req.method} ${req.url}` }),
    ...(res !== undefined && { detail: `${res.statusCode} in ${responseTime?.toFixed(1)} ms` }),
    ...(sse !== undefined && { detail: `${sse.reason}, ${sse.events} events` }),
    ...(err !== undefined && { detail: err.message })
  }
}
