import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import { type AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import typedSse, { type SsePluginOptions, type Summary } from '../../lib/index.ts'

export type LogLine = { level: number, msg: string, err?: { code?: string, message: string }, sse?: Summary }

export interface Served {
  app: FastifyInstance
  port: number
  isHttp2: boolean
  /** What was logged, parsed. */
  lines: LogLine[]
}

type Test = { teardown (fn: () => unknown): void }

interface Serving {
  sse?: SsePluginOptions
  fastify?: FastifyServerOptions
  http2?: boolean
}

/** A listening app with the plugin; it is closed when the test is over. */
export async function serve (t: Test, routes: (app: FastifyInstance) => unknown, serving: Serving = {}): Promise<Served> {
  const lines: LogLine[] = []
  const stream = new Writable({
    write (chunk, _encoding, callback) {
      lines.push(JSON.parse(String(chunk)))
      callback()
    }
  })
  const isHttp2 = serving.http2 ?? false
  const options = { logger: { level: 'info', stream }, ...serving.fastify, ...(isHttp2 ? { http2: true } : {}) }
  const app = Fastify(options as FastifyServerOptions) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(typedSse, { shutdownGrace: 50, ...serving.sse })
  await routes(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, port: (app.server.address() as AddressInfo).port, isHttp2, lines }
}

export interface Asking {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** false: the body is never read. */
  isReading?: boolean
  agent?: http.Agent
}

/** A response as it comes in over a socket of its own. */
export class Answer {
  status = 0
  headers: Record<string, string | string[] | undefined> = {}
  text = ''
  /** How the response was over; a broken one is cut off by the server. */
  readonly ended: Promise<'end' | 'broken'>
  readonly leave: () => void
  readonly read: () => void
  #settle!: (how: 'end' | 'broken') => void
  #onText = () => {}

  constructor ({ leave, read }: { leave: () => void, read: () => void }) {
    this.leave = leave
    this.read = read
    this.ended = new Promise(resolve => { this.#settle = resolve })
  }

  take (chunk: string): void {
    this.text += chunk
    this.#onText()
  }

  over (how: 'end' | 'broken'): void {
    this.#settle(how)
    this.#onText()
  }

  /** Waits for text in the body. */
  async until (part: string): Promise<string> {
    let isOver = false
    this.ended.then(() => { isOver = true; this.#onText() })
    while (!this.text.includes(part)) {
      if (isOver) throw new Error(`the response was over without '${part}': ${this.text.slice(0, 500)}`)
      await new Promise<void>(resolve => { this.#onText = resolve })
    }
    return this.text
  }

  /** Waits for more of the body. */
  async more (): Promise<void> {
    let isOver = false
    this.ended.then(() => { isOver = true; this.#onText() })
    const before = this.text.length
    while (this.text.length === before) {
      if (isOver) throw new Error(`the response was over after: ${this.text.slice(-500)}`)
      await new Promise<void>(resolve => { this.#onText = resolve })
    }
  }

  /** Waits for the end of a response that has to end well. */
  async whole (): Promise<string> {
    const how = await this.ended
    if (how !== 'end') throw new Error(`the response was cut off after: ${this.text.slice(0, 500)}`)
    return this.text
  }

  get events (): EventSourceMessage[] {
    return parse(this.text)
  }
}

/** The events of a text, by a parser that is not ours. */
export function parse (text: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = []
  createParser({ onEvent: event => events.push(event) }).feed(text)
  return events
}

/** Asks over a connection of its own; resolves with the headers. */
export function ask (served: Served, path: string, asking: Asking = {}): Promise<Answer> {
  return served.isHttp2 ? askHttp2(served, path, asking) : askHttp1(served, path, asking)
}

async function askHttp1 ({ port }: Served, path: string, { method = 'GET', headers = {}, body, isReading = true, agent }: Asking): Promise<Answer> {
  const request = http.request({ host: '127.0.0.1', port, path, method, headers, agent: agent ?? false })
  request.on('error', () => { /* told by the response, or by its absence */ })
  request.end(body)
  const [response] = await once(request, 'response') as [http.IncomingMessage]
  const answer = new Answer({ leave: () => request.destroy(), read: () => { response.on('data', chunk => answer.take(chunk)) } })
  response.setEncoding('utf8')
  response.on('error', () => {})
  response.on('close', () => answer.over(response.complete ? 'end' : 'broken'))
  answer.status = response.statusCode!
  answer.headers = response.headers
  if (isReading) answer.read()
  return answer
}

async function askHttp2 ({ port }: Served, path: string, { method = 'GET', headers = {}, body, isReading = true }: Asking): Promise<Answer> {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const stream = session.request({ ':path': path, ':method': method, ...headers })
  let isBroken = false
  stream.on('error', () => { isBroken = true })
  stream.on('aborted', () => { isBroken = true })
  stream.end(body)
  const [head] = await once(stream, 'response') as [http2.IncomingHttpHeaders & { ':status': number }]
  const answer = new Answer({
    leave: () => session.destroy(),
    read: () => {
      stream.setEncoding('utf8')
      stream.on('data', chunk => answer.take(chunk))
    }
  })
  stream.on('close', () => {
    session.close()
    answer.over(isBroken || stream.rstCode !== 0 || !stream.readableEnded ? 'broken' : 'end')
  })
  answer.status = head[':status']
  answer.headers = head as Record<string, string>
  if (isReading) answer.read()
  return answer
}

/** Polls a condition by turns of the event loop, for at most 10 s. */
export async function eventually (condition: () => boolean, what = condition.toString()): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`did not come true: ${what}`)
    await turn()
  }
}

/** Lets the event loop turn: for what happens without an event to wait for. */
export async function turns (count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

/** Resolves once a counter stands still, as that of a source which is pulled no more. */
export async function standstill (count: () => number, long = 200): Promise<void> {
  for (let last = -1; last !== count();) {
    last = count()
    await turns(long)
  }
}

/** The summaries of the streams that were closed, as logged. */
export function summaries ({ lines }: Served): Summary[] {
  return lines.filter(line => line.msg === 'stream closed').map(line => line.sse!)
}

export function errorLines ({ lines }: Served): LogLine[] {
  return lines.filter(line => line.level >= 50)
}

/** Collects what must not happen; to be looked at when the test is over. */
export function unhandledErrors (t: Test): unknown[] {
  const seen: unknown[] = []
  const onMishap = (error: unknown) => { seen.push(error) }
  process.on('unhandledRejection', onMishap)
  process.on('uncaughtException', onMishap)
  t.teardown(() => {
    process.off('unhandledRejection', onMishap)
    process.off('uncaughtException', onMishap)
  })
  return seen
}

/** For child processes: they are transpiled otherwise, so what tap would measure in them would distort the coverage of this one. */
export const CHILD_ENV = { PATH: process.env.PATH, HOME: process.env.HOME, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
