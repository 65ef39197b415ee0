// The suite of every store over the clients that test/store/ does not take: earlier versions, and no prefix.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { createClient as createClient5 } from 'redis-5'
import t from 'tap'
import { redisStore } from '../../lib/store/redis.ts'
import { RedisServer, skipRedis } from '../helpers/redis.ts'
import { testStore } from '../helpers/store-suite.ts'

// The client never connects: the store duplicates it.
for (const [name, client] of [
  ['ioredis 6', (port: number) => new Redis(port, { lazyConnect: true })],
  ['ioredis 5', (port: number) => new Redis5(port, { lazyConnect: true })],
  ['node-redis 5', (port: number) => createClient5({ socket: { port } })]
] as const) {
  t.test(name, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t, ['--appendonly', 'yes'])
    await testStore(t, () => ({ open: () => redisStore(client(server.port)), restart: () => server.restart() }))
  })
}
