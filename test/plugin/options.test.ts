import t from 'tap'
import { type Store } from '../../lib/log/store.ts'
import { resolvePluginOptions, type SsePluginOptions } from '../../lib/plugin/options.ts'

const resolve = (options: unknown, base?: ReturnType<typeof resolvePluginOptions>) => resolvePluginOptions(options as SsePluginOptions, base)

t.test('options of streams are their defaults, those of the scope around are inherited one by one', async t => {
  const outer = resolve({ retry: 5, heartbeat: 6 })
  t.ok(Object.isFrozen(outer))
  t.match(outer.streams, { retry: 5, heartbeat: 6, commitAfter: 100 })
  t.match(resolve({ retry: 7 }, outer).streams, { retry: 7, heartbeat: 6 })
  t.strictSame(resolve({ prefix: '/v1', logLevel: 'warn', logSerializers: {} }), resolve({}), 'those of register are not its own')
  t.throws(() => resolve({ hartbeat: 5 }), { code: 'SSE_ERR_OPTION' })
})

t.test('ajv is inherited, and checked', async t => {
  const ajv = { customOptions: { formats: {} }, plugins: [() => {}, [() => {}, { a: 1 }]] }
  const outer = resolve({ ajv })
  t.equal(outer.ajv, ajv)
  t.equal(resolve({ retry: 6 }, outer).ajv, ajv)
  t.not(resolve({ ajv: {} }, outer).ajv, ajv)
  t.equal(resolve({}).ajv, undefined)
  t.doesNotThrow(() => resolve({ ajv: { customOptions: undefined, plugins: undefined } }))
  for (const wrong of [null, 1, 'a', [], { plugin: [] }, { customOptions: 1 }, { customOptions: null }, { plugins: {} }, { plugins: [1] }, { plugins: [[{}]] }, { plugins: [[]] }]) {
    t.throws(() => resolve({ ajv: wrong }), { code: 'SSE_ERR_OPTION', message: /^Option `ajv` must be an object of `customOptions`, / }, JSON.stringify(wrong))
  }
})

t.test('store is inherited, and has the methods and limits of a store', async t => {
  const method = async () => {}
  const limits = { appendTimeout: 1, maxEventBytes: 1 }
  const store = { limits, append: method, read: method, watch: method, delete: method, close: method } as unknown as Store
  const outer = resolve({ store })
  t.equal(outer.store, store)
  t.equal(resolve({ retry: 6 }, outer).store, store)
  t.equal(resolve({}).store, undefined)
  for (const wrong of [null, 1, 'redis', () => {}, {}, { ...store, delete: undefined }, { ...store, limits: undefined }, { ...store, limits: { appendTimeout: 1 } }]) {
    t.throws(() => resolve({ store: wrong }), { code: 'SSE_ERR_OPTION', message: /^Option `store` must be an object with the methods append, read, watch, delete, close and numbers `limits.appendTimeout` and `limits.maxEventBytes`, such as/ })
  }
})

t.test('the message about an unknown option lists those of the plugin too', async t => {
  t.throws(() => resolve({ retryDelay: 5 }), { code: 'SSE_ERR_OPTION', message: /^Option `retryDelay` must be one of heartbeat, .*, strictAccept, ajv, store, got an unknown name$/ })
})
