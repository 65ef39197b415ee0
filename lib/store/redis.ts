// Logs in Redis 6.2 or Valkey 7.2 and later, for any number of processes. A log is a stream, its ids are the stream's.
import { cursorOf, positionOf } from '../log/cursor.ts'
import { storeOptions, type StoreOptions } from '../log/limits.ts'
import {
  StoreError, type AppendOptions, type Cursor, type LogEntry, type LogRecord, type Notify, type ReadOptions, type Slice,
  type Store, type StoreErrorCode, type StoreLimits
} from '../log/store.ts'
import { driverOf, type RedisClient, type RedisDriver } from './redis-client.ts'
import { Link } from './redis-link.ts'
import { APPEND, DELETE, FIELD_OF_KIND, READ, type Script } from './redis-script.ts'
import { Subscriptions } from './redis-subscriptions.ts'

export type { RedisClient } from './redis-client.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions extends StoreOptions {
  /**
   * What all keys and channels begin with, after the `keyPrefix` of the client if it has one. The number is the version
   * of the format.
   * @default 'sse1:'
   */
  prefix?: string | undefined
}

/**
 * Keeps logs in Redis. The client is duplicated, never used itself: the store has a connection for commands and, once
 * somebody reads, one that subscribes. Both are opened when they are needed first.
 *
 * What Redis acknowledged it may still lose (`appendfsync everysec`, a failover to a replica). Runs whose producer lives
 * write it again; readers of topics get a `$gap` after each restart of Redis. For that the user needs the permission to call `INFO`.
 *
 * @param client an ioredis 5 or 6 instance, also with `keyPrefix` or Sentinels, or a node-redis 5 or 6 client
 * @throws SSE_ERR_OPTION
 */
export function redisStore (client: RedisClient, options: RedisStoreOptions = {}): Store {
  return new RedisStore(driverOf(client), options)
}

/** Of a connection to come about, and of a command to be answered, ms. */
const TIMEOUT = 2_000
const PING = 5_000
/** The range of PEXPIRE ends somewhere. */
const LONGEST_TTL = 1e15

const KIND_OF_FIELD: { readonly [field: string]: LogRecord['kind'] } = { o: 'open', e: 'event', x: 'end' }

type Reply = readonly string[]
type StreamEntry = readonly [id: Cursor, fields: readonly string[]]

const RULES = { prefix: { expected: 'a string', accepts: (value: unknown) => typeof value === 'string' } }

class RedisStore implements Store {
  readonly limits: StoreLimits
  readonly #prefix: string
  readonly #database: number
  readonly #commands: Link
  readonly #subscriptions: Subscriptions
  #hasWarned = false

  constructor (driver: RedisDriver, options: RedisStoreOptions) {
    const { prefix = 'sse1:', ...limits } = storeOptions(options, RULES)
    this.limits = limits
    this.#prefix = driver.keyPrefix + prefix
    this.#database = driver.database
    this.#commands = new Link(driver, { timeout: TIMEOUT })
    this.#subscriptions = new Subscriptions(driver, { timeout: TIMEOUT, ping: PING, parse: parseHint })
  }

  async append (log: string, records: readonly LogRecord[], options: AppendOptions): Promise<Cursor> {
    const { first = '', after, ttl, lease, maxEvents, token, idempotencyKey, signal } = options
    const args = [
      first, after ?? '', milliseconds(ttl), lease === undefined ? '' : milliseconds(lease), maxEvents === undefined ? '' : String(maxEvents),
      this.#channel(log), '1', token?.publisher ?? '', String(token?.sequence ?? 0), idempotencyKey === undefined ? '' : '=' + idempotencyKey
    ]
    for (const { kind, type, data, meta } of records) {
      args.push(FIELD_OF_KIND[kind], type, data, meta)
      // The separator of a hint.
      if (type.includes('\0') || data.includes('\0') || meta.includes('\0')) args[6] = ''
    }
    const [status, id, denied] = await this.#run(APPEND, this.#keys(log), args, signal) as Reply
    if (denied === '1') this.#warn()
    if (status === 'OK') return id as Cursor
    throw refused(status as StoreErrorCode, id as Cursor | '', first)
  }

