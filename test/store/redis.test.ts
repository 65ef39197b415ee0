import { once } from 'node:events'
import { createServer } from 'node:net'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { createClient as createClient5 } from 'redis-5'
import t, { type Test } from 'tap'
import { type AppendOptions, type LogEntry, type LogRecord, type Store } from '../../lib/log/store.ts'
import { driverOf } from '../../lib/store/redis-client.ts'
import { redisStore, type RedisClient } from '../../lib/store/redis.ts'
import { RedisServer, skipRedis } from '../helpers/redis.ts'

const event = (data: string): LogRecord => ({ kind: 'event', type: '', data, meta: '' })
const TTL = 600_000
const UNAVAILABLE = { name: 'StoreError', code: 'UNAVAILABLE' }

const CLIENTS: { readonly [name: string]: (port: number, user?: string) => RedisClient } = {
  ioredis: (port, user) => new Redis(port, { lazyConnect: true, ...user !== undefined && { username: user, password: 'secret' } }),
  'node-redis': (port, user) => createClient({ socket: { port }, ...user !== undefined && { username: user, password: 'secret' } }),
  'node-redis 5': (port, user) => createClient5({ socket: { port }, ...user !== undefined && { username: user, password: 'secret' } })
}

function openStore (t: Test, client: RedisClient, options?: Parameters<typeof redisStore>[1]): Store {
  const store = redisStore(client, options)
  t.teardown(() => store.close())
  return store
}

const publish = (store: Store, data: string, options?: Partial<AppendOptions>) => store.append('log', [event(data)], { ttl: TTL, ...options })

async function payloads (store: Store, log = 'log') {
  const { entries } = await store.read(log, null, { limit: 1_000 })
  return entries.filter(({ kind }) => kind === 'event').map(({ data }) => data)
}

/** Resolves with the first hint for which the condition holds. */
function hint (store: Store, condition: (entries: readonly LogEntry[] | null) => boolean, log = 'log') {
  let resolve: () => void
  const heard = new Promise<void>(_resolve => { resolve = _resolve })
  return { heard, watching: store.watch(log, entries => { if (condition(entries)) resolve() }) }
}

t.test('only clients of one server are taken', async t => {
  const cluster = new Cluster([{ port: 1 }], { lazyConnect: true })
  const wrong = [undefined, null, {}, 'redis://127.0.0.1', { duplicate () {} }, cluster, createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] })]
  for (const client of wrong) t.throws(() => redisStore(client as unknown as RedisClient), { code: 'SSE_ERR_OPTION', message: /`client` must be/ })
  for (const options of [{ appendTimeout: 0 }, { prefix: 5 }, { prefx: 'a:' }]) t.throws(() => redisStore(createClient(), options as object), { code: 'SSE_ERR_OPTION' }, JSON.stringify(options))
})

t.test('no connection is made before the first call', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  let connections = 0
  server.on('connection', () => connections++)
  const { port } = server.address() as { port: number }
  for (const client of Object.values(CLIENTS)) await openStore(t, client(port)).close()
  server.close()
  await once(server, 'close')
  t.equal(connections, 0)
})

t.test('a server that accepts and never answers: every call fails within the timeout, and closing frees all', async t => {
  const sockets = new Set<{ destroy (): void }>()
  const server = createServer(socket => sockets.add(socket)).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await Promise.all(Object.entries(CLIENTS).map(async ([name, client]) => {
    const store = openStore(t, client(port, 'user'))
    const { signal } = new AbortController()
    await Promise.all([
      t.rejects(publish(store, 'one'), UNAVAILABLE, `${name}: append`),
      t.rejects(publish(store, 'one', { signal }), UNAVAILABLE, `${name}: append with a signal`),
      t.rejects(store.read('log', null, { limit: 1 }), UNAVAILABLE, `${name}: read`),
      t.rejects(store.watch('log', () => {}), UNAVAILABLE, `${name}: watch`),
      t.rejects(store.delete('log'), UNAVAILABLE, `${name}: delete`)
    ])
    const aborted = new AbortController()
    const reason = new Error('no longer wanted')
    const waiting: Array<Promise<unknown>> = [publish(store, 'two', { signal: aborted.signal }), store.read('log', null, { limit: 1, signal: aborted.signal })]
    aborted.abort(reason)
    for (const call of waiting) await t.rejects(call, reason, `${name}: an abort does not wait`)
    const closed: Array<Promise<unknown>> = [publish(store, 'three'), store.watch('log', () => {})]
    await store.close()
    for (const call of closed) await t.rejects(call, UNAVAILABLE, `${name}: closing does not wait`)
  }))
})

