// The plugin's own options: the defaults of all streams, and what concerns the app as a whole.
import { inspect } from 'node:util'
import { SSE_ERR_OPTION } from '../errors.ts'
import { checkLimits } from '../log/limits.ts'
import { type Store, type StoreLimits } from '../log/store.ts'
import { isOptions } from '../options.ts'
import { type ResolvedOptions, resolveOptions, type SseOptions } from '../response/options.ts'

type AjvPlugin = (ajv: never, options?: never) => unknown

/** Options of the plugin: the defaults of all streams, how payloads are checked, and where topics and runs are kept. */
export interface SsePluginOptions extends SseOptions {
  /**
   * The value of Fastify's own option `ajv`, so that its keywords and formats are known in payloads too. The check stays
   * strict: nothing is coerced, filled in or removed, whatever `customOptions` says. None by default.
   */
  ajv?: {
    /** Options of Ajv. */
    customOptions?: object | undefined
    /** Plugins of Ajv, each alone or with its options. */
    plugins?: Array<AjvPlugin | [AjvPlugin, unknown]> | undefined
  } | undefined
  /** Where topics and runs are kept. The memory of this process by default. */
  store?: Store | undefined
}

/** The plugin's options in one scope, decided. */
export interface PluginSettings {
  /** Of all streams. */
  readonly streams: ResolvedOptions
  readonly ajv: SsePluginOptions['ajv']
  readonly store: Store | undefined
}

/** Options of `register`, which passes them to the plugin as well. */
type RegisterOptions = { prefix?: unknown, logLevel?: unknown, logSerializers?: unknown }

const STORE_METHODS = ['append', 'read', 'watch', 'delete', 'close'] satisfies Array<keyof Store>
const STORE_LIMITS = ['appendTimeout', 'maxEventBytes'] satisfies Array<keyof StoreLimits>

/**
 * Checks the plugin's options.
 *
 * @param options what the plugin was registered with
 * @param base the settings of the scope around, if the plugin is registered there
 * @throws SSE_ERR_OPTION
 */
export function resolvePluginOptions (options: SsePluginOptions, base?: PluginSettings): PluginSettings {
  if (!isOptions(options)) throw new SSE_ERR_OPTION('options', 'an object', inspect(options, { depth: 0 }))
  const { ajv = base?.ajv, store = base?.store, prefix, logLevel, logSerializers, ...given } = options as SsePluginOptions & RegisterOptions
  const streams = resolveOptions(given, base?.streams, ['ajv', 'store'])
  if (ajv !== undefined && !isAjvOption(ajv)) throw new SSE_ERR_OPTION('ajv', 'an object of `customOptions`, an object, and `plugins`, an array of functions or [function, options]', inspect(ajv, { depth: 0 }))
  if (store !== undefined && !isStore(store)) throw new SSE_ERR_OPTION('store', `an object with the methods ${STORE_METHODS.join(', ')} and numbers ${STORE_LIMITS.map(name => `\`limits.${name}\``).join(' and ')}, such as \`memoryStore()\``, inspect(store, { depth: 0 }))
  if (store !== undefined) checkLimits(store.limits)
  return Object.freeze({ streams, ajv, store })
}

function isAjvOption (ajv: unknown): boolean {
  if (typeof ajv !== 'object' || ajv === null || Array.isArray(ajv)) return false
  const { customOptions = {}, plugins = [], ...others } = ajv as Record<string, unknown>
  return Object.keys(others).length === 0 && typeof customOptions === 'object' && customOptions !== null &&
    Array.isArray(plugins) && plugins.every(plugin => typeof [plugin].flat()[0] === 'function')
}

function isStore (store: unknown): boolean {
  if (typeof store !== 'object' || store === null) return false
  const given = store as Partial<Store>
  return STORE_METHODS.every(name => typeof given[name] === 'function') && STORE_LIMITS.every(name => typeof given.limits?.[name] === 'number')
}
