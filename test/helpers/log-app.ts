// An app with a topic and runs on a store that it shares with others, in a process of its own that a test may kill.
// Its argument is a LogAppSetting; it does what it is told by messages.
import { setTimeout as sleep } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import typedSse, { EventStream, eventsOf } from '../../lib/index.ts'
import { redisStore } from '../../lib/store/redis.ts'
import { sqliteStore } from '../../lib/store/sqlite.ts'
import { FatalStore, type Failpoint } from './fatal-store.ts'
import { Sqlite } from './sqlite.ts'

/** What the app is given. */
export interface LogAppSetting {
  /** Where it listens. */
  readonly port: number
  /** The port of a Redis, or a file of SQLite. */
  readonly store: number | string
  /** Of its runs, ms. */
  readonly lease: number
}

/** What the app does when it is told to, by name. */
export interface LogAppCalls {
  /** Publishes to the topic, one after another, until the process ends or is told to be quiet. */
  publish (by: string): void
  /** Resolves when nothing is under way. */
  quiet (): Promise<void>
  /** Starts a run whose source counts up to a number, or stays silent at it for so long. */
  start (id: string, upTo: number, silence?: number): Promise<string>
  stop (id: string): Promise<boolean>
  status (id: string): Promise<string>
  /** Starts one run by many callers, and reads its event. */
  claim (id: string, callers: number): Promise<{ readonly started: number, readonly produced: number, readonly first: string }>
  /** Dies at an append of events, after so many. */
  arm (failpoint: Failpoint, appends: number): void
  now (): number
}

/** What the app tells: an answer to a call, or that an event was acknowledged (its publisher or run, and its number). */
export type LogAppMessage = { readonly call: number, readonly value?: unknown, readonly error?: string } | { readonly acknowledged: string }

export const Count = EventStream({ count: Type.Object({ by: Type.String(), n: Type.Integer() }) }, { sentinel: '[DONE]' })
const { count } = eventsOf(Count)
/** Longer than any clock of a test is set back, ms. */
const TTL = 10_800_000

const { port, store: kept, lease } = JSON.parse(process.argv[2]!) as LogAppSetting
const store = new FatalStore(typeof kept === 'number' ? redisStore(new Redis(kept, { lazyConnect: true })) : sqliteStore(new Sqlite!(kept)))
const app = Fastify()
await app.register(typedSse, { store, shutdownGrace: 0, commitAfter: 0 })
const topic = app.sse.topic('topic', Count, { maxEvents: 1_000_000, ttl: TTL })
const runs = app.sse.run('run', Count, { lease, ttl: TTL, shutdownGrace: 0 })

app.get('/topic', { schema: { response: { 200: Count } } }, (_request, reply) => reply.sse(topic, { from: 'start' }))
app.get<{ Params: { id: string } }>('/run/:id', { schema: { response: { 200: Count } } }, (request, reply) => reply.sse(runs.of(request.params.id)))

const tell = (message: LogAppMessage): void => { if (process.connected) process.send!(message) }
const pause = (): Promise<void> => sleep(Math.random() * 4)
const publication = { isOver: true }
let publishing: Promise<void> | undefined

async function publishOn (by: string): Promise<void> {
  for (let n = 0; !publication.isOver; n++) {
    await topic.publish(count({ by, n }))
    tell({ acknowledged: `${by} ${n}` })
    if (n % 4 === 0) await pause()
  }
}

async function * countUp (by: string, upTo: number, silence: number) {
  for (let n = 0; n < upTo; n++) {
    yield count({ by, n })
    if (n % 4 === 0) await pause()
  }
  await sleep(silence)
}

const calls: LogAppCalls = {
  publish (by) {
    publication.isOver = false
    publishing = publishOn(by)
  },
  async quiet () {
    publication.isOver = true
    await publishing
  },
  start: (id, upTo, silence = 0) => runs.of(id).start(() => countUp(id, upTo, silence)),
  stop: id => runs.of(id).stop(),
  status: async id => (await runs.of(id).status()).state,
  async claim (id, callers) {
    let produced = 0
    const source = async function * () {
      produced++
      yield count({ by: id, n: 0 })
    }
    const outcomes = await Promise.all(Array.from({ length: callers }, () => runs.of(id).start(source)))
    let first = ''
    for await (const { data } of runs.of(id).messages()) first += JSON.stringify(data)
    return { started: outcomes.filter(outcome => outcome === 'started').length, produced, first }
  },
  arm: (failpoint, appends) => store.arm(failpoint, appends),
  now: Date.now
}

process.on('message', async ({ call, name, args }: { call: number, name: keyof LogAppCalls, args: never[] }) => {
  try {
    tell({ call, value: await (calls[name] as (...args: never[]) => unknown)(...args) })
  } catch (error) {
    tell({ call, error: (error as Error).stack ?? String(error) })
  }
})
process.once('disconnect', () => process.exit())

await app.listen({ port, host: '127.0.0.1' })
tell({ call: 0 })
