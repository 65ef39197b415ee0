import { createClient } from 'redis'
import { createClient as createClient5 } from 'redis-5'
import t from 'tap'
import { redisStore } from '../../lib/store/redis.ts'
import { RedisServer, skipRedis } from '../helpers/redis.ts'
import { testStore } from '../helpers/store-suite.ts'

// The client never connects: the store duplicates it.
for (const [name, client] of [
  ['node-redis 6', (port: number) => createClient({ url: `redis://127.0.0.1:${port}/2` })],
  ['node-redis 5', (port: number) => createClient5({ socket: { port } })]
] as const) {
  t.test(name, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t, ['--appendonly', 'yes'])
    await testStore(t, () => ({ open: () => redisStore(client(server.port)), restart: () => server.restart() }))
  })
}
