// All topics and runs of an app, by name.
import { inspect, isDeepStrictEqual } from 'node:util'
import { type Declaration, declarationOf } from '../contract/declaration.ts'
import { type Encoder } from '../encode/encoder.ts'
import { SSE_ERR_CONTRACT, SSE_ERR_TOPIC_EXISTS } from '../errors.ts'
import { LONE_SURROGATE } from '../log/ids.ts'
import { type Logs } from '../log/logs.ts'
import { canonicalText } from '../schema/canonical.ts'
import { isRaw } from '../schema/raw-text.ts'
import { standardSchemaOf } from '../schema/standard-schema.ts'
import { type LogCore } from './log-handle.ts'
import { Records } from './records.ts'
import { Run, RunCore, type RunHost } from './run.ts'
import { runSettings, topicSettings } from './settings.ts'
import { Topic, TopicCore } from './topic.ts'

/** The scope of an app in which a topic or run is declared. */
export interface LogScope {
  readonly logs: Logs
  /** The scope's schemas by `$id`. */
  readonly shared: () => Readonly<Record<string, unknown>>
  readonly compile: (declaration: Declaration) => Promise<Encoder>
}

/** What the app wrote. */
interface Declared {
  readonly kind: string
  readonly name: string
  readonly contract: unknown
  readonly settings: object
  /** Without options: with those that it has, if it was declared before. */
  readonly isAgain: boolean
}

/** All topics, or all runs, of one name. */
type Core = LogCore & { readonly settings: object }

/** By store, then by name: a scope may have a store of its own. */
type Cores<C extends Core> = Map<Logs, Map<string, C>>

/** Declares topics and runs, each name once for each store. */
export class LogRegistry {
  readonly #topics: Cores<TopicCore> = new Map()
  readonly #runs: Cores<RunCore> = new Map()

  /**
   * @param options undefined for the defaults, or for those of the topic that was declared before
   * @throws SSE_ERR_CONTRACT, SSE_ERR_OPTION, SSE_ERR_TOPIC_EXISTS
   */
  topic (scope: LogScope, name: string, contract: unknown, options: unknown): Topic {
    const settings = topicSettings(options)
    const declared = { kind: 'topic', name, contract, settings, isAgain: options === undefined }
    return new Topic(declareLog(this.#topics, scope, declared, records => new TopicCore(name, records, scope.logs, settings)))
  }

  /**
   * @param options as for a topic
   * @throws SSE_ERR_CONTRACT, SSE_ERR_OPTION, SSE_ERR_TOPIC_EXISTS
   */
  run (scope: LogScope, name: string, contract: unknown, options: unknown, host: RunHost): Run {
    const settings = runSettings(options)
    const declared = { kind: 'run', name, contract, settings, isAgain: options === undefined }
    return new Run(declareLog(this.#runs, scope, declared, records => new RunCore(name, records, scope.logs, settings, host)))
  }

  /** Compiles the contracts of everything that was declared. */
  async ready (): Promise<void> {
    await Promise.all([...listOf(this.#topics), ...listOf(this.#runs)].map(({ records }) => records.ready()))
  }

  /** Which logs carry the events of a contract, for its document. */
  logsOf (declaration: Declaration, shared: Readonly<Record<string, unknown>>): { hasTopic: boolean, hasRun: boolean } {
    const text = contractText(declaration, shared)
    const has = (cores: Cores<Core>) => listOf(cores).some(({ records }) => records.text === text)
    return { hasTopic: has(this.#topics), hasRun: has(this.#runs) }
  }
}

function listOf (cores: Cores<Core>): Core[] {
  return Array.from(cores.values(), byName => [...byName.values()]).flat()
}

/**
 * What a contract says of its events, as text: equal for contracts that say the same.
 *
 * @param shared the scope's schemas by `$id`
 */
export function contractText (declaration: Pick<Declaration, 'events'>, shared: Readonly<Record<string, unknown>>): string {
  // What `validate` of a Standard Schema accepts is not in its JSON Schema.
  const validators = Array.from(declaration.events).sort(([a], [b]) => a < b ? -1 : 1).map(([, schema]) => identityOf(standardSchemaOf(schema)))
  return `${validators.join()} ${jsonText(declaration, shared)}`
}

/** The same without what only this process knows: kept with the records of a log. */
function jsonText ({ events }: Pick<Declaration, 'events'>, shared: Readonly<Record<string, unknown>>): string {
  // The schema of raw text reads like that of a JSON string, whose line may not hold what raw text may.
  return JSON.stringify(Array.from(events, ([name, schema]) => [name, canonicalText(schema, shared), ...isRaw(schema) ? ['raw'] : []]).sort())
}

const identities = new WeakMap<object, number>()
let lastIdentity = 0

/** A number for each object, 0 for none. */
function identityOf (schema: object | undefined): number {
  if (schema === undefined) return 0
  const known = identities.get(schema) ?? ++lastIdentity
  identities.set(schema, known)
  return known
}

function declareLog<C extends Core> (
  all: Cores<C>, { shared, compile, logs }: LogScope, { kind, name, contract, settings, isAgain }: Declared, make: (records: Records) => C
): C {
  if (typeof name !== 'string' || name === '' || LONE_SURROGATE.test(name)) throw new SSE_ERR_CONTRACT(`The name of a ${kind} must be a string that is not empty and has no lone surrogates, got ${inspect(name, { depth: 0 })}: write app.sse.${kind}(name, contract)`)
  const declaration = declarationOf(contract)
  if (declaration === undefined) throw new SSE_ERR_CONTRACT(`The contract of ${kind} '${name}' must be what EventStream returned`)
  const texts = { inProcess: () => contractText(declaration, shared()), inJson: () => jsonText(declaration, shared()) }
  let cores = all.get(logs)
  if (cores === undefined) all.set(logs, cores = new Map())
  const known = cores.get(name)
  if (known !== undefined) {
    if (known.records.text !== texts.inProcess() || !(isAgain || isDeepStrictEqual(known.settings, settings))) throw new SSE_ERR_TOPIC_EXISTS(`${kind} '${name}'`)
    return known
  }
  const core = make(new Records(declaration, texts, () => compile(declaration), logs.limits.maxEventBytes))
  cores.set(name, core)
  return core
}
