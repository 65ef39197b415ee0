// The topics and runs of an app: what of Fastify they need, and their life from registration to close.
import { channel } from 'node:diagnostics_channel'
import { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { type Declaration } from '../contract/declaration.ts'
import { type CompilerCache } from '../encode/compiler.ts'
import { SSE_ERR_SHUTDOWN } from '../errors.ts'
import { Logs } from '../log/logs.ts'
import { type Store } from '../log/store.ts'
import { decide } from '../response/options.ts'
import { openIterator } from '../response/source.ts'
import { memoryStore } from '../store/memory.ts'
import { type Key } from '../topic/log-handle.ts'
import { type Producer, type ProducerSummary } from '../topic/producer.ts'
import { LogRegistry, type LogScope } from '../topic/registry.ts'
import { type Run, type RunHost, type RunSettings } from '../topic/run.ts'
import { type Topic } from '../topic/topic.ts'
import { logError, publicError, toError } from './failure.ts'
import { settingsOf, sharedSchemas } from './scope.ts'

/** What the diagnostics channels of runs publish: one object for each run, the same in both messages. */
export interface RunEvent {
  readonly name: string
  /** Undefined for the run without an id. */
  readonly id: Key | undefined
  /** Of `run:end`. */
  summary?: ProducerSummary
}

const channels = {
  start: channel('tracing:fastify-typed-sse:run:start'),
  end: channel('tracing:fastify-typed-sse:run:end')
}

/** The topics and runs of an app. */
export class AppLogs {
  readonly #root: FastifyInstance
  readonly #compilers: CompilerCache
  readonly #registry = new LogRegistry()
  readonly #logs = new Map<Store | undefined, Logs>()
  readonly #running = new Map<Producer, RunSettings>()

  constructor (root: FastifyInstance, compilers: CompilerCache) {
    this.#root = root
    this.#compilers = compilers
  }

  topic (scope: FastifyInstance, name: string, contract: unknown, options: unknown): Topic {
    return this.#registry.topic(this.#scope(scope), name, contract, options)
  }

  run (scope: FastifyInstance, name: string, contract: unknown, options: unknown): Run {
    return this.#registry.run(this.#scope(scope), name, contract, options, this.#hostOf(scope))
  }

  /** Compiles the contracts of topics and runs that were declared so far. */
  ready (): Promise<void> {
    return this.#registry.ready()
  }

  logsOf (scope: FastifyInstance, declaration: Declaration): { hasTopic: boolean, hasRun: boolean } {
    return this.#registry.logsOf(declaration, sharedSchemas(scope))
  }

  /** Waits for the sources of this process's runs for as long as each may take; those that go on fail. */
  async finishRuns (): Promise<void> {
    await Promise.all(Array.from(this.#running, async ([producer, { shutdownGrace }]) => {
      const timer = setTimeout(() => { producer.fail(new SSE_ERR_SHUTDOWN()).catch(() => { /* `done` resolves all the same */ }) }, shutdownGrace)
      await producer.done
      clearTimeout(timer)
    }))
  }

  async close (): Promise<void> {
    await Promise.all(Array.from(this.#logs.values(), logs => logs.close()))
  }

  #scope (scope: FastifyInstance): LogScope {
    const { store, ajv } = settingsOf(scope)!
    const shared = () => sharedSchemas(scope)
    return { logs: this.#logsOn(store), shared, compile: declaration => this.#compilers.of(shared(), ajv).compile(declaration) }
  }

  #logsOn (store: Store | undefined): Logs {
    let logs = this.#logs.get(store)
    if (logs === undefined) {
      const { log } = this.#root
      logs = new Logs(store ?? memoryStore(), {
        onDown: error => logError(log, 'error', error, 'store of topics and runs is down'),
        onUp: () => log.info('store of topics and runs is back')
      })
      this.#logs.set(store, logs)
    }
    return logs
  }

  #hostOf (scope: FastifyInstance): RunHost {
    return {
      producer: (name, key) => {
        const log = scope.log.child({ run: { name, id: key } })
        const event: RunEvent = { name, id: key }
        if (channels.start.hasSubscribers) channels.start.publish(event)
        return { log, open: source => openIterator(source).iterator, describe: error => publicError(toError(error)), drops: (error, item) => drops(scope, log, error, item), ended: summary => ended(log, event, summary) }
      },
      started: (producer, settings) => {
        this.#running.set(producer, settings)
        const over = () => { this.#running.delete(producer) }
        producer.done.then(over, over)
      }
    }
  }
}

function drops (scope: FastifyInstance, log: FastifyBaseLogger, error: unknown, item: unknown): boolean {
  if (decide(settingsOf(scope)!.streams.onInvalid, error as Error, item) === 'fail') return false
  logError(log, 'warn', error, 'invalid event dropped')
  return true
}

function ended (log: FastifyBaseLogger, event: RunEvent, summary: ProducerSummary): void {
  const { error, ...figures } = event.summary = summary
  if (error !== undefined) logError(log, 'error', error, `run ${summary.state}`)
  log.info({ sse: figures }, 'run ended')
  if (channels.end.hasSubscribers) channels.end.publish(event)
}
