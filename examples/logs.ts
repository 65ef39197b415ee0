/**
 * The server's own log as a topic: named events by level. The topic has the ids, so a browser that lost its connection misses no
 * line. Instances that share a store share it: each sees the lines of all.
 *
 *     const log = new LogTee(process.stdout)
 *     const app = Fastify({ logger: { stream: log } })
 *     app.register(typedSse)
 *     app.register(logs, { log })
 *
 *     curl -N http://localhost:3000/logs
 */
import { EventEmitter } from 'node:events'
import { Type, type FastifyPluginAsyncTypebox, type Static } from '@fastify/type-provider-typebox'
import { EventStream, eventsOf } from 'fastify-typed-sse'

export const Line = Type.Object({
  time: Type.Integer({ description: 'ms since 1970', examples: [1767225600000] }),
  level: Type.Integer({ description: 'Level of pino: 30 is info, 40 warn, 50 error', examples: [30] }),
  message: Type.String({ examples: ['request completed'] }),
  request: Type.Optional(Type.String({ description: 'Id of the request that the line belongs to', examples: ['req-1'] })),
  detail: Type.Optional(Type.String({ description: 'Method and path, or status and time, or the error', examples: ['200 in 2 ms'] })),
  instance: Type.Optional(Type.String({ description: 'Which of several instances wrote it', examples: ['A'] }))
})

// Browsers fire an event called `error` of their own when a connection is lost, so lines of level error travel as `failure`.
export const Logs = EventStream({ debug: Line, info: Line, warn: Line, failure: Line }, {
  id: true,
  description: 'The last lines, or those after Last-Event-ID; then every new one, without an end'
})
const events = eventsOf(Logs)

export interface LogsOptions {
  /** Where the lines come from: the stream that was given to Fastify's logger. */
  log: LogTee
}

/** GET /logs: the source is a topic, which is read from the twentieth last line on. */
export const logs: FastifyPluginAsyncTypebox<LogsOptions> = async (app, { log }) => {
  const lines = app.sse.topic('log', Logs, { maxEvents: 1000 })

  log.on('line', line => {
    // A line that the store does not take is on the terminal all the same.
    lines.publish(events[nameOf(line.level)](toLine(line))).catch(() => {})
  })

  app.get('/logs', {
    schema: { summary: 'The log of this server', response: { 200: Logs } }
  }, (_request, reply) => reply.sse(lines, { from: { last: 20 } }))
}

/** A stream for pino that passes every line on, and tells of it. */
export class LogTee extends EventEmitter {
  readonly #out: { write (text: string): unknown }

  constructor (out: { write (text: string): unknown }) {
    super()
    this.#out = out
  }

  write (text: string): void {
    this.#out.write(text)
    this.emit('line', JSON.parse(text))
  }
}

function nameOf (level: number) {
  if (level >= 50) return 'failure'
  if (level >= 40) return 'warn'
  return level >= 30 ? 'info' : 'debug'
}

// Only what is named here leaves the server: log lines hold addresses and headers that are nobody else's.
function toLine ({ time, level, msg = '', reqId, req, res, responseTime, err, sse, instance }: Record<string, any>): Static<typeof Line> {
  return {
    time,
    level,
    message: msg,
    ...(reqId !== undefined && { request: reqId }),
    ...(req !== undefined && { detail: `${req.method} ${req.url}` }),
    ...(res !== undefined && { detail: `${res.statusCode} in ${responseTime?.toFixed(1)} ms` }),
    ...(sse !== undefined && { detail: `${sse.reason ?? sse.state}, ${sse.events} events` }),
    ...(err !== undefined && { detail: err.message }),
    ...(instance !== undefined && { instance })
  }
}