for (const [name, client] of Object.entries(CLIENTS)) {
  t.test(name, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t, ['--appendonly', 'yes'])

    t.beforeEach(() => server.command('FLUSHALL'))

    t.test('a server that is away: calls fail, and succeed once it is back', async t => {
      const store = openStore(t, client(server.port))
      await publish(store, 'one')
      const { heard, watching } = hint(store, entries => entries === null)
      await watching
      await server.stop()
      await t.rejects(publish(store, 'two'), UNAVAILABLE)
      await t.rejects(store.watch('another', () => {}), UNAVAILABLE)
      await server.start()
      await heard
      t.pass('watchers hear null when it is back')
      await publish(store, 'three')
      t.strictSame(await payloads(store), ['one', 'three'])
    })

    t.test('CLIENT KILL while appends wait: with tokens repeated, each is there once and in order', async t => {
      const store = openStore(t, client(server.port))
      const kills: Array<Promise<string>> = []
      for (let n = 0; n < 300; n++) {
        if (n % 30 === 15) kills.push(server.command('CLIENT', 'KILL', 'TYPE', 'normal'))
        for (;;) {
          try {
            await publish(store, `${n}`, { token: { publisher: 'p', sequence: n } })
            break
          } catch (error) {
            t.match(error, UNAVAILABLE)
          }
        }
      }
      await Promise.all(kills)
      t.strictSame(await payloads(openStore(t, client(server.port))), Array.from({ length: 300 }, (_, n) => `${n}`))
    })

    t.test('CLIENT KILL of the connection that subscribes: watchers hear null, then what follows', async t => {
      const store = openStore(t, client(server.port))
      const lost = hint(store, entries => entries === null)
      await lost.watching
      await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await lost.heard
      const { heard, watching } = hint(store, entries => entries?.some(({ data }) => data === 'one') ?? false)
      await watching
      await publish(store, 'one')
      await heard
    })

    t.test('a server that is stopped hangs no call, and is used again when it continues', async t => {
      const store = openStore(t, client(server.port))
      await publish(store, 'one')
      server.signal('SIGSTOP')
      try {
        await t.rejects(publish(store, 'two', { token: { publisher: 'p', sequence: 1 } }), { ...UNAVAILABLE, message: /no answer within 2000 ms/ })
      } finally {
        server.signal('SIGCONT')
      }
      await publish(store, 'two', { token: { publisher: 'p', sequence: 1 } })
      t.strictSame(await payloads(store), ['one', 'two'], 'what it had received while stopped is not doubled')
    })

    t.test('a connection that subscribes answers a ping', async t => {
      const heard: unknown[] = []
      const connection = driverOf(client(server.port)).open({ message: (...message) => heard.push(message), closed () {} })
      t.teardown(() => connection.close())
      await connection.ready
      await connection.ping()
      await connection.subscribe(['a', 'b'])
      await connection.ping()
      await server.command('PUBLISH', 'b', 'text')
      await connection.ping()
      t.strictSame(heard, [['b', 'text']])
      await connection.unsubscribe(['a', 'b'])
      await connection.ping()
    })

    t.test('SCRIPT FLUSH is survived', async t => {
      const store = openStore(t, client(server.port))
      await publish(store, 'one')
      await server.command('SCRIPT', 'FLUSH')
      await publish(store, 'two')
      t.strictSame(await payloads(store), ['one', 'two'])
    })

    t.test('out of memory: nothing is written, and reading goes on', async t => {
      const store = openStore(t, client(server.port))
      await publish(store, 'one')
      await server.command('CONFIG', 'SET', 'maxmemory', '1')
      await t.rejects(store.append('log', [event('two'), event('three')], { ttl: TTL, token: { publisher: 'p', sequence: 1 } }), { ...UNAVAILABLE, message: /OOM/ })
      t.strictSame(await payloads(store), ['one'])
      await server.command('CONFIG', 'SET', 'maxmemory', '0')
      await publish(store, 'two', { token: { publisher: 'p', sequence: 1 } })
      t.strictSame(await payloads(store), ['one', 'two'])
    })

    t.test('a user who may not call INFO: one warning, and no new epochs', async t => {
      await server.command('ACL', 'SETUSER', 'limited', 'on', '>secret', '~sse1:*', '&sse1:*', '+@all', '-info')
      const warnings: Error[] = []
      const listener = (warning: Error) => warnings.push(warning)
      process.on('warning', listener)
      t.teardown(() => process.off('warning', listener))
      const limited = openStore(t, client(server.port, 'limited'))
      const full = openStore(t, client(server.port))
      const ids = [await publish(limited, 'one'), await publish(full, 'two'), await publish(limited, 'three'), await publish(full, 'four')]
      t.strictSame(ids.map(id => id.split('-')[1]), ['1', '2', '3', '4'])
      await new Promise(setImmediate)
      t.match(warnings, [{ code: 'SSE_WARN_REDIS_INFO', message: /may not call INFO/ }])
      t.equal(warnings.length, 1)
    })

    t.test('a user who may not subscribe: watch fails with the reason', async t => {
      await server.command('ACL', 'SETUSER', 'deaf', 'on', '>secret', '~sse1:*', 'resetchannels', '+@all')
      const store = openStore(t, client(server.port, 'deaf'))
      await t.rejects(store.watch('log', () => {}), { ...UNAVAILABLE, message: /NOPERM|permissions/ })
    })

    t.test('keys and channels begin with the prefix, and all of a log have its name as hash tag', async t => {
      const store = openStore(t, client(server.port), { prefix: 'p:' })
      const names = ['', 'plain', 'a {b} * %\n\u00a0ü']
      for (const log of names) {
        await store.append(log, [event('one')], { ttl: TTL, lease: TTL, token: { publisher: 'p', sequence: 1 }, idempotencyKey: 'k' })
      }
      const probe = new Redis(server.port)
      t.teardown(() => probe.disconnect())
      const keys = await probe.keys('*')
      t.strictSame(keys.sort(), ['%', 'plain', 'a%20%7Bb%7D%20%2A%20%25%0A%C2%A0ü'].flatMap(name =>
        ['', ':i', ':l', ':t', ':x'].map(suffix => `p:{${name}}${suffix}`)).sort())
      for (const key of keys) t.ok(await probe.pttl(key) > 0, `${key} expires`)
      await Promise.all(names.map(log => store.delete(log)))
      t.strictSame((await probe.keys('*')).filter(key => !key.endsWith(':f')), [])
    })

    t.test('events that cannot be announced are read', async t => {
      const store = openStore(t, client(server.port))
      for (const data of ['with\0separator', 'x'.repeat(65_537)]) {
        const { heard, watching } = hint(store, entries => entries === null)
        const stop = await watching
        await publish(store, data)
        await heard
        stop()
      }
    })

    t.test('retention over many short epochs keeps maxEvents, and not everything', async t => {
      const store = openStore(t, client(server.port))
      let after = null
      for (let epoch = 1; epoch <= 400; epoch++) {
        const open: LogRecord = { kind: 'open', type: after ?? '', data: `${epoch}`, meta: '' }
        after = await store.append('log', [open, event(`${epoch}`)], { first: `${epoch}-0`, after, ttl: TTL, maxEvents: 150 })
      }
      const events = await payloads(store)
      t.ok(events.length >= 150 && events.length < 400, `${events.length} are kept`)
      t.strictSame(events.slice(-150), Array.from({ length: 150 }, (_, n) => `${n + 251}`))
    })
  })
}

t.test('two databases of one server have the same channels, and do not hear each other', { skip: skipRedis }, async t => {
  const server = await RedisServer.start(t)
  const stores = [0, 1].map(db => openStore(t, new Redis(server.port, { lazyConnect: true, db })))
  const heard: string[] = []
  for (const [db, store] of stores.entries()) await store.watch('log', entries => heard.push(...entries!.map(({ data }) => `${db} ${data}`)))
  const { heard: both, watching } = hint(stores[1]!, entries => entries!.some(({ data }) => data === 'last'))
  await watching
  await publish(stores[0]!, 'zero')
  await publish(stores[1]!, 'last')
  await both
  t.strictSame(heard.filter(text => !text.endsWith(' ')), ['0 zero', '1 last'])
})
