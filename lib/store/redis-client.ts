// The two Redis clients as one: what the store needs of a connection, made from the client that the app has.
import { SSE_ERR_OPTION } from '../errors.ts'

/**
 * An ioredis 5 or 6 instance or a node-redis 5 or 6 client for one server (or, with ioredis, for Sentinels). Only what
 * tells them apart is named, so that neither package has to be installed for these types.
 */
export type RedisClient = IoredisShape | NodeRedisShape

interface IoredisShape {
  defineCommand: (...args: never[]) => unknown
  duplicate: (...args: never[]) => unknown
}

interface NodeRedisShape {
  sendCommand: (...args: never[]) => unknown
  duplicate: (...args: never[]) => unknown
}

/** One connection for its whole life: it never reconnects and never sends a command twice. Another takes its place. */
export interface Connection {
  /** Resolves once commands can be sent. */
  readonly ready: Promise<unknown>
  command (name: string, args: string[]): Promise<unknown>
  subscribe (channels: string[]): Promise<unknown>
  unsubscribe (channels: string[]): Promise<unknown>
  ping (): Promise<unknown>
  close (): void
}

export interface ConnectionHandler {
  message (channel: string, payload: string): void
  /** The connection is lost, or never came about. May be called more than once. */
  closed (cause: unknown): void
}

export interface RedisDriver {
  /** The prefix that the client gives to its keys. Scripts and channels do not get it from the client. */
  readonly keyPrefix: string
  /** Pub/sub does not separate databases, so channels carry the number. */
  readonly database: number
  open (handler: ConnectionHandler): Connection
}

// Shorter than the deadline of a connection: node-redis 5 cannot be destroyed while its socket connects.
const CONNECT_TIMEOUT = 1_500

interface Ioredis {
  readonly isCluster?: boolean
  readonly options: { keyPrefix: string, db: number }
  duplicate (options: object): Ioredis
  on (event: 'error' | 'end', listener: (error?: unknown) => void): void
  on (event: 'message', listener: (channel: string, payload: string) => void): void
  connect (): Promise<void>
  call (name: string, args: string[]): Promise<unknown>
  subscribe (...channels: string[]): Promise<unknown>
  unsubscribe (...channels: string[]): Promise<unknown>
  ping (): Promise<unknown>
  disconnect (): void
}

// Whatever the app has set for its own commands: we time out, reconnect and resend ourselves. By default ioredis sends
// commands again after a reconnect that the server has carried out already.
const IOREDIS_OPTIONS = {
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  commandTimeout: undefined,
  connectTimeout: CONNECT_TIMEOUT,
  disconnectTimeout: 200,
  enableAutoPipelining: false,
  enableOfflineQueue: false,
  // It calls INFO, which the user may not be allowed to.
  enableReadyCheck: false,
  keyPrefix: '',
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  monitor: false,
  protocol: 2,
  readOnly: false,
  reconnectOnError: null,
  retryStrategy: () => null,
  socketTimeout: undefined,
  stringNumbers: false
}

function ioredisDriver (client: Ioredis): RedisDriver {
  return {
    keyPrefix: client.options.keyPrefix,
    database: client.options.db,
    open (handler) {
      const redis = client.duplicate(IOREDIS_OPTIONS)
      let cause: unknown
      redis.on('error', error => { cause = error })
      redis.on('end', () => handler.closed(cause))
      redis.on('message', handler.message)
      return {
        // Its own reason is "Connection is closed"; the event before it has the true one.
        ready: redis.connect().catch(error => { throw cause ?? error }),
        command: (name, args) => redis.call(name, args),
        subscribe: channels => redis.subscribe(...channels),
        unsubscribe: channels => redis.unsubscribe(...channels),
        ping: () => redis.ping(),
        close: () => redis.disconnect()
      }
    }
  }
}

interface NodeRedis {
  readonly options?: { socket?: object, database?: number, keyPrefix?: unknown }
  duplicate (options: object): NodeRedis
  on (event: 'error', listener: (error: unknown) => void): void
  connect (): Promise<unknown>
  sendCommand (args: string[]): Promise<unknown>
  subscribe (channels: string[], listener: (payload: string, channel: string) => void): Promise<unknown>
  unsubscribe (channels: string[]): Promise<unknown>
  ping (): Promise<unknown>
  destroy (): void
}

function nodeRedisDriver (client: NodeRedis): RedisDriver {
  const options = {
    RESP: 2,
    clientSideCache: undefined,
    // A mapping of types would turn our strings into Buffers.
    commandOptions: undefined,
    disableOfflineQueue: true,
    emitInvalidate: undefined,
    keyPrefix: undefined,
    maintNotifications: 'disabled',
    pingInterval: undefined,
    socket: { ...client.options?.socket, connectTimeout: CONNECT_TIMEOUT, reconnectStrategy: false, socketTimeout: undefined }
  }
  return {
    keyPrefix: String(client.options?.keyPrefix ?? ''),
    database: client.options?.database ?? 0,
    open (handler) {
      const redis = client.duplicate(options)
      redis.on('error', handler.closed)
      const listener = (payload: string, channel: string) => handler.message(channel, payload)
      return {
        ready: redis.connect(),
        command: (name, args) => redis.sendCommand([name, ...args]),
        subscribe: channels => redis.subscribe(channels, listener),
        unsubscribe: channels => redis.unsubscribe(channels),
        ping: () => redis.ping(),
        close () {
          try {
            redis.destroy()
          } catch { /* node-redis 5 throws where it is closed already */ }
        }
      }
    }
  }
}

/** @throws SSE_ERR_OPTION if it is neither client, or one of a Cluster. */
export function driverOf (client: RedisClient): RedisDriver {
  const { defineCommand, sendCommand, duplicate, isCluster } = (client ?? {}) as unknown as { [name: string]: unknown }
  if (typeof duplicate === 'function' && isCluster !== true) {
    if (typeof defineCommand === 'function') return ioredisDriver(client as unknown as Ioredis)
    if (typeof sendCommand === 'function' && !('slots' in client)) return nodeRedisDriver(client as NodeRedis)
  }
  throw new SSE_ERR_OPTION('client', 'an ioredis or node-redis client of one server (not of a Cluster)', client === null ? 'null' : typeof client)
}
