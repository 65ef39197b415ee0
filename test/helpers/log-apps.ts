// The processes of log-app.ts, as a test has them.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { LogIds, logName } from '../../lib/log/ids.ts'
import { type Cursor, type Store } from '../../lib/log/store.ts'
import type { LogAppCalls, LogAppMessage, LogAppSetting } from './log-app.ts'
import { redisStore } from '../../lib/store/redis.ts'
import { sqliteStore } from '../../lib/store/sqlite.ts'
import { portToKeep } from './port.ts'
import { RedisServer, skipRedis } from './redis.ts'
import { CHILD_ENV } from './serve.ts'
import { skipSqlite, Sqlite } from './sqlite.ts'

/** It caches what it compiles, so that a process starts in half the time that tsx takes. */
const COMPILER = new URL('../typescript/register.js', import.meta.url).href

type Test = { teardown (fn: () => unknown): unknown }
type Call = { resolve (value: unknown): void, reject (error: Error): void }

/** A store that processes share. */
interface SharedStore {
  /** As {@link LogAppSetting.store} has it. */
  readonly at: number | string
  /** The test's own way to it. */
  readonly store: Store
}

/** The stores that processes can share. */
export const SHARED: ReadonlyArray<{ readonly name: string, readonly skip: string | false, readonly open: (t: Test) => Promise<SharedStore> }> = [
  {
    name: 'Redis',
    skip: skipRedis,
    async open (t) {
      const { port } = await RedisServer.start(t)
      return shared(t, port, redisStore(new Redis(port, { lazyConnect: true })))
    }
  },
  {
    name: 'SQLite',
    skip: skipSqlite,
    async open (t) {
      const dir = await mkdtemp(join(tmpdir(), 'typed-sse-sqlite-'))
      t.teardown(() => rm(dir, { recursive: true, force: true }))
      const file = join(dir, 'events.db')
      return shared(t, file, sqliteStore(new Sqlite!(file)))
    }
  }
]

function shared (t: Test, at: number | string, store: Store): SharedStore {
  t.teardown(() => store.close())
  return { at, store }
}

/** An app of its own process. */
export class LogApp {
  /** What it was told of as acknowledged: publishers or runs, each with a number. */
  readonly acknowledged: string[] = []
  readonly port: number
  readonly #process: ChildProcess
  readonly #died: Promise<unknown>
  readonly #calls = new Map<number, Call>()
  #last = 0
  #waiting: { readonly at: number, readonly resolve: () => void } | undefined

  private constructor (port: number, process: ChildProcess) {
    this.port = port
    this.#process = process
    process.on('message', message => this.#take(message as LogAppMessage))
    // What it told before it died may come after its exit.
    this.#died = Promise.all([once(process, 'exit'), once(process, 'disconnect')])
    process.once('exit', (code, signal) => {
      for (const { reject } of this.#calls.values()) reject(new Error(`the process ended with ${code ?? signal}`))
      this.#waiting?.resolve()
    })
  }

  /** Resolves once it listens. */
  static async start (t: Test, setting: Omit<LogAppSetting, 'port'>, env: NodeJS.ProcessEnv = {}): Promise<LogApp> {
    const port = await portToKeep()
    const child = fork(new URL('log-app.ts', import.meta.url), [JSON.stringify({ ...setting, port })], { execArgv: ['--import', COMPILER], env: { ...CHILD_ENV, ...env } })
    const app = new LogApp(port, child)
    t.teardown(() => app.kill())
    await new Promise((resolve, reject) => app.#calls.set(0, { resolve, reject }))
    return app
  }

  call<Name extends keyof LogAppCalls> (name: Name, ...args: Parameters<LogAppCalls[Name]>): Promise<Awaited<ReturnType<LogAppCalls[Name]>>> {
    const call = ++this.#last
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve: resolve as Call['resolve'], reject })
      this.#process.send({ call, name, args })
    })
  }

  /** Resolves when so many events more were acknowledged, or the process is dead. */
  async after (events: number): Promise<void> {
    if (this.isDead) return
    await new Promise<void>(resolve => { this.#waiting = { at: this.acknowledged.length + events, resolve } })
  }

  get isDead (): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Resolves when it is dead, by itself or by {@link kill}. */
  async died (): Promise<void> {
    await this.#died
  }

  async kill (): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#died
  }

  #take (message: LogAppMessage): void {
    if ('acknowledged' in message) {
      this.acknowledged.push(message.acknowledged)
      if (this.#waiting !== undefined && this.acknowledged.length >= this.#waiting.at) this.#waiting.resolve()
      return
    }
    const { call, value, error } = message
    const { resolve, reject } = this.#calls.get(call)!
    this.#calls.delete(call)
    if (error === undefined) resolve(value)
    else reject(new Error(error))
  }
}

/** The truth: the events that a log of these apps has, as {@link CutReader.seen} names them. */
export async function eventsIn (store: Store, kind: 'topic' | 'run', key?: string): Promise<string[]> {
  const log = logName(kind, kind, key)
  const ids = new LogIds(log)
  const events: string[] = []
  for (let after: Cursor | null = null; ;) {
    const { entries } = await store.read(log, after, { limit: 500 })
    if (entries.length === 0) return events
    for (const { kind, data, id } of entries) if (kind === 'event') events.push(`${ids.of(id)} ${data}`)
    after = entries.at(-1)!.id
  }
}
