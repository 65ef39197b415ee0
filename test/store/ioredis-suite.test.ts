import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import t from 'tap'
import { redisStore } from '../../lib/store/redis.ts'
import { RedisServer, skipRedis } from '../helpers/redis.ts'
import { testStore } from '../helpers/store-suite.ts'

// The client never connects: the store duplicates it.
for (const [name, client] of [
  ['ioredis 6', (port: number) => new Redis(port, { lazyConnect: true })],
  ['ioredis 6 with keyPrefix and db', (port: number) => new Redis(port, { lazyConnect: true, keyPrefix: 'app:', db: 1 })],
  ['ioredis 5', (port: number) => new Redis5(port, { lazyConnect: true })]
] as const) {
  t.test(name, { skip: skipRedis }, async t => {
    const server = await RedisServer.start(t, ['--appendonly', 'yes'])
    await testStore(t, () => ({ open: () => redisStore(client(server.port)), restart: () => server.restart() }))
  })
}