  async read (log: string, after: Cursor | null, { limit, maxText, last, signal }: ReadOptions): Promise<Slice> {
    const args = [after === null ? '-' : '(' + after, String(limit), last === undefined ? '' : String(last), maxText === undefined ? '' : String(maxText)]
    const [tail, entries, lease] = await this.#run(READ, this.#keys(log).slice(0, 2), args, signal) as [StreamEntry?, StreamEntry[]?, number?]
    if (tail === undefined) return { entries: [], tail: null, lease: null }
    return { entries: entries!.map(entryOf), tail: entryOf(tail), lease: lease! > 0 ? lease! : null }
  }

  async watch (log: string, notify: Notify): Promise<() => void> {
    try {
      return await this.#subscriptions.watch(this.#channel(log), notify)
    } catch (error) {
      throw unavailable(error)
    }
  }

  async delete (log: string): Promise<void> {
    await this.#run(DELETE, this.#keys(log), [this.#channel(log)])
  }

  async close (): Promise<void> {
    this.#commands.close()
    this.#subscriptions.close()
  }

  async #run ({ source, sha }: Script, keys: string[], args: string[], signal?: AbortSignal): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.#commands.request(connection => connection.command('EVALSHA', [sha, ...rest]).catch(error => {
        // A server that restarted, or whose scripts were flushed, has to get the text again.
        if (!String(error?.message).startsWith('NOSCRIPT')) throw error
        return connection.command('EVAL', [source, ...rest])
      }), signal)
    } catch (error) {
      throw signal?.aborted ? signal.reason : unavailable(error)
    }
  }

  /** The keys of a log have its name as hash tag, so that they share a slot of a Cluster. */
  #keys (log: string): string[] {
    const stream = this.#stream(log)
    return [stream, stream + ':l', stream + ':t', stream + ':i', stream + ':x', stream + ':f']
  }

  #stream (log: string): string {
    return `${this.#prefix}{${encodeName(log)}}`
  }

  #channel (log: string): string {
    return `${this.#stream(log)}@${this.#database}`
  }

  #warn (): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    process.emitWarning('The Redis user may not call INFO, so a restart of Redis cannot be told: where it loses events of a topic, ' +
      'readers may miss them without a $gap. Allow it with ACL SETUSER <user> +info', { code: 'SSE_WARN_REDIS_INFO' })
  }
}

function milliseconds (ms: number): string {
  return String(Math.ceil(Math.min(Math.max(ms, 1), LONGEST_TTL)))
}

/** Nothing in a name may end the hash tag, be taken for a pattern, or break a line of redis-cli. */
function encodeName (name: string): string {
  // An empty hash tag is none.
  if (name === '') return '%'
  return name.replace(/[{}*%\s\p{Cc}]/gu, character => character > '~' ? encodeURIComponent(character) : '%' + character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase())
}

function entryOf ([id, [field, type, , data, , meta]]: StreamEntry): LogEntry {
  return { id, kind: KIND_OF_FIELD[field!]!, type: type!, data: data!, meta: meta! }
}

/** The entries of a notification, null where they were left out. */
function parseHint (payload: string): readonly LogEntry[] | null {
  if (payload === '') return null
  const [first, opened, ...fields] = payload.split('\0') as [Cursor, string, ...string[]]
  const { epoch, seq } = positionOf(first)
  const entries: LogEntry[] = []
  if (opened !== '') entries.push({ id: cursorOf(epoch, 0), kind: 'open', type: '', data: '', meta: '' })
  for (let i = 0; i < fields.length; i += 4) {
    entries.push({ id: cursorOf(epoch, seq + i / 4), kind: KIND_OF_FIELD[fields[i]!]!, type: fields[i + 1]!, data: fields[i + 2]!, meta: fields[i + 3]! })
  }
  return entries
}

const REASONS: { readonly [code in StoreErrorCode]?: string } = {
  FENCED: 'a later epoch exists',
  ENDED: 'the log is sealed',
  CONFLICT: 'it does not follow the tail',
  LOST: 'the log does not exist'
}

function refused (code: StoreErrorCode, tail: Cursor | '', first: string): StoreError {
  return new StoreError(code, `The append ${first === '' ? '' : `at ${first} `}was refused: ${REASONS[code]}${tail === '' ? '' : ` (${tail})`}`, { tail: tail || null })
}

function unavailable (cause: unknown): StoreError {
  return new StoreError('UNAVAILABLE', `Redis is not available: ${(cause as Error).message}`, { cause })
}
